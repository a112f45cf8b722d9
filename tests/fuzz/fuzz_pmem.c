/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/pmem.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* What decodes encodes to no more than it came from, and decodes from that to what encodes to the same bytes.
 */
#define TRY(X) \
	static void try_##X(struct bytes in) \
	{ \
		static struct X first, second; \
		static uint8_t once[8192], twice[8192]; \
		struct wr a = wr_over(once, sizeof(once)), b = wr_over(twice, sizeof(twice)); \
\
		if (!X##_decode(in, &first)) \
			return; \
		X##_encode(&a, &first); \
		must(!a.bad && a.pos <= in.len && X##_decode(BYTES(once, a.pos), &second)); \
		X##_encode(&b, &second); \
		must(bytes_equal(BYTES(once, a.pos), BYTES(twice, b.pos))); \
		must(a.pos == 0 || !X##_decode(BYTES(once, a.pos - 1), &second)); \
	}
TRY(pmem_offer_req)
TRY(pmem_offer_rsp)
TRY(pmem_map_req)
TRY(pmem_map_rsp)
TRY(pmem_commit_req)
TRY(pmem_commit_rsp)
TRY(pmem_unmap_req)

/* The first byte selects a structure. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(struct bytes) = {try_pmem_offer_req, try_pmem_offer_rsp,
		try_pmem_map_req, try_pmem_map_rsp, try_pmem_commit_req, try_pmem_commit_rsp,
		try_pmem_unmap_req};

	if (size)
		tries[data[0] % ARRAY_SIZE(tries)](BYTES(data + 1, size - 1));
	return 0;
}
