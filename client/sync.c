/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* For programs that wait. A request that cannot be made is STATUS_NO_MEMORY. */
#include "client/conn.h"
#include "client/req.h"
#include "wire/utf16.h"

enum { LIST_OUTPUT = 65536, IMPERSONATION = 2 };

/* Runs ev until req has ended, however it ended. */
static bool wait_for(struct tevent_req *req, struct tevent_context *ev)
{
	return req && tevent_req_poll(req, ev);
}

static ntstatus_t mount_connect(TALLOC_CTX *mem, struct tevent_context *ev, const char *host, uint16_t port,
	const struct daxsmb_options *o, struct daxsmb_mount *out)
{
	struct tevent_req *req = daxsmb_connect_send(mem, ev, host, port, o);
	ntstatus_t status = STATUS_NO_MEMORY;

	if (wait_for(req, ev))
		status = daxsmb_connect_recv(req, mem, &out->conn);
	talloc_free(req);
	return status;
}

static ntstatus_t mount_session(
	struct tevent_context *ev, const struct daxsmb_options *o, struct daxsmb_mount *out)
{
	struct tevent_req *req = daxsmb_session_setup_send(out->conn, ev, out->conn, o);
	ntstatus_t status = STATUS_NO_MEMORY;

	if (wait_for(req, ev))
		status = daxsmb_session_setup_recv(req, &out->session);
	talloc_free(req);
	return status;
}

static ntstatus_t mount_tree(struct tevent_context *ev, const char *share, struct daxsmb_mount *out)
{
	struct tevent_req *req = daxsmb_tree_connect_send(out->conn, ev, out->session, share);
	ntstatus_t status = STATUS_NO_MEMORY;

	if (wait_for(req, ev))
		status = daxsmb_tree_connect_recv(req, &out->tree);
	talloc_free(req);
	return status;
}

ntstatus_t daxsmb_mount(TALLOC_CTX *mem, struct tevent_context *ev, const char *host, uint16_t port,
	const char *share, const struct daxsmb_options *o, struct daxsmb_mount *out)
{
	ntstatus_t status;

	*out = (struct daxsmb_mount){.stage = "connect"};
	status = mount_connect(mem, ev, host, port, o, out);
	if (!status_is_ok(status))
		return status;
	out->stage = "log on";
	status = mount_session(ev, o, out);
	if (status_is_ok(status)) {
		out->stage = "open share";
		status = mount_tree(ev, share, out);
	}
	if (!status_is_ok(status))
		TALLOC_FREE(out->conn);
	return status;
}

ntstatus_t daxsmb_open(struct tevent_context *ev, struct daxsmb_tree *t, const char *path,
	const struct smb2_create_req *in, struct smb2_create_rsp *out)
{
	struct tevent_req *req = daxsmb_create_send(t, ev, t, path, in);
	ntstatus_t status = STATUS_NO_MEMORY;

	if (wait_for(req, ev))
		status = daxsmb_create_recv(req, out);
	out->contexts = BYTES(NULL, 0);
	talloc_free(req);
	return status;
}

ntstatus_t daxsmb_close(struct tevent_context *ev, struct daxsmb_tree *t, struct smb2_file_id id)
{
	struct smb2_close_req q = {.file_id = id};
	struct smb2_close_rsp p;
	struct tevent_req *req = daxsmb_close_send(t, ev, t, &q);
	ntstatus_t status = STATUS_NO_MEMORY;

	if (wait_for(req, ev))
		status = daxsmb_close_recv(req, &p);
	talloc_free(req);
	return status;
}

ntstatus_t daxsmb_stat(TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_tree *t, const char *path,
	struct file_facts *out)
{
	struct tevent_req *req = daxsmb_stat_send(t, ev, t, path, FileAllInformation);
	ntstatus_t status = STATUS_NO_MEMORY;

	if (wait_for(req, ev))
		status = daxsmb_stat_recv(req, mem, out);
	talloc_free(req);
	return status;
}

static ntstatus_t touch(
	struct tevent_context *ev, struct daxsmb_tree *t, const char *path, const struct smb2_create_req *in)
{
	struct tevent_req *req = daxsmb_touch_send(t, ev, t, path, in);
	ntstatus_t status = STATUS_NO_MEMORY;

	if (wait_for(req, ev))
		status = daxsmb_touch_recv(req);
	talloc_free(req);
	return status;
}

ntstatus_t daxsmb_mkdir(struct tevent_context *ev, struct daxsmb_tree *t, const char *path)
{
	struct smb2_create_req q = {
		.impersonation_level = IMPERSONATION,
		.desired_access = FILE_READ_ATTRIBUTES,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = FILE_CREATE,
		.create_options = FILE_DIRECTORY_FILE,
	};

	return touch(ev, t, path, &q);
}

ntstatus_t daxsmb_delete(struct tevent_context *ev, struct daxsmb_tree *t, const char *path, bool directory)
{
	struct smb2_create_req q = {
		.impersonation_level = IMPERSONATION,
		.desired_access = ACCESS_DELETE | FILE_READ_ATTRIBUTES,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = FILE_OPEN,
		.create_options = FILE_DELETE_ON_CLOSE | FILE_OPEN_REPARSE_POINT |
				  (directory ? FILE_DIRECTORY_FILE : FILE_NON_DIRECTORY_FILE),
	};

	return touch(ev, t, path, &q);
}

struct list_walk {
	bool (*fn)(void *arg, const struct dir_entry_facts *e);
	void *arg;
	bool stopped;
};

static bool list_entry(void *arg, const struct dir_entry_facts *e)
{
	struct list_walk *walk = arg;

	if (strcmp(e->name, ".") && strcmp(e->name, "..") && !walk->fn(walk->arg, e))
		walk->stopped = true;
	return !walk->stopped;
}

/* One buffer full of entries. */
static ntstatus_t list_some(struct tevent_context *ev, struct daxsmb_tree *t,
	const struct smb2_query_directory_req *q, struct list_walk *walk)
{
	struct tevent_req *req = daxsmb_query_directory_send(t, ev, t, q);
	ntstatus_t status = STATUS_NO_MEMORY;
	struct smb2_output_rsp p;

	if (wait_for(req, ev))
		status = daxsmb_query_directory_recv(req, &p);
	if (status_is_ok(status) && !dir_info_walk(req, q->info_class, p.output, list_entry, walk) &&
		!walk->stopped)
		status = STATUS_INVALID_NETWORK_RESPONSE;
	talloc_free(req);
	return status;
}

ntstatus_t daxsmb_list(struct tevent_context *ev, struct daxsmb_tree *t, struct smb2_file_id dir,
	const char *pattern, bool (*fn)(void *arg, const struct dir_entry_facts *e), void *arg)
{
	struct list_walk walk = {.fn = fn, .arg = arg};
	struct smb2_query_directory_req q = {
		.info_class = FileIdBothDirectoryInformation,
		.file_id = dir,
		.pattern = utf16_from_utf8(t, pattern),
		.output_length = LIST_OUTPUT,
	};
	ntstatus_t status = q.pattern.data ? STATUS_SUCCESS : STATUS_OBJECT_NAME_INVALID;

	while (status_is_ok(status) && !walk.stopped)
		status = list_some(ev, t, &q, &walk);
	talloc_free((void *)q.pattern.data);
	return status == STATUS_NO_MORE_FILES ? STATUS_SUCCESS : status;
}

void daxsmb_unmount(struct tevent_context *ev, struct daxsmb_mount *m)
{
	struct tevent_req *req = daxsmb_logoff_send(m->conn, ev, m->session);

	(void)wait_for(req, ev);
	TALLOC_FREE(m->conn);
}
