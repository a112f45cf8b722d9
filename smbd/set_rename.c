/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/break_wait.h"
#include "smbd/path.h"
#include "smbd/set_info.h"
#include "wire/utf16.h"

#include <errno.h>

/*
 * Rename and hard link, [MS-FSA] 2.1.5.14.11 and .6, in steps: look at the target (may block) -> may its name be
 * taken? (node table; may wait for the answer to a break, and then looks again) -> do it (may block) -> tell the node table.
 */

struct rename_call {
	struct call call;
	char *from, *to;
	bool replace, link;
	bool target_exists;
	struct vfs_stat self, target, parent; /* parent: of the new name */
};

static int run_rename(struct call *call, unsigned flags)
{
	struct rename_call *c = container_of(call, struct rename_call, call);

	if (call_must_wait(call, flags))
		return -EAGAIN;
	return c->link ? vfs_link(call->file, call->cred, c->to, c->replace)
		       : vfs_rename(call->file, call->cred, c->from, c->to, c->replace);
}

static void renamed(struct req *r, struct call *call)
{
	struct rename_call *c = container_of(call, struct rename_call, call);

	if (call->result < 0) {
		req_error(r, status_from_errno(call->result));
		return;
	}
	if (!c->link)
		node_renamed(r->open->node, c->to);
	set_info_reply(r);
}

static const char *parent_of(TALLOC_CTX *mem, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *parent = slash ? talloc_strndup(mem, path, (size_t)(slash - path)) : "";

	return parent ? parent : "";
}

static int run_look(struct call *call, unsigned flags)
{
	struct rename_call *c = container_of(call, struct rename_call, call);
	int rc;

	if (call_must_wait(call, flags))
		return -EAGAIN;
	rc = vfs_fstat(call->file, flags, &c->self);
	if (rc < 0)
		return rc;
	rc = vfs_lookup(call->share, call->cred, c->to, flags, &c->target);
	c->target_exists = rc == 0;
	if (rc < 0 && rc != -ENOENT)
		return rc;
	return vfs_lookup(call->share, call->cred, parent_of(c, c->to), flags, &c->parent);
}

/* The new name is that of another file, or a link's own. */
static bool takes_name(const struct rename_call *c)
{
	bool same = c->target_exists && c->target.ino == c->self.ino && c->target.dev == c->self.dev;

	return c->target_exists && !(same && !c->link);
}

static ntstatus_t permit_replace(const struct rename_call *c)
{
	if (!c->replace)
		return STATUS_OBJECT_NAME_COLLISION;
	return c->target.directory || (c->target.attributes & FILE_ATTRIBUTE_READONLY) ? STATUS_ACCESS_DENIED
											 : STATUS_SUCCESS;
}

static ntstatus_t permit(struct req *r, const struct rename_call *c)
{
	struct node_table *nodes = r->local->server->nodes;
	struct node_waiter w = break_waiter(r);

	if (c->self.directory && c->link)
		return STATUS_FILE_IS_A_DIRECTORY;
	ntstatus_t s = c->self.directory ? node_check_children(r->open->node, &w) : STATUS_SUCCESS;
	/* [MS-FSA] 2.1.5.14.11: the new parent is opened to add an entry, beside which DELETE is not shared. */
	if (status_is_ok(s))
		s = node_check_share(nodes, (struct node_key){c->parent.dev, c->parent.ino}, FILE_ADD_FILE,
			FILE_SHARE_READ | FILE_SHARE_WRITE);
	if (status_is_ok(s) && takes_name(c))
		s = permit_replace(c);
	if (status_is_ok(s) && takes_name(c))
		s = node_check_replace(nodes, (struct node_key){c->target.dev, c->target.ino}, &w);
	return status_is_ok(s) ? node_check_rename(r->open->node, &w) : s;
}

static void looked(struct req *r, struct call *call);

/* A holder has to answer first. */
static void wait_for_holder(struct req *r, struct rename_call *c)
{
	struct rename_call *next = req_new_call(r, struct rename_call, run_look, looked);

	if (!next)
		return;
	next->to = talloc_steal(next, c->to);
	next->replace = c->replace;
	next->link = c->link;
	break_wait(r, &next->call);
}

static void looked(struct req *r, struct call *call)
{
	struct rename_call *c = container_of(call, struct rename_call, call);
	ntstatus_t s = call->result < 0 ? status_from_errno(call->result) : permit(r, c);

	if (s == STATUS_PENDING) {
		wait_for_holder(r, c);
		return;
	}
	if (!status_is_ok(s)) {
		req_error(r, s);
		return;
	}
	struct rename_call *step = req_new_call(r, struct rename_call, run_rename, renamed);
	if (!step)
		return;
	step->from = node_path(r->open->node, step);
	step->to = talloc_steal(step, c->to);
	if (!step->from) {
		talloc_free(step);
		req_error(r, STATUS_INSUFFICIENT_RESOURCES);
		return;
	}
	step->replace = c->replace;
	step->link = c->link;
	req_call(r, &step->call);
}

/* The new name: relative to the share's root, with or without a leading separator. */
static ntstatus_t target_of(TALLOC_CTX *mem, const struct file_rename_info *i, char **to)
{
	char *name = utf16_to_utf8(mem, i->name);

	if (i->root_directory != 0)
		return STATUS_INVALID_PARAMETER;
	if (!name || !*name)
		return STATUS_OBJECT_NAME_INVALID;
	*to = *name == '\\' ? name + 1 : name;
	/* A new name that begins with a colon is a stream of the same file. */
	ntstatus_t s = path_normalize(*to);
	*to = talloc_strdup(mem, *to);
	return status_is_ok(s) && (!*to || !**to) ? STATUS_OBJECT_NAME_INVALID : s;
}

static void start(struct req *r, struct bytes in, uint8_t info_class)
{
	struct file_rename_info i;
	struct rename_call *c;

	if (!file_rename_info_decode(in, info_class, &i)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	if (*vfs_file_path(r->open->file) == '\0') {
		req_error(r, STATUS_ACCESS_DENIED); /* the root of the share */
		return;
	}
	c = req_new_call(r, struct rename_call, run_look, looked);
	if (!c)
		return;
	ntstatus_t s = target_of(c, &i, &c->to);
	if (!status_is_ok(s)) {
		talloc_free(c);
		req_error(r, s);
		return;
	}
	c->replace = i.flags & 1;
	c->link = info_class == FileLinkInformation;
	req_call(r, &c->call);
}

void set_rename(struct req *r, struct bytes in)
{
	start(r, in, FileRenameInformation);
}

void set_rename_ex(struct req *r, struct bytes in)
{
	start(r, in, FileRenameInformationEx);
}

void set_link(struct req *r, struct bytes in)
{
	start(r, in, FileLinkInformation);
}
