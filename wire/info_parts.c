/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/info_parts.h"

#include "wire/utf16.h"

ntstatus_t info_put_tail_name(struct wr *w, size_t length_at, const char *name)
{
	struct bytes whole = BYTES("", 0);
	size_t fits;

	if (name && name[0])
		whole = utf16_from_utf8(NULL, name);
	if (!whole.data)
		return STATUS_OBJECT_NAME_INVALID;
	wr_patch(w, length_at, whole.len, 4);
	fits = wr_left(w);
	wr_bytes(w, BYTES(whole.data, whole.len < fits ? whole.len : fits));
	if (whole.len)
		talloc_free((void *)whole.data);
	if (w->bad)
		return STATUS_INFO_LENGTH_MISMATCH;
	return whole.len > fits ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

char *info_get_name(void *mem, struct rd *r, size_t n)
{
	struct bytes b = rd_bytes(r, n);
	char *name = r->bad ? NULL : utf16_to_utf8(mem, b);

	if (!name)
		r->bad = true;
	return name;
}

size_t info_entry_begin(struct wr *w, size_t last, size_t align)
{
	if (last != SIZE_MAX)
		wr_zero(w, (align - (w->pos - last) % align) % align);
	return w->pos;
}

bool info_entry_end(struct wr *w, size_t before, size_t start, size_t *last)
{
	if (!w->bad && *last != SIZE_MAX)
		wr_patch(w, *last, start - *last, 4);
	if (w->bad) {
		w->pos = before;
		w->bad = false;
		return false;
	}
	*last = start;
	return true;
}

bool info_entry_next(struct bytes *in, size_t fixed, struct rd *r, bool *malformed)
{
	if (in->len == 0)
		return false;
	*r = rd_over(*in);
	size_t next = rd_u32(r);

	if (r->bad || (next != 0 && (next < fixed || next >= in->len))) {
		*malformed = true;
		return false;
	}
	if (next == 0)
		next = in->len;
	r->len = next;
	*in = BYTES(in->data + next, in->len - next);
	return true;
}
