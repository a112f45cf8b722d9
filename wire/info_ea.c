/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/info.h"

#include "wire/info_parts.h"

#include <talloc.h>

/* Extended attributes, [MS-FSCC] 2.4.16 (FILE_FULL_EA_INFORMATION) and 2.4.16.1 (FILE_GET_EA_INFORMATION). */

enum { EA_ALIGN = 4, EA_FIXED = 8, EA_NAME_FIXED = 5 };

bool ea_append(struct wr *w, const struct ea_fact *e, size_t *last)
{
	size_t before = w->pos, n = strlen(e->name), start;

	if (w->bad)
		return false;
	start = info_entry_begin(w, *last, EA_ALIGN);
	wr_u32(w, 0);
	wr_u8(w, e->flags);
	wr_u8(w, n);
	wr_u16(w, e->value.len);
	wr_bytes(w, BYTES(e->name, n));
	wr_zero(w, 1);
	wr_bytes(w, e->value);
	return info_entry_end(w, before, start, last);
}

/* A counted name with a terminator that is not counted. */
static const char *get_ea_name(void *mem, struct rd *r, size_t n)
{
	struct bytes b = rd_bytes(r, n);
	char *name;

	if (rd_u8(r) != 0 || r->bad || n == 0 || memchr(b.data, 0, n)) {
		r->bad = true;
		return NULL;
	}
	name = talloc_strndup(mem, (const char *)b.data, n);
	if (!name)
		r->bad = true;
	return name;
}

bool ea_walk(void *mem, struct bytes in, bool (*fn)(void *arg, const struct ea_fact *e), void *arg)
{
	bool malformed = false;
	struct rd r;

	while (info_entry_next(&in, EA_FIXED, &r, &malformed)) {
		struct ea_fact e = {.flags = rd_u8(&r)};
		size_t name_length = rd_u8(&r), value_length = rd_u16(&r);

		e.name = get_ea_name(mem, &r, name_length);
		e.value = rd_bytes(&r, value_length);
		if (r.bad)
			return false;
		if (!fn(arg, &e))
			break;
	}
	return !malformed;
}

bool ea_name_append(struct wr *w, const char *name, size_t *last)
{
	size_t before = w->pos, n = strlen(name), start;

	if (w->bad)
		return false;
	start = info_entry_begin(w, *last, EA_ALIGN);
	wr_u32(w, 0);
	wr_u8(w, n);
	wr_bytes(w, BYTES(name, n));
	wr_zero(w, 1);
	return info_entry_end(w, before, start, last);
}

bool ea_name_walk(void *mem, struct bytes in, bool (*fn)(void *arg, const char *name), void *arg)
{
	bool malformed = false;
	struct rd r;

	while (info_entry_next(&in, EA_NAME_FIXED, &r, &malformed)) {
		size_t n = rd_u8(&r);
		const char *name = get_ea_name(mem, &r, n);

		if (r.bad)
			return false;
		if (!fn(arg, name))
			break;
	}
	return !malformed;
}
