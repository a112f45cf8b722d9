/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/info.h"

#include <stdlib.h>
#include <talloc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The first byte selects the family, the second the class, the third a small size; the rest is the
 * information. What decodes encodes again, and stays the same from then on; a buffer too small is not
 * overrun.
 */
enum { BIG = 1 << 20 };

static uint8_t first[BIG], second[BIG];

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void must_be_equal(const struct wr *a, const struct wr *b)
{
	must(a->pos == b->pos && memcmp(a->base, b->base, a->pos) == 0);
}

static struct bytes written(const struct wr *w)
{
	return BYTES(w->base, w->pos);
}

static void fuzz_file(TALLOC_CTX *mem, uint8_t info_class, uint8_t cap, struct bytes in)
{
	struct wr a = wr_over(first, BIG), b = wr_over(second, BIG);
	struct wr small = wr_over(talloc_size(mem, cap), cap);
	struct file_facts f = {0}, again = {0};

	if (!file_info_decode(mem, info_class, in, &f))
		return;
	must(file_info_encode(&a, info_class, &f) == (ntstatus_t)STATUS_SUCCESS);
	must(file_info_decode(mem, info_class, written(&a), &again));
	must(file_info_encode(&b, info_class, &again) == (ntstatus_t)STATUS_SUCCESS);
	must_be_equal(&a, &b);
	(void)file_info_encode(&small, info_class, &f);
	must(small.pos <= cap && !small.bad);
}

static void fuzz_fs(TALLOC_CTX *mem, uint8_t info_class, uint8_t cap, struct bytes in)
{
	struct wr a = wr_over(first, BIG), b = wr_over(second, BIG);
	struct wr small = wr_over(talloc_size(mem, cap), cap);
	struct fs_facts f = {0}, again = {0};

	if (!fs_info_decode(mem, info_class, in, &f))
		return;
	must(fs_info_encode(&a, info_class, &f) == (ntstatus_t)STATUS_SUCCESS);
	must(fs_info_decode(mem, info_class, written(&a), &again));
	must(fs_info_encode(&b, info_class, &again) == (ntstatus_t)STATUS_SUCCESS);
	must_be_equal(&a, &b);
	(void)fs_info_encode(&small, info_class, &f);
	must(small.pos <= cap && !small.bad);
}

struct listing {
	uint8_t info_class;
	struct wr *w;
	size_t last;
};

static bool append(void *arg, const struct dir_entry_facts *e)
{
	struct listing *l = arg;

	must(dir_info_append(l->w, l->info_class, e, &l->last));
	return true;
}

static bool append_what_fits(void *arg, const struct dir_entry_facts *e)
{
	struct listing *l = arg;

	return dir_info_append(l->w, l->info_class, e, &l->last);
}

static void fuzz_dir(TALLOC_CTX *mem, uint8_t info_class, uint8_t cap, struct bytes in)
{
	struct wr a = wr_over(first, BIG), b = wr_over(second, BIG);
	struct wr small = wr_over(talloc_size(mem, cap), cap);
	struct listing la = {info_class, &a, SIZE_MAX}, lb = {info_class, &b, SIZE_MAX};
	struct listing ls = {info_class, &small, SIZE_MAX};

	if (!dir_info_walk(mem, info_class, in, append, &la))
		return;
	must(dir_info_walk(mem, info_class, written(&a), append, &lb));
	must_be_equal(&a, &b);
	must(dir_info_walk(mem, info_class, in, append_what_fits, &ls));
	must(small.pos <= cap && !small.bad);
}

static void fuzz_set(TALLOC_CTX *mem, uint8_t info_class, uint8_t cap, struct bytes in)
{
	struct wr a = wr_over(first, BIG), b = wr_over(second, BIG);
	struct file_rename_info rename;
	struct file_basic_info basic;
	uint32_t flags;
	uint64_t v;

	if (file_rename_info_decode(in, info_class, &rename)) {
		file_rename_info_encode(&a, info_class, &rename);
		must(file_rename_info_decode(written(&a), info_class, &rename));
		file_rename_info_encode(&b, info_class, &rename);
		must_be_equal(&a, &b);
	}
	a.pos = b.pos = 0;
	if (file_basic_info_decode(in, &basic)) {
		file_basic_info_encode(&a, &basic);
		must(memcmp(a.base, in.data, 36) == 0);
	}
	(void)file_disposition_info_decode(in, info_class, &flags);
	(void)file_u64_info_decode(in, &v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const families[])(TALLOC_CTX *, uint8_t, uint8_t, struct bytes) = {
		fuzz_file, fuzz_fs, fuzz_dir, fuzz_set};
	TALLOC_CTX *mem;

	if (size < 3 || size > BIG / 16)
		return 0;
	mem = talloc_new(NULL);
	families[data[0] % ARRAY_SIZE(families)](mem, data[1], data[2], BYTES(data + 3, size - 3));
	talloc_free(mem);
	return 0;
}
