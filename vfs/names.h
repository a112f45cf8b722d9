/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef VFS_NAMES_H
#define VFS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Names on disk are bytes; names that clients see are Unicode without the characters that Windows forbids. The two map
 * to each other through the private use area, as Services for Macintosh does and the Linux client expects:
 *   0x01-0x1F U+F001-F01F   " U+F020   * U+F021   : U+F022   < U+F023   > U+F024   ? U+F025   \ U+F026   | U+F027
 *   a last space U+F028     a last period U+F029
 * A byte that is not part of valid UTF-8 becomes U+EF80 + (byte - 0x80), and so do, byte by byte, those characters on
 * disk that would otherwise be taken for a mapping. So every name on disk has a client name of its own, and
 * name_to_disk(name_to_client(x)) is x.
 */
enum {
	NAME_DISK_MAX = 255,                     /* bytes of one component */
	NAME_CLIENT_MAX = 3 * NAME_DISK_MAX + 1, /* with the terminating NUL */
};

/* Decodes one code point at s (UTF-8; a surrogate of its own is allowed); its length, or 0 if it is malformed. */
size_t utf8_decode(const char *s, size_t len, uint32_t *code_point);

/* Length of the client's form; out always ends in NUL. `disk` has at most NAME_DISK_MAX bytes and is not "." or "..". */
size_t name_to_client(const char *disk, char out[NAME_CLIENT_MAX]);

/*
 * A client's path to one on disk, both with '/' and relative. -EILSEQ: not UTF-8, or a spelling that would come back
 * as another name. -EINVAL: empty, "." or ".." components. -ENAMETOOLONG.
 */
int path_to_disk(const char *client, char *out, size_t cap);

#endif
