/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/ndr.h"

#include "wire/utf16.h"

/* [C706] 14.3.4.2: MaximumCount, Offset, ActualCount, elements; the terminator is one of them. */
/* A [string] ends at its first NUL; some clients send more of them. */
static size_t length_to_nul(struct bytes utf16)
{
	size_t n = 0;

	while (utf16.data[n] || utf16.data[n + 1])
		n += 2;
	return n;
}

char *ndr_get_string(void *mem, struct rd *r)
{
	uint32_t max = ndr_get_u32(r), offset = rd_u32(r), actual = rd_u32(r);
	struct bytes b = rd_bytes(r, (size_t)actual * 2);
	char *s = NULL;

	if (!r->bad && offset == 0 && actual != 0 && actual <= max && b.data[b.len - 1] == 0 &&
		b.data[b.len - 2] == 0)
		s = utf16_to_utf8(mem, BYTES(b.data, length_to_nul(b)));
	if (!s)
		r->bad = true;
	return s;
}

void ndr_put_string(struct wr *w, const char *s)
{
	size_t n = utf16_length(s);

	if (n >= UINT32_MAX) {
		w->bad = true;
		return;
	}
	ndr_put_u32(w, n / 2 + 1);
	wr_u32(w, 0);
	wr_u32(w, n / 2 + 1);
	wr_utf16(w, s);
	wr_u16(w, 0);
}

char *ndr_get_unique_string(void *mem, struct rd *r)
{
	return ndr_get_pointer(r) ? ndr_get_string(mem, r) : NULL;
}

void ndr_put_unique_string(struct wr *w, const char *s)
{
	ndr_put_pointer(w, s != NULL);
	if (s)
		ndr_put_string(w, s);
}

struct bytes ndr_get_byte_array(struct rd *r)
{
	uint32_t n = ndr_get_u32(r);

	return rd_bytes(r, n);
}

void ndr_put_byte_array(struct wr *w, struct bytes b)
{
	ndr_put_u32(w, b.len);
	wr_bytes(w, b);
}

const struct ndr_layout *ndr_find_level(const struct ndr_layout *rows, size_t n, uint32_t level)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].level == level)
			return &rows[i];
	return NULL;
}

size_t ndr_fixed_size(const struct ndr_layout *l)
{
	size_t n = 0;

	for (unsigned i = 0; i < l->count; i++)
		n += l->fields[i].kind == NDR_BLOB ? 8 : 4;
	return n;
}

static const void *member(const void *object, const struct ndr_field *f)
{
	return (const char *)object + f->offset;
}

static void *member_of(void *object, const struct ndr_field *f)
{
	return (char *)object + f->offset;
}

void ndr_put_fixed(struct wr *w, const struct ndr_layout *l, const void *object)
{
	for (unsigned i = 0; i < l->count; i++) {
		const void *m = member(object, &l->fields[i]);

		switch (l->fields[i].kind) {
		case NDR_U32:
			ndr_put_u32(w, *(const uint32_t *)m);
			break;
		case NDR_STRING:
			ndr_put_pointer(w, *(const char *const *)m != NULL);
			break;
		case NDR_BLOB:
			ndr_put_u32(w, ((const struct bytes *)m)->len);
			ndr_put_pointer(w, ((const struct bytes *)m)->data != NULL);
			break;
		}
	}
}

void ndr_put_deferred(struct wr *w, const struct ndr_layout *l, const void *object)
{
	for (unsigned i = 0; i < l->count; i++) {
		const void *m = member(object, &l->fields[i]);

		if (l->fields[i].kind == NDR_STRING && *(const char *const *)m)
			ndr_put_string(w, *(const char *const *)m);
		else if (l->fields[i].kind == NDR_BLOB && ((const struct bytes *)m)->data)
			ndr_put_byte_array(w, *(const struct bytes *)m);
	}
}

void ndr_get_fixed(struct rd *r, const struct ndr_layout *l, void *object)
{
	for (unsigned i = 0; i < l->count; i++) {
		void *m = member_of(object, &l->fields[i]);
		size_t n;

		switch (l->fields[i].kind) {
		case NDR_U32:
			*(uint32_t *)m = ndr_get_u32(r);
			break;
		case NDR_STRING:
			*(const char **)m = ndr_get_pointer(r) ? "" : NULL;
			break;
		case NDR_BLOB:
			n = ndr_get_u32(r);
			*(struct bytes *)m = BYTES(ndr_get_pointer(r) ? "" : NULL, n);
			break;
		}
	}
}

void ndr_get_deferred(void *mem, struct rd *r, const struct ndr_layout *l, void *object)
{
	for (unsigned i = 0; i < l->count; i++) {
		void *m = member_of(object, &l->fields[i]);

		if (l->fields[i].kind == NDR_STRING && *(const char **)m) {
			*(const char **)m = ndr_get_string(mem, r);
		} else if (l->fields[i].kind == NDR_BLOB) {
			struct bytes *b = m;
			struct bytes content = b->data ? ndr_get_byte_array(r) : BYTES(NULL, 0);

			if (b->data && content.len != b->len)
				r->bad = true;
			*b = content;
		}
	}
}

void ndr_put_level_union(struct wr *w, uint32_t level, const struct ndr_layout *l, const void *object)
{
	ndr_put_u32(w, level);
	ndr_put_pointer(w, object != NULL);
	if (object) {
		ndr_put_fixed(w, l, object);
		ndr_put_deferred(w, l, object);
	}
}

bool ndr_get_level_union(void *mem, struct rd *r, uint32_t level, const struct ndr_layout *l, void *object)
{
	bool right_level = ndr_get_u32(r) == level;
	bool present = ndr_get_pointer(r);

	if (!right_level || (present && !l))
		r->bad = true;
	if (r->bad || !present)
		return false;
	ndr_get_fixed(r, l, object);
	ndr_get_deferred(mem, r, l, object);
	return !r->bad;
}
