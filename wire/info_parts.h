/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef WIRE_INFO_PARTS_H
#define WIRE_INFO_PARTS_H

#include "core/status.h"
#include "wire/cursor.h"

/* What the tables of info classes share. For wire/info_*.c only. */

/*
 * Writes a 32-bit length field with the full UTF-16 length of name (NULL: empty) at length_at, which was
 * written before as zero, and as many bytes of the name as fit at the end ([MS-FSA] 2.1.5.12.11: cut
 * anywhere, even within a character): STATUS_SUCCESS, STATUS_BUFFER_OVERFLOW, or STATUS_OBJECT_NAME_INVALID
 * for one that is not UTF-8.
 */
ntstatus_t info_put_tail_name(struct wr *w, size_t length_at, const char *name);

/* Reads n bytes of UTF-16LE into a string allocated under mem; NULL and r->bad if that fails. */
char *info_get_name(void *mem, struct rd *r, size_t n);

/*
 * Lists whose entries begin with NextEntryOffset. Begins an entry behind the one at *last (SIZE_MAX: the
 * first), aligned relative to it, and returns where it begins; the position is there.
 */
size_t info_entry_begin(struct wr *w, size_t last, size_t align);
/* Links the entry at start. If w went bad since `before`, restores it, clears the mark and returns false. */
bool info_entry_end(struct wr *w, size_t before, size_t start, size_t *last);

/*
 * Takes the next entry of a list off *in: r is bounded to it and stands behind NextEntryOffset. False at the
 * end, or with *malformed when the offset leads nowhere or into the first `fixed` bytes of its own entry.
 */
bool info_entry_next(struct bytes *in, size_t fixed, struct rd *r, bool *malformed);

#endif
