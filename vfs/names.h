/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef VFS_NAMES_H
#define VFS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Names on disk are bytes; names that clients see are Unicode without the characters that Windows forbids.
 * The two map to each other through the private use area, as Services for Macintosh does and the Linux client
 * expects:
 * - 0x01-0x1F U+F001-F01F; " U+F020; * U+F021; : U+F022; < U+F023; > U+F024; ? U+F025; \ U+F026; | U+F027;
 * - a last space U+F028; a last period U+F029;
 * - a byte that is not part of valid UTF-8 U+EF80 + (byte - 0x80), and so, byte by byte, those characters on
 *   disk that would otherwise be taken for a mapping.
 * So every name on disk has a client name of its own, and path_to_disk(name_to_client(x)) is x.
 */
enum {
	NAME_DISK_MAX = 255,                     /* bytes of one component */
	NAME_CLIENT_MAX = 3 * NAME_DISK_MAX + 1, /* with the terminating NUL */
};

/* Decodes one code point of UTF-8 (surrogates of their own are allowed); its length, or 0: malformed. */
size_t utf8_decode(const char *s, size_t len, uint32_t *code_point);

/* Length of the client's form, NUL-terminated. `disk` has NAME_DISK_MAX bytes at most, is not "." or "..". */
size_t name_to_client(const char *disk, char out[NAME_CLIENT_MAX]);

/*
 * A client's path to one on disk, both with '/' and relative. -EILSEQ: not UTF-8, or a spelling that would
 * come back as another name. -EINVAL: empty, "." or ".." components. -ENAMETOOLONG.
 */
int path_to_disk(const char *client, char *out, size_t cap);

#endif
