/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/info.h"

#include "wire/info_parts.h"
#include "wire/smb2.h"
#include "wire/utf16.h"

/* FILE query classes, [MS-FSCC] 2.4: one row each at the end of this file. */

static void put_basic(struct wr *w, const struct file_facts *f)
{
	wr_u64(w, f->creation_time);
	wr_u64(w, f->last_access_time);
	wr_u64(w, f->last_write_time);
	wr_u64(w, f->change_time);
	wr_u32(w, f->attributes);
	wr_zero(w, 4);
}

static void get_basic(struct rd *r, struct file_facts *f)
{
	f->creation_time = rd_u64(r);
	f->last_access_time = rd_u64(r);
	f->last_write_time = rd_u64(r);
	f->change_time = rd_u64(r);
	f->attributes = rd_u32(r);
	rd_skip(r, 4);
}

static void put_standard(struct wr *w, const struct file_facts *f)
{
	wr_u64(w, f->allocation_size);
	wr_u64(w, f->end_of_file);
	wr_u32(w, f->number_of_links);
	wr_u8(w, f->delete_pending);
	wr_u8(w, f->directory);
	wr_zero(w, 2);
}

static void get_standard(struct rd *r, struct file_facts *f)
{
	f->allocation_size = rd_u64(r);
	f->end_of_file = rd_u64(r);
	f->number_of_links = rd_u32(r);
	f->delete_pending = rd_u8(r) != 0;
	f->directory = rd_u8(r) != 0;
	rd_skip(r, 2);
}

static void put_internal(struct wr *w, const struct file_facts *f)
{
	wr_u64(w, f->file_id);
}

static void get_internal(struct rd *r, struct file_facts *f)
{
	f->file_id = rd_u64(r);
}

static void put_ea(struct wr *w, const struct file_facts *f)
{
	wr_u32(w, f->ea_size);
}

static void get_ea(struct rd *r, struct file_facts *f)
{
	f->ea_size = rd_u32(r);
}

static void put_access(struct wr *w, const struct file_facts *f)
{
	wr_u32(w, f->access_flags);
}

static void get_access(struct rd *r, struct file_facts *f)
{
	f->access_flags = rd_u32(r);
}

static void put_position(struct wr *w, const struct file_facts *f)
{
	wr_u64(w, f->position);
}

static void get_position(struct rd *r, struct file_facts *f)
{
	f->position = rd_u64(r);
}

static void put_mode(struct wr *w, const struct file_facts *f)
{
	wr_u32(w, f->mode);
}

static void get_mode(struct rd *r, struct file_facts *f)
{
	f->mode = rd_u32(r);
}

static void put_alignment(struct wr *w, const struct file_facts *f)
{
	wr_u32(w, f->alignment);
}

static void get_alignment(struct rd *r, struct file_facts *f)
{
	f->alignment = rd_u32(r);
}

static void put_all(struct wr *w, const struct file_facts *f)
{
	put_basic(w, f);
	put_standard(w, f);
	put_internal(w, f);
	put_ea(w, f);
	put_access(w, f);
	put_position(w, f);
	put_mode(w, f);
	put_alignment(w, f);
}

static void get_all(struct rd *r, struct file_facts *f)
{
	get_basic(r, f);
	get_standard(r, f);
	get_internal(r, f);
	get_ea(r, f);
	get_access(r, f);
	get_position(r, f);
	get_mode(r, f);
	get_alignment(r, f);
}

/* [MS-FSCC] 2.4.9: the size that the data takes; nothing here is ever compressed. */
static void put_compression(struct wr *w, const struct file_facts *f)
{
	wr_u64(w, f->end_of_file);
	wr_zero(w, 8);
}

static void get_compression(struct rd *r, struct file_facts *f)
{
	f->end_of_file = rd_u64(r);
	rd_skip(r, 8);
}

static void put_network_open(struct wr *w, const struct file_facts *f)
{
	wr_u64(w, f->creation_time);
	wr_u64(w, f->last_access_time);
	wr_u64(w, f->last_write_time);
	wr_u64(w, f->change_time);
	wr_u64(w, f->allocation_size);
	wr_u64(w, f->end_of_file);
	wr_u32(w, f->attributes);
	wr_zero(w, 4);
}

static void get_network_open(struct rd *r, struct file_facts *f)
{
	f->creation_time = rd_u64(r);
	f->last_access_time = rd_u64(r);
	f->last_write_time = rd_u64(r);
	f->change_time = rd_u64(r);
	f->allocation_size = rd_u64(r);
	f->end_of_file = rd_u64(r);
	f->attributes = rd_u32(r);
	rd_skip(r, 4);
}

static void put_attribute_tag(struct wr *w, const struct file_facts *f)
{
	wr_u32(w, f->attributes);
	wr_u32(w, f->attributes & FILE_ATTRIBUTE_REPARSE_POINT ? f->reparse_tag : 0);
}

static void get_attribute_tag(struct rd *r, struct file_facts *f)
{
	f->attributes = rd_u32(r);
	f->reparse_tag = rd_u32(r);
}

static void put_id(struct wr *w, const struct file_facts *f)
{
	wr_u64(w, f->volume_id);
	wr_u64(w, f->file_id);
	wr_zero(w, 8);
}

static void get_id(struct rd *r, struct file_facts *f)
{
	f->volume_id = rd_u64(r);
	f->file_id = rd_u64(r);
	rd_skip(r, 8);
}

/* What follows the fixed part: nothing, a 32-bit length and a name, or a list. */
enum tail { TAIL_NONE, TAIL_NAME, TAIL_NORMALIZED, TAIL_SHORT_NAME, TAIL_STREAMS };

/*
 * `minimum` is the buffer below which the answer is STATUS_INFO_LENGTH_MISMATCH: the size of the C structure
 * that [MS-FSA] 2.1.5.12 speaks of, one character and padding included, not that of the fields before the
 * name. `access`: [MS-SMB2] 3.3.5.20.1. A class without `put` and tail is encoded elsewhere (ea_append).
 */
struct file_class {
	uint8_t info_class;
	uint8_t minimum;
	uint8_t tail;
	uint32_t access;
	void (*put)(struct wr *, const struct file_facts *);
	void (*get)(struct rd *, struct file_facts *);
};

static const struct file_class classes[] = {
	{FileBasicInformation, 40, TAIL_NONE, FILE_READ_ATTRIBUTES, put_basic, get_basic},
	{FileStandardInformation, 24, TAIL_NONE, 0, put_standard, get_standard},
	{FileInternalInformation, 8, TAIL_NONE, 0, put_internal, get_internal},
	{FileEaInformation, 4, TAIL_NONE, 0, put_ea, get_ea},
	{FileAccessInformation, 4, TAIL_NONE, 0, put_access, get_access},
	{FileNameInformation, 8, TAIL_NAME, 0, NULL, NULL},
	{FilePositionInformation, 8, TAIL_NONE, 0, put_position, get_position},
	{FileFullEaInformation, 8, TAIL_NONE, FILE_READ_EA, NULL, NULL},
	{FileModeInformation, 4, TAIL_NONE, 0, put_mode, get_mode},
	{FileAlignmentInformation, 4, TAIL_NONE, 0, put_alignment, get_alignment},
	{FileAllInformation, 104, TAIL_NAME, FILE_READ_ATTRIBUTES, put_all, get_all},
	{FileAlternateNameInformation, 8, TAIL_SHORT_NAME, 0, NULL, NULL},
	{FileStreamInformation, 32, TAIL_STREAMS, 0, NULL, NULL},
	{FileCompressionInformation, 16, TAIL_NONE, 0, put_compression, get_compression},
	{FileNetworkOpenInformation, 56, TAIL_NONE, FILE_READ_ATTRIBUTES, put_network_open, get_network_open},
	{FileAttributeTagInformation, 8, TAIL_NONE, FILE_READ_ATTRIBUTES, put_attribute_tag,
		get_attribute_tag},
	{FileNormalizedNameInformation, 8, TAIL_NORMALIZED, 0, NULL, NULL},
	{FileIdInformation, 24, TAIL_NONE, 0, put_id, get_id},
};

static const struct file_class *find_class(uint8_t info_class)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i].info_class == info_class)
			return &classes[i];
	return NULL;
}

bool file_info_required_access(uint8_t info_class, uint32_t *access)
{
	const struct file_class *c = find_class(info_class);

	if (c)
		*access = c->access;
	return c != NULL;
}

static const char *tail_name(const struct file_class *c, const struct file_facts *f)
{
	const char *name = f->name ? f->name : "";

	if (c->tail == TAIL_SHORT_NAME)
		return f->short_name;
	return c->tail == TAIL_NORMALIZED ? name + strspn(name, "\\") : name;
}

/* [MS-FSA] 2.1.5.12.29: whole entries only, and STATUS_BUFFER_OVERFLOW when some had no room. */
static ntstatus_t put_streams(struct wr *w, const struct file_facts *f)
{
	size_t last = SIZE_MAX;

	for (unsigned i = 0; i < f->stream_count; i++) {
		const struct file_stream_fact *s = &f->streams[i];
		size_t before = w->pos, start = info_entry_begin(w, last, 8);

		wr_u32(w, 0);
		wr_u32(w, utf16_length(s->name));
		wr_u64(w, s->size);
		wr_u64(w, s->allocation);
		wr_utf16(w, s->name);
		if (!info_entry_end(w, before, start, &last))
			return STATUS_BUFFER_OVERFLOW;
	}
	return STATUS_SUCCESS;
}

static ntstatus_t put_tail(struct wr *w, const struct file_class *c, const struct file_facts *f)
{
	if (c->tail == TAIL_NONE)
		return STATUS_SUCCESS;
	if (c->tail == TAIL_STREAMS)
		return put_streams(w, f);
	const char *name = tail_name(c, f);
	size_t length_at = w->pos;

	/* [MS-FSA] 2.1.5.12.4: a file without a short name */
	if (!name)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	wr_u32(w, 0);
	return info_put_tail_name(w, length_at, name);
}

ntstatus_t file_info_encode(struct wr *w, uint8_t info_class, const struct file_facts *f)
{
	const struct file_class *c = find_class(info_class);
	struct wr begin = *w;

	if (!c || (!c->put && c->tail == TAIL_NONE))
		return STATUS_INVALID_INFO_CLASS;
	if (wr_left(w) < c->minimum)
		return STATUS_INFO_LENGTH_MISMATCH;
	if (c->put)
		c->put(w, f);
	ntstatus_t status = put_tail(w, c, f);
	if (status_is_error(status))
		*w = begin;
	return status;
}

static bool get_streams(void *mem, struct bytes in, struct file_facts *f)
{
	struct file_stream_fact *list = NULL;
	unsigned count = 0;
	bool malformed = false;
	struct rd r;

	while (info_entry_next(&in, 24, &r, &malformed)) {
		list = talloc_realloc(mem, list, struct file_stream_fact, count + 1);
		if (!list)
			return false;
		struct file_stream_fact *s = &list[count++];
		size_t n = rd_u32(&r);

		s->size = rd_u64(&r);
		s->allocation = rd_u64(&r);
		s->name = info_get_name(list, &r, n);
		if (r.bad)
			return false;
	}
	f->streams = list;
	f->stream_count = count;
	return !malformed;
}

bool file_info_decode(void *mem, uint8_t info_class, struct bytes in, struct file_facts *f)
{
	const struct file_class *c = find_class(info_class);
	struct rd r = rd_over(in);

	if (!c || (!c->get && c->tail == TAIL_NONE))
		return false;
	if (c->tail == TAIL_STREAMS)
		return get_streams(mem, in, f);
	if (c->get)
		c->get(&r, f);
	if (c->tail != TAIL_NONE) {
		size_t n = rd_u32(&r);
		const char *name = info_get_name(mem, &r, n);

		*(c->tail == TAIL_SHORT_NAME ? &f->short_name : &f->name) = name;
	}
	return !r.bad;
}
