/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/smbdirect.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte selects a message. What decodes encodes, and is the same after another round. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

#define NEGOTIATE(X) \
	static void fuzz_##X(struct bytes in) \
	{ \
		struct smbdirect_negotiate_##X v, again; \
		uint8_t first[32], second[32]; \
		struct wr a = wr_over(first, sizeof(first)), b = wr_over(second, sizeof(second)); \
		struct rd r = rd_over(in), r2 = rd_over(BYTES(first, sizeof(first))); \
\
		if (!smbdirect_negotiate_##X##_decode(&r, &v)) \
			return; \
		smbdirect_negotiate_##X##_encode(&a, &v); \
		must(!a.bad && a.pos == r.pos); \
		must(smbdirect_negotiate_##X##_decode(&r2, &again)); \
		smbdirect_negotiate_##X##_encode(&b, &again); \
		must(bytes_equal(BYTES(first, a.pos), BYTES(second, b.pos))); \
	}
NEGOTIATE(req)
NEGOTIATE(rsp)

static void fuzz_data(struct bytes in)
{
	struct smbdirect_data v, again;
	uint8_t *buf = malloc(in.len + 24);
	struct wr w = wr_over(buf, in.len + 24);
	struct rd r = rd_over(in);

	if (smbdirect_data_decode(&r, &v)) {
		must(v.data.len <= in.len - SMBDIRECT_DATA_HEADER_SIZE);
		must(!v.data.len || (v.data.data >= in.data + SMBDIRECT_DATA_HEADER_SIZE &&
					    v.data.data + v.data.len <= in.data + in.len));
		smbdirect_data_encode(&w, &v);
		wr_bytes(&w, v.data);
		struct rd second = rd_over(BYTES(buf, w.pos));
		must(!w.bad && smbdirect_data_decode(&second, &again));
		must(bytes_equal(v.data, again.data) && v.flags == again.flags &&
			v.credits_granted == again.credits_granted &&
			v.credits_requested == again.credits_requested &&
			v.remaining_data_length == again.remaining_data_length);
	}
	free(buf);
}

static void fuzz_descriptors(struct bytes in)
{
	struct smbdirect_descriptor v[SMBDIRECT_MAX_DESCRIPTORS];
	uint8_t buf[SMBDIRECT_MAX_DESCRIPTORS * SMBDIRECT_DESCRIPTOR_SIZE];
	struct wr w = wr_over(buf, sizeof(buf));
	unsigned n;

	if (!smbdirect_descriptors_decode(in, v, &n))
		return;
	for (unsigned i = 0; i < n; i++)
		smbdirect_descriptor_encode(&w, &v[i]);
	must(bytes_equal(in, BYTES(buf, w.pos)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(struct bytes) = {fuzz_req, fuzz_rsp, fuzz_data, fuzz_descriptors};

	if (size)
		kinds[data[0] % ARRAY_SIZE(kinds)](BYTES(data + 1, size - 1));
	return 0;
}
