/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/fsctl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte selects the codec. What decodes encodes, and is the same after another round. */
enum { BUF = 1 << 16 };

static uint8_t first[BUF], second[BUF];

static void must(bool ok)
{
	if (!ok)
		abort();
}

#define CODEC(X)                                                                                              \
	static void fuzz_##X(struct bytes in, struct wr *a, struct wr *b)                                     \
	{                                                                                                     \
		struct X v = {0}, again = {0};                                                                \
                                                                                                              \
		if (!X##_decode(in, &v))                                                                      \
			return;                                                                               \
		X##_encode(a, &v);                                                                            \
		must(!a->bad && X##_decode(BYTES(a->base, a->pos), &again));                                  \
		X##_encode(b, &again);                                                                        \
	}
CODEC(fsctl_validate_negotiate_req)
CODEC(fsctl_validate_negotiate_rsp)
CODEC(fsctl_resume_key_rsp)
CODEC(fsctl_copychunk_req)
CODEC(fsctl_copychunk_rsp)
CODEC(fsctl_set_sparse_req)
CODEC(fsctl_set_zero_data_req)
CODEC(fsctl_file_range)
CODEC(fsctl_object_id_rsp)
CODEC(fsctl_enumerate_snapshots_rsp)
CODEC(fsctl_pipe_wait_req)

struct list {
	struct wr *w;
	size_t last;
};

static bool append(void *arg, const struct fsctl_network_interface *i)
{
	struct list *l = arg;

	must(fsctl_network_interface_append(l->w, i, &l->last));
	return true;
}

static void fuzz_interfaces(struct bytes in, struct wr *a, struct wr *b)
{
	struct list la = {a, SIZE_MAX}, lb = {b, SIZE_MAX};

	if (fsctl_network_interface_walk(in, append, &la))
		must(fsctl_network_interface_walk(BYTES(a->base, a->pos), append, &lb));
	else
		a->pos = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const codecs[])(struct bytes, struct wr *, struct wr *) = {
		fuzz_fsctl_validate_negotiate_req, fuzz_fsctl_validate_negotiate_rsp,
		fuzz_fsctl_resume_key_rsp, fuzz_fsctl_copychunk_req, fuzz_fsctl_copychunk_rsp,
		fuzz_fsctl_set_sparse_req, fuzz_fsctl_set_zero_data_req, fuzz_fsctl_file_range,
		fuzz_fsctl_object_id_rsp, fuzz_fsctl_enumerate_snapshots_rsp, fuzz_fsctl_pipe_wait_req,
		fuzz_interfaces};
	struct wr a = wr_over(first, BUF), b = wr_over(second, BUF);

	if (size == 0 || size > BUF / 2)
		return 0;
	codecs[data[0] % ARRAY_SIZE(codecs)](BYTES(data + 1, size - 1), &a, &b);
	must(!b.bad && a.pos == b.pos && memcmp(first, second, a.pos) == 0);
	return 0;
}
