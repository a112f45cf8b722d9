/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_EAS_H
#define SMBD_EAS_H

#include "smbd/req.h"
#include "wire/info.h"

/* A list of extended attributes that a client sends, in CREATE (ExtA) or SET_INFO. */
struct eas {
	struct ea_fact *v;
	size_t count;
};

/* Copies what a FILE_FULL_EA_INFORMATION list holds under mem. An empty value removes. */
ntstatus_t eas_decode(TALLOC_CTX *mem, struct bytes in, struct eas *out);

/* Sets them all; 0 or -errno. May block. */
int eas_apply(const struct eas *e, struct vfs_file *f, struct vfs_cred *cred);

#endif
