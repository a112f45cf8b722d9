/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/info.h"

#include "wire/info_parts.h"
#include "wire/smb2.h"
#include "wire/utf16.h"

/*
 * Directory classes, [MS-FSCC] 2.4. All entries are made of the same parts in the same order:
 *
 *   NextEntryOffset, FileIndex | STAT: times, sizes, attributes | FileNameLength | EA | TAG | SHORT | pad |
 *   ID8, ID16 | FileName
 */
enum { STAT = 1, EA = 2, TAG = 4, SHORT = 8, ID8 = 16, ID16 = 32 };
enum { SHORT_NAME_SIZE = 24, ENTRY_ALIGN = 8 };

struct dir_class {
	uint8_t info_class;
	uint8_t fixed; /* bytes before the name */
	uint8_t parts;
	uint8_t pad;
};

static const struct dir_class classes[] = {
	{FileDirectoryInformation, 64, STAT, 0},
	{FileFullDirectoryInformation, 68, STAT | EA, 0},
	{FileBothDirectoryInformation, 94, STAT | EA | SHORT, 0},
	{FileNamesInformation, 12, 0, 0},
	{FileIdBothDirectoryInformation, 104, STAT | EA | SHORT | ID8, 2},
	{FileIdFullDirectoryInformation, 80, STAT | EA | ID8, 4},
	{FileIdExtdDirectoryInformation, 88, STAT | EA | TAG | ID16, 0},
};

static const struct dir_class *find_class(uint8_t info_class)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i].info_class == info_class)
			return &classes[i];
	return NULL;
}

bool dir_info_fixed_size(uint8_t info_class, size_t *size)
{
	const struct dir_class *c = find_class(info_class);

	if (c)
		*size = c->fixed;
	return c != NULL;
}

static void put_stat(struct wr *w, const struct dir_entry_facts *e)
{
	wr_u64(w, e->creation_time);
	wr_u64(w, e->last_access_time);
	wr_u64(w, e->last_write_time);
	wr_u64(w, e->change_time);
	wr_u64(w, e->end_of_file);
	wr_u64(w, e->allocation_size);
	wr_u32(w, e->attributes);
}

static void get_stat(struct rd *r, struct dir_entry_facts *e)
{
	e->creation_time = rd_u64(r);
	e->last_access_time = rd_u64(r);
	e->last_write_time = rd_u64(r);
	e->change_time = rd_u64(r);
	e->end_of_file = rd_u64(r);
	e->allocation_size = rd_u64(r);
	e->attributes = rd_u32(r);
}

/* [MS-FSCC] 2.4.17: EaSize is the tag of a reparse point in classes that have no field of its own for it. */
static bool tag_in_ea_size(const struct dir_class *c, const struct dir_entry_facts *e)
{
	return !(c->parts & TAG) && (e->attributes & FILE_ATTRIBUTE_REPARSE_POINT);
}

static void put_short_name(struct wr *w, const char *name)
{
	size_t n = name ? utf16_length(name) : 0;

	if (n > SHORT_NAME_SIZE) {
		w->bad = true;
		return;
	}
	wr_u8(w, n);
	wr_zero(w, 1);
	if (n)
		wr_utf16(w, name);
	wr_zero(w, SHORT_NAME_SIZE - n);
}

static void put_parts(struct wr *w, const struct dir_class *c, const struct dir_entry_facts *e)
{
	wr_u32(w, 0);
	wr_u32(w, e->file_index);
	if (c->parts & STAT)
		put_stat(w, e);
	wr_u32(w, utf16_length(e->name));
	if (c->parts & EA)
		wr_u32(w, tag_in_ea_size(c, e) ? e->reparse_tag : e->ea_size);
	if (c->parts & TAG)
		wr_u32(w, e->attributes & FILE_ATTRIBUTE_REPARSE_POINT ? e->reparse_tag : 0);
	if (c->parts & SHORT)
		put_short_name(w, e->short_name);
	wr_zero(w, c->pad);
	if (c->parts & (ID8 | ID16))
		wr_u64(w, e->file_id);
	if (c->parts & ID16)
		wr_zero(w, 8);
	wr_utf16(w, e->name);
}

bool dir_info_append(struct wr *w, uint8_t info_class, const struct dir_entry_facts *e, size_t *last)
{
	const struct dir_class *c = find_class(info_class);
	size_t before = w->pos, start;

	if (!c || w->bad)
		return false;
	start = info_entry_begin(w, *last, ENTRY_ALIGN);
	put_parts(w, c, e);
	return info_entry_end(w, before, start, last);
}

static const char *get_short_name(void *mem, struct rd *r)
{
	size_t n = rd_u8(r);
	struct rd field;
	char *name = NULL;

	rd_skip(r, 1);
	field = rd_over(rd_bytes(r, SHORT_NAME_SIZE));
	if (n) {
		name = info_get_name(mem, &field, n);
		r->bad |= field.bad;
	}
	return name;
}

static void get_parts(void *mem, struct rd *r, const struct dir_class *c, struct dir_entry_facts *e)
{
	size_t name_length;

	e->file_index = rd_u32(r);
	if (c->parts & STAT)
		get_stat(r, e);
	name_length = rd_u32(r);
	if (c->parts & EA)
		*(tag_in_ea_size(c, e) ? &e->reparse_tag : &e->ea_size) = rd_u32(r);
	if (c->parts & TAG)
		e->reparse_tag = rd_u32(r);
	if (c->parts & SHORT)
		e->short_name = get_short_name(mem, r);
	rd_skip(r, c->pad);
	if (c->parts & (ID8 | ID16))
		e->file_id = rd_u64(r);
	if (c->parts & ID16)
		rd_skip(r, 8);
	e->name = info_get_name(mem, r, name_length);
}

bool dir_info_walk(void *mem, uint8_t info_class, struct bytes in,
	bool (*fn)(void *arg, const struct dir_entry_facts *e), void *arg)
{
	const struct dir_class *c = find_class(info_class);
	bool malformed = !c;
	struct rd r;

	while (!malformed && info_entry_next(&in, c->fixed, &r, &malformed)) {
		struct dir_entry_facts e = {0};

		get_parts(mem, &r, c, &e);
		if (r.bad)
			return false;
		if (!fn(arg, &e))
			break;
	}
	return !malformed;
}
