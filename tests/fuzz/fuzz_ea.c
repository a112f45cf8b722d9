/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/info.h"

#include <stdlib.h>
#include <talloc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte selects full attributes or a list of names. What decodes is the same after another round. */
enum { BIG = 1 << 20 };

static uint8_t buffers[2][BIG];

struct list {
	struct wr w;
	size_t last;
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool append(void *arg, const struct ea_fact *e)
{
	struct list *l = arg;

	must(e->name[0] != 0 && strlen(e->name) <= UINT8_MAX && e->value.len <= UINT16_MAX);
	must(ea_append(&l->w, e, &l->last));
	return true;
}

static bool append_name(void *arg, const char *name)
{
	struct list *l = arg;

	must(name[0] != 0 && ea_name_append(&l->w, name, &l->last));
	return true;
}

static bool walk(TALLOC_CTX *mem, bool names, struct bytes in, uint8_t *out, struct list *l)
{
	*l = (struct list){.w = wr_over(out, BIG), .last = SIZE_MAX};
	return names ? ea_name_walk(mem, in, append_name, l) : ea_walk(mem, in, append, l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	TALLOC_CTX *mem;
	struct list first, second;

	if (size == 0 || size > BIG / 16)
		return 0;
	mem = talloc_new(NULL);
	if (walk(mem, data[0] & 1, BYTES(data + 1, size - 1), buffers[0], &first)) {
		must(walk(mem, data[0] & 1, BYTES(first.w.base, first.w.pos), buffers[1], &second));
		must(first.w.pos == second.w.pos && memcmp(first.w.base, second.w.base, first.w.pos) == 0);
	}
	talloc_free(mem);
	return 0;
}
