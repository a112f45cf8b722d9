/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef VFS_DOSATTRIB_H
#define VFS_DOSATTRIB_H

#include "core/bytes.h"

/*
 * The value of user.DOSATTRIB, which Samba shares with us: NDR of a string, a version, and one structure per
 * version. Versions 1 to 5 and the oldest form, a bare "0x20", are read; version 5 is written.
 */
struct dosattrib {
	bool has_attributes, has_creation_time;
	uint32_t attributes;    /* FILE_ATTRIBUTE_* */
	uint64_t creation_time; /* NTTIME */
};

enum {
	DOSATTRIB_SIZE = 24,      /* of version 5 */
	DOSATTRIB_READ_MAX = 512, /* version 2 carries a name */
};

bool dosattrib_decode(struct bytes value, struct dosattrib *out);
void dosattrib_encode(const struct dosattrib *in, uint8_t out[DOSATTRIB_SIZE]);

#endif
