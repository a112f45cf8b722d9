/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/utf16.h"

#include "wire/upcase_table.h"

/*
 * Names are nearly always ASCII, and each CREATE converts one: what is ASCII is checked eight bytes at a time, the
 * rest one code point at a time.
 */

enum { SURROGATE_FIRST = 0xD800, SURROGATE_LOW = 0xDC00, SURROGATE_LAST = 0xDFFF, PLANE_1 = 0x10000 };
enum { BAD_BYTE = 0x110000 }; /* an ill-formed byte b stands for this + b where names are only compared */

#define UNITS_NOT_ASCII 0xFF80FF80FF80FF80ull
#define BYTES_NOT_ASCII 0x8080808080808080ull

static inline uint64_t load_le64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static inline bool is_high(uint32_t u)
{
	return u >= SURROGATE_FIRST && u < SURROGATE_LOW;
}

static inline bool is_low(uint32_t u)
{
	return u >= SURROGATE_LOW && u <= SURROGATE_LAST;
}

/* The code point at *pos < len (in bytes, even), which moves; a lone surrogate is returned as it is. */
static uint32_t next_utf16(struct bytes b, size_t *pos)
{
	const uint8_t *p = b.data + *pos;
	uint32_t unit = p[0] | (uint32_t)p[1] << 8;

	*pos += 2;
	if (!is_high(unit) || b.len - *pos < 2)
		return unit;
	uint32_t second = p[2] | (uint32_t)p[3] << 8;
	if (!is_low(second))
		return unit;
	*pos += 2;
	return PLANE_1 + ((unit - SURROGATE_FIRST) << 10) + (second - SURROGATE_LOW);
}

static size_t utf8_size(uint32_t cp)
{
	return cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < PLANE_1 ? 3 : 4;
}

static void put_utf8(char *out, uint32_t cp, size_t n)
{
	static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};

	for (size_t i = n - 1; i > 0; i--, cp >>= 6)
		out[i] = (char)(0x80 | (cp & 0x3F));
	out[0] = (char)(lead[n] | cp);
}

/* Bytes at the start of b that are ASCII in UTF-16LE, a multiple of 8. */
static size_t ascii_units(struct bytes b)
{
	size_t pos = 0;

	while (b.len - pos >= 8 && !(load_le64(b.data + pos) & UNITS_NOT_ASCII))
		pos += 8;
	return pos;
}

/* SIZE_MAX for an embedded NUL. */
static size_t utf8_length(struct bytes b, size_t ascii)
{
	size_t n = ascii / 2;

	for (size_t pos = ascii; pos < b.len;) {
		uint32_t cp = next_utf16(b, &pos);
		if (cp == 0)
			return SIZE_MAX;
		n += utf8_size(cp);
	}
	return n;
}

char *utf16_to_utf8(TALLOC_CTX *mem, struct bytes b)
{
	if (b.len % 2)
		return NULL;
	size_t ascii = ascii_units(b);
	size_t length = utf8_length(b, ascii);
	char *s = length < SIZE_MAX ? talloc_array(mem, char, length + 1) : NULL;
	if (!s)
		return NULL;
	char *out = s;
	for (size_t pos = 0; pos < ascii; pos += 2)
		*out++ = (char)b.data[pos];
	if (ascii && memchr(s, 0, ascii / 2)) {
		talloc_free(s);
		return NULL;
	}
	for (size_t pos = ascii; pos < b.len;) {
		uint32_t cp = next_utf16(b, &pos);
		size_t n = utf8_size(cp);
		put_utf8(out, cp, n);
		out += n;
	}
	*out = 0;
	return s;
}

/*
 * The code point at s, surrogates included, and its size; 0 if ill-formed: stray or missing continuation
 * bytes, overlong forms, above U+10FFFF. A NUL stops it like any byte that is no continuation.
 */
static size_t next_utf8(const char *s, uint32_t *cp)
{
	const uint8_t *p = (const uint8_t *)s;

	*cp = p[0];
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xC2 || p[0] > 0xF4)
		return 0;
	size_t n = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
	uint32_t v = p[0] & (0x7Fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
		v = v << 6 | (p[i] & 0x3F);
	}
	*cp = v;
	return v <= 0x10FFFF && utf8_size(v) == n ? n : 0;
}

static size_t ascii_bytes(const char *s, size_t len)
{
	size_t pos = 0;

	while (len - pos >= 8 && !(load_le64((const uint8_t *)s + pos) & BYTES_NOT_ASCII))
		pos += 8;
	return pos;
}

/* WTF-8 writes a pair of surrogates as one code point: two halves in a row would be a second spelling of it. */
size_t utf16_length(const char *s)
{
	size_t len = strlen(s);
	size_t pos = ascii_bytes(s, len), units = pos;
	uint32_t cp = 0, previous = 0;

	for (; pos < len; previous = cp) {
		size_t n = next_utf8(s + pos, &cp);
		if (n == 0 || (is_low(cp) && is_high(previous)))
			return SIZE_MAX;
		pos += n;
		units += cp < PLANE_1 ? 1 : 2;
	}
	return units * 2;
}

static uint8_t *put_unit(uint8_t *out, uint32_t unit)
{
	out[0] = (uint8_t)unit;
	out[1] = (uint8_t)(unit >> 8);
	return out + 2;
}

/* s is well-formed and its UTF-16 form takes `size` bytes, for which there is room. */
static void put_utf16(uint8_t *out, const char *s, size_t size)
{
	const uint8_t *end = out + size;
	uint32_t cp;

	while (out < end) {
		if ((uint8_t)*s < 0x80) {
			out = put_unit(out, (uint8_t)*s++);
			continue;
		}
		s += next_utf8(s, &cp);
		if (cp >= PLANE_1) {
			out = put_unit(out, SURROGATE_FIRST + ((cp - PLANE_1) >> 10));
			cp = SURROGATE_LOW + ((cp - PLANE_1) & 0x3FF);
		}
		out = put_unit(out, cp);
	}
}

void wr_utf16(struct wr *w, const char *s)
{
	size_t size = utf16_length(s);
	uint8_t *room = wr_room(w, size); /* SIZE_MAX never fits */

	if (room)
		put_utf16(room, s, size);
}

struct bytes utf16_from_utf8(TALLOC_CTX *mem, const char *s)
{
	size_t size = utf16_length(s);
	/* data tells failure apart from an empty string, so it is not NULL for that */
	uint8_t *data = size < SIZE_MAX ? talloc_array(mem, uint8_t, size ? size : 1) : NULL;

	if (!data)
		return BYTES(NULL, 0);
	put_utf16(data, s, size);
	return BYTES(data, size);
}

static uint32_t upcase_beyond_ascii(uint32_t cp)
{
	size_t low = 0, high = ARRAY_SIZE(upcase_ranges);

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct upcase_range *g = &upcase_ranges[mid];
		if (cp > g->last)
			low = mid + 1;
		else if (cp < g->first)
			high = mid;
		else
			return (cp - g->first) % g->step ? cp : (uint16_t)(cp + g->delta);
	}
	return cp;
}

static inline uint32_t upcase(uint32_t cp)
{
	if (cp < 0x80)
		return cp - (cp - 'a' < 26 ? 'a' - 'A' : 0);
	return upcase_beyond_ascii(cp);
}

uint32_t unicode_upcase(uint32_t code_point)
{
	return upcase(code_point);
}

/* The next code point in upper case, 0 at the end; bytes that are ill-formed count one by one. */
static inline uint32_t next_folded(const char **s)
{
	uint8_t c = (uint8_t)**s;
	uint32_t cp;

	if (c < 0x80) {
		*s += c != 0;
		return upcase(c);
	}
	size_t n = next_utf8(*s, &cp);
	*s += n ? n : 1;
	return n ? upcase(cp) : BAD_BYTE + c;
}

int name_casecmp(const char *a, const char *b)
{
	uint32_t ca, cb;

	do {
		ca = next_folded(&a);
		cb = next_folded(&b);
	} while (ca == cb && ca);
	return ca < cb ? -1 : ca > cb;
}

/* FNV-1a over code points, and a final mix because tables take the low bits. */
uint64_t name_casehash(const char *s)
{
	uint64_t h = 0xCBF29CE484222325ull;
	uint32_t cp;

	while ((cp = next_folded(&s)))
		h = (h ^ cp) * 0x100000001B3ull;
	h ^= h >> 32;
	h *= 0xD6E8FEB86659FD93ull;
	return h ^ h >> 32;
}
