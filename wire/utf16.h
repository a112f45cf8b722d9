/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef WIRE_UTF16_H
#define WIRE_UTF16_H

#include "wire/cursor.h"

#include <talloc.h>

/*
 * UTF-16LE to NUL-terminated UTF-8 allocated under mem. NULL for an odd length, an embedded NUL, or short memory.
 * A lone surrogate, which Windows allows in names, becomes its three-byte (WTF-8) form and so survives a round trip.
 */
char *utf16_to_utf8(TALLOC_CTX *mem, struct bytes utf16);

/* Bytes that the UTF-16LE form of s takes, without terminator; SIZE_MAX if s is not UTF-8 (or WTF-8). */
size_t utf16_length(const char *s);

/* Writes s as UTF-16LE without terminator; bad if s is not UTF-8 or does not fit. */
void wr_utf16(struct wr *w, const char *s);

/* The UTF-16LE form of s, allocated under mem; data NULL if s is not UTF-8 or memory is short. */
struct bytes utf16_from_utf8(TALLOC_CTX *mem, const char *s);

/* Simple case folding for names, as NTFS compares them: one code point in, one out. */
uint32_t unicode_upcase(uint32_t code_point);

/* Compares two UTF-8 names without regard to case: <0, 0, >0. */
int name_casecmp(const char *a, const char *b);

/* A hash that is equal for names that name_casecmp calls equal. */
uint64_t name_casehash(const char *s);

#endif
