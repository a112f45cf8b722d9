/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/eas.h"

#include "wire/info.h"

#include <errno.h>

/* Each one costs a look at all that the file has. */
enum { MOST_BYTES = 65536, MOST_ENTRIES = 512 };

struct collector {
	TALLOC_CTX *mem;
	struct eas *out;
};

static bool collect(void *arg, const struct ea_fact *e)
{
	struct collector *c = arg;
	if (c->out->count == MOST_ENTRIES)
		return false;
	struct ea_fact *all = talloc_realloc(c->mem, c->out->v, struct ea_fact, c->out->count + 1);

	if (!all)
		return false;
	c->out->v = all;
	struct ea_fact *fact = &all[c->out->count];
	fact->flags = e->flags;
	fact->name = talloc_strdup(c->mem, e->name);
	fact->value = BYTES(talloc_memdup(c->mem, e->value.data, e->value.len), e->value.len);
	c->out->count++;
	return fact->name && (fact->value.data || !fact->value.len);
}

ntstatus_t eas_decode(TALLOC_CTX *mem, struct bytes in, struct eas *out)
{
	struct collector c = {mem, out};

	*out = (struct eas){0};
	if (in.len > MOST_BYTES)
		return STATUS_EA_TOO_LARGE;
	if (ea_walk(mem, in, collect, &c))
		return STATUS_SUCCESS;
	return out->count == MOST_ENTRIES ? STATUS_EA_TOO_LARGE : STATUS_EA_LIST_INCONSISTENT;
}

int eas_apply(const struct eas *e, struct vfs_file *f, struct vfs_cred *cred)
{
	for (size_t i = 0; i < e->count; i++) {
		int rc = vfs_ea_set(f, cred, e->v[i].name, e->v[i].value);
		if (rc < 0 && rc != -ENODATA) /* to remove what is not there is no error */
			return rc;
	}
	return 0;
}
