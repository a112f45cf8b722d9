/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef AUTH_SMBPASSWD_H
#define AUTH_SMBPASSWD_H

#include "auth/userdb.h"
#include "wire/cursor.h"

/* The lines of smbpasswd(5): name:uid:LM hash:NT hash:[flags]:LCT-hex seconds: */

enum { SMBPASSWD_LINE_MAX = 512 };

struct smbpasswd_line {
	struct bytes raw; /* whole, with its line end if there is one */
	bool ended;       /* the line end is there */
	bool understood;  /* the rest is filled in */
	struct bytes name;
	struct userdb_entry entry; /* name is NULL: the line's is not terminated */
};

/* The next line, of any kind; false at the end. */
bool smbpasswd_next(struct rd *r, struct smbpasswd_line *out);

/* One line with its end; its length. */
size_t smbpasswd_format(const struct userdb_entry *e, char out[SMBPASSWD_LINE_MAX]);

#endif
