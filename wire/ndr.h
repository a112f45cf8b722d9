/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef WIRE_NDR_H
#define WIRE_NDR_H

#include "wire/cursor.h"

/*
 * NDR transfer syntax 2.0, little-endian, [C706] chapter 14 and [MS-RPCE] 2.2.4. The base of a cursor is the
 * start of the stub: alignment counts from there. Only what the interfaces here use: 32-bit numbers, unique
 * pointers, conformant varying strings of UTF-16 with a terminator, conformant arrays.
 */

static inline uint32_t ndr_get_u32(struct rd *r)
{
	rd_align(r, 4);
	return rd_u32(r);
}

static inline void ndr_put_u32(struct wr *w, uint64_t v)
{
	wr_align(w, 4);
	wr_u32(w, v);
}

/* A pointer's referent: whether there is one. What it points to follows, at once or behind the structure. */
static inline bool ndr_get_pointer(struct rd *r)
{
	return ndr_get_u32(r) != 0;
}

/*
 * The referent is a number that is not 0 and not used for another pointer of the stub: made of the position.
 */
static inline void ndr_put_pointer(struct wr *w, bool present)
{
	wr_align(w, 4);
	wr_u32(w, present ? 0x00020000 + (uint64_t)w->pos : 0);
}

/* A string without a pointer, allocated under mem; NULL and r->bad if it is malformed. */
char *ndr_get_string(void *mem, struct rd *r);
void ndr_put_string(struct wr *w, const char *s);

/* A unique pointer and, at once, the string; NULL stands for no string: check r->bad. */
char *ndr_get_unique_string(void *mem, struct rd *r);
void ndr_put_unique_string(struct wr *w, const char *s);

/* A conformant array of bytes: count and content. */
struct bytes ndr_get_byte_array(struct rd *r);
void ndr_put_byte_array(struct wr *w, struct bytes b);

/*
 * Structures whose members are all 32 bits wide on the wire, as those of information levels are: a row of
 * fields, each naming a member of a C struct by its offset.
 */
enum ndr_kind {
	NDR_U32,    /* uint32_t */
	NDR_STRING, /* const char *, NULL for a null pointer: a unique pointer to a string */
	NDR_BLOB,   /* struct bytes: a count, then a unique pointer to that many bytes */
};

struct ndr_field {
	uint8_t kind;
	uint16_t offset;
};

enum { NDR_MAX_FIELDS = 16 };
struct ndr_layout {
	uint32_t level;
	uint8_t count;
	struct ndr_field fields[NDR_MAX_FIELDS];
};

/* NULL if no row is of that level. */
const struct ndr_layout *ndr_find_level(const struct ndr_layout *rows, size_t n, uint32_t level);

/* The bytes of the fixed part. */
size_t ndr_fixed_size(const struct ndr_layout *l);

/* The fixed part; then, for all structures of an array in turn, what its pointers point to. */
void ndr_put_fixed(struct wr *w, const struct ndr_layout *l, const void *object);
void ndr_put_deferred(struct wr *w, const struct ndr_layout *l, const void *object);
/* Between the two, pointers that will be filled in hold something that is not NULL. Blobs borrow. */
void ndr_get_fixed(struct rd *r, const struct ndr_layout *l, void *object);
void ndr_get_deferred(void *mem, struct rd *r, const struct ndr_layout *l, void *object);

/*
 * A non-encapsulated union of unique pointers to structures, one arm a level: discriminant, pointer,
 * structure. NULL object: a null pointer. l may be NULL with it.
 */
void ndr_put_level_union(struct wr *w, uint32_t level, const struct ndr_layout *l, const void *object);
/*
 * True if there was a structure, which is then in *object. r->bad for one of a level that has no row (l
 * NULL).
 */
bool ndr_get_level_union(void *mem, struct rd *r, uint32_t level, const struct ndr_layout *l, void *object);

#endif
