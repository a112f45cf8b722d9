/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_SET_INFO_H
#define SMBD_SET_INFO_H

#include "smbd/req.h"
#include "wire/info.h"

/* Ends a SET_INFO that went well. */
void set_info_reply(struct req *r);

/* Rows of op_set_info.c's table that live in set_rename.c. */
void set_rename(struct req *r, struct bytes in);
void set_rename_ex(struct req *r, struct bytes in);
void set_link(struct req *r, struct bytes in);

#endif
