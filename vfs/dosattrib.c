/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/dosattrib.h"
#include "wire/cursor.h"

#include <stdlib.h>

enum { VALID_ATTRIB = 0x01, VALID_CREATE_TIME = 0x10 };

enum { VERSION_MIN = 1, VERSION_MAX = 5 };

/* What each version has between its start and the creation time. */
static const struct {
	bool valid_flags;   /* a leading word tells which fields hold */
	bool skipped_flags; /* a leading word is passed over */
	uint8_t skip;       /* bytes from attrib to create_time */
} layouts[] = {
	[1] = {.skip = 20},                        /* ea_size, size, alloc_size */
	[2] = {.skipped_flags = true, .skip = 20}, /* likewise */
	[3] = {.valid_flags = true, .skip = 20},   /* likewise */
	[4] = {.valid_flags = true, .skip = 8},    /* itime */
	[5] = {.valid_flags = true, .skip = 0},
};

/* The string that precedes: its digits are the attributes where nothing follows. */
static bool decode_text(struct rd *r, struct dosattrib *out)
{
	const char *text = (const char *)r->base;
	size_t len = strnlen(text, r->len);
	char number[16];

	if (len == r->len || len >= sizeof(number))
		return false;
	memcpy(number, text, len + 1);
	out->has_attributes = len > 0;
	out->attributes = (uint32_t)strtoul(number, NULL, 16);
	rd_skip(r, len + 1);
	return true;
}

bool dosattrib_decode(struct bytes value, struct dosattrib *out)
{
	struct rd r = rd_over(value);

	*out = (struct dosattrib){0};
	if (value.len == 0 || !decode_text(&r, out))
		return false;
	if (rd_left(&r) == 0)
		return out->has_attributes;
	rd_align(&r, 2);
	uint16_t version = rd_u16(&r);
	if (rd_u16(&r) != version || version < VERSION_MIN || version > VERSION_MAX)
		return false;
	rd_align(&r, 4);
	if (layouts[version].skipped_flags)
		rd_skip(&r, 4);
	uint32_t valid = layouts[version].valid_flags ? rd_u32(&r) : VALID_ATTRIB | VALID_CREATE_TIME;
	out->attributes = rd_u32(&r);
	rd_skip(&r, layouts[version].skip);
	out->creation_time = rd_u64(&r);
	if (r.bad)
		return false;
	out->has_attributes = valid & VALID_ATTRIB;
	out->has_creation_time = valid & VALID_CREATE_TIME && out->creation_time != 0;
	return true;
}

void dosattrib_encode(const struct dosattrib *in, uint8_t out[DOSATTRIB_SIZE])
{
	struct wr w = wr_over(out, DOSATTRIB_SIZE);

	wr_u8(&w, 0); /* an empty string */
	wr_align(&w, 2);
	wr_u16(&w, 5);
	wr_u16(&w, 5);
	wr_align(&w, 4);
	wr_u32(&w, (in->has_attributes ? VALID_ATTRIB : 0) | (in->has_creation_time ? VALID_CREATE_TIME : 0));
	wr_u32(&w, in->attributes);
	wr_u64(&w, in->creation_time);
}
