/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef WIRE_CURSOR_H
#define WIRE_CURSOR_H

#include "core/bytes.h"

#include <endian.h>

/*
 * The only way to read or write wire bytes. Both cursors have a sticky `bad` flag: decode whole, check once.
 * Little-endian unless named _be.
 */

/* A bounded reader over borrowed bytes. After an overrun `bad` is set and every read yields 0 or empty. */
struct rd {
	const uint8_t *base; /* offsets of windows count from here: the start of the SMB2 header or structure */
	size_t len;          /* bytes readable from base */
	size_t pos;          /* pos <= len, always */
	bool bad;
};

/* A bounded writer into borrowed memory. After an overrun or a value too wide `bad` is set; nothing is written. */
struct wr {
	uint8_t *base; /* offsets that are written count from here */
	size_t cap;
	size_t pos; /* pos <= cap, always */
	bool bad;
};

static inline struct rd rd_over(struct bytes b)
{
	return (struct rd){.base = b.data, .len = b.len};
}

static inline size_t rd_left(const struct rd *r)
{
	return r->bad ? 0 : r->len - r->pos;
}

/* n bytes from the position, borrowed; empty and bad if there are fewer. */
static inline struct bytes rd_bytes(struct rd *r, size_t n)
{
	if (r->bad || n > r->len - r->pos) {
		r->bad = true;
		return BYTES(NULL, 0);
	}
	if (n == 0) /* base may be NULL then */
		return BYTES(NULL, 0);
	r->pos += n;
	return BYTES(r->base + r->pos - n, n);
}

static inline void rd_skip(struct rd *r, size_t n)
{
	(void)rd_bytes(r, n);
}

/* Moves forward to a multiple of n from base; at the very end of the data that is not an error. */
static inline void rd_align(struct rd *r, size_t n)
{
	size_t gap = (n - r->pos % n) % n;

	rd_skip(r, gap < rd_left(r) ? gap : rd_left(r));
}

static inline uint64_t rd_uint(struct rd *r, size_t n)
{
	struct bytes b = rd_bytes(r, n);
	uint64_t v = 0;

	for (size_t i = b.len; i-- > 0;)
		v = v << 8 | b.data[i];
	return v;
}

static inline uint8_t rd_u8(struct rd *r)
{
	return (uint8_t)rd_uint(r, 1);
}

static inline uint16_t rd_u16(struct rd *r)
{
	struct bytes b = rd_bytes(r, 2);

	return b.len ? (uint16_t)(b.data[0] | b.data[1] << 8) : 0;
}

static inline uint32_t rd_u32(struct rd *r)
{
	struct bytes b = rd_bytes(r, 4);

	return b.len ? b.data[0] | (uint32_t)b.data[1] << 8 | (uint32_t)b.data[2] << 16 | (uint32_t)b.data[3] << 24
		     : 0;
}

static inline uint64_t rd_u64(struct rd *r)
{
	uint64_t low = rd_u32(r);

	return low | (uint64_t)rd_u32(r) << 32;
}

static inline uint16_t rd_u16_be(struct rd *r)
{
	struct bytes b = rd_bytes(r, 2);

	return b.len ? (uint16_t)(b.data[0] << 8 | b.data[1]) : 0;
}

static inline uint32_t rd_u32_be(struct rd *r)
{
	uint32_t high = rd_u16_be(r);

	return high << 16 | rd_u16_be(r);
}

static inline void rd_copy(struct rd *r, void *out, size_t n)
{
	struct bytes b = rd_bytes(r, n);

	if (b.len)
		memcpy(out, b.data, n);
	else if (n)
		memset(out, 0, n);
}

/* The bytes [offset, offset+length) counted from base, without moving. Length 0 is empty wherever offset points. */
static inline struct bytes rd_window(struct rd *r, size_t offset, size_t length)
{
	if (length == 0)
		return BYTES(NULL, 0);
	if (r->bad || offset > r->len || length > r->len - offset) {
		r->bad = true;
		return BYTES(NULL, 0);
	}
	return BYTES(r->base + offset, length);
}

/* Moves to an offset from base. */
static inline void rd_seek(struct rd *r, size_t offset)
{
	if (r->bad || offset > r->len)
		r->bad = true;
	else
		r->pos = offset;
}

static inline struct wr wr_over(void *buf, size_t cap)
{
	return (struct wr){.base = buf, .cap = cap};
}

static inline size_t wr_left(const struct wr *w)
{
	return w->bad ? 0 : w->cap - w->pos;
}

/* Room for n bytes, zeroed, and the position moved behind it; NULL and bad if it does not fit. */
static inline uint8_t *wr_room(struct wr *w, size_t n)
{
	if (w->bad || n > w->cap - w->pos) {
		w->bad = true;
		return NULL;
	}
	uint8_t *p = w->base + w->pos;
	w->pos += n;
	if (n)
		memset(p, 0, n);
	return p;
}

static inline void wr_bytes(struct wr *w, struct bytes b)
{
	uint8_t *p = wr_room(w, b.len);

	if (p && b.len)
		memcpy(p, b.data, b.len);
}

static inline void wr_zero(struct wr *w, size_t n)
{
	(void)wr_room(w, n);
}

static inline void wr_align(struct wr *w, size_t n)
{
	wr_zero(w, (n - w->pos % n) % n);
}

static inline void wr_uint(struct wr *w, uint64_t v, size_t n)
{
	if (n < 8 && v >> (n * 8)) {
		w->bad = true;
		return;
	}
	uint64_t le = htole64(v);
	uint8_t *p = wr_room(w, n);
	if (p)
		memcpy(p, &le, n);
}

static inline void wr_u8(struct wr *w, uint64_t v)
{
	wr_uint(w, v, 1);
}

static inline void wr_u16(struct wr *w, uint64_t v)
{
	wr_uint(w, v, 2);
}

static inline void wr_u32(struct wr *w, uint64_t v)
{
	wr_uint(w, v, 4);
}

static inline void wr_u64(struct wr *w, uint64_t v)
{
	wr_uint(w, v, 8);
}

static inline void wr_u16_be(struct wr *w, uint64_t v)
{
	wr_u16(w, v > UINT16_MAX ? v : (uint64_t)__builtin_bswap16((uint16_t)v));
}

static inline void wr_u32_be(struct wr *w, uint64_t v)
{
	wr_u32(w, v > UINT32_MAX ? v : (uint64_t)__builtin_bswap32((uint32_t)v));
}

/* Overwrites a field written before, at an offset from base. */
static inline void wr_patch(struct wr *w, size_t offset, uint64_t v, size_t n)
{
	struct wr field = {.base = w->base + offset, .cap = n};

	if (w->bad || offset > w->pos || n > w->pos - offset)
		w->bad = true;
	else
		wr_uint(&field, v, n);
	w->bad |= field.bad;
}

#endif
