/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Writes: each free slot takes the next block of the input and sends it. An input that is no regular file
 * is read when it is readable, so that answers of the server are taken meanwhile.
 */
#include "client/progress.h"
#include "client/transfer.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

struct put;

struct put_slot {
	struct put *put;
	struct tevent_req *req; /* NULL: free */
	uint8_t *buf;
	uint64_t offset;
	uint32_t length, start; /* what is in buf, and where what is not yet written begins */
};

struct put {
	struct cli *cli;
	struct smb2_file_id file;
	int fd;
	struct tevent_fd *readable; /* NULL: a regular file, read at once */
	uint64_t offset;
	uint32_t block;
	unsigned depth;
	struct put_slot *slots;
	unsigned busy;
	struct progress progress;
	bool end; /* of the input */
	ntstatus_t status;
	int local;
};

static void put_answered(struct tevent_req *req);

static void put_issue(struct put_slot *slot)
{
	struct put *u = slot->put;
	struct smb2_write_req q = {
		.offset = slot->offset + slot->start,
		.file_id = u->file,
		.data = BYTES(slot->buf + slot->start, slot->length - slot->start),
	};

	slot->req = daxsmb_write_send(u->slots, u->cli->ev, u->cli->m.tree, &q);
	if (slot->req)
		tevent_req_set_callback(slot->req, put_answered, slot);
	else
		u->status = STATUS_NO_MEMORY;
}

static void put_answered(struct tevent_req *req)
{
	struct put_slot *slot = tevent_req_callback_data_void(req);
	struct put *u = slot->put;
	struct smb2_write_rsp p = {0};
	ntstatus_t status = daxsmb_write_recv(req, &p);

	talloc_free(req);
	slot->req = NULL;
	if (status_is_ok(status) && (p.count == 0 || p.count > slot->length - slot->start))
		status = STATUS_INVALID_NETWORK_RESPONSE;
	if (!status_is_ok(status)) {
		u->status = status;
		return;
	}
	slot->start += p.count;
	progress_add(&u->progress, p.count);
	if (slot->start < slot->length && status_is_ok(u->status))
		put_issue(slot);
	else
		u->busy--;
}

/* Reads the input into a slot and sends it. A pipe may give less than a block: better that than to wait. */
static void put_read(struct put *u, struct put_slot *slot)
{
	ssize_t n;

	if (!slot->buf)
		slot->buf = talloc_size(u->slots, u->block);
	if (!slot->buf) {
		u->status = STATUS_NO_MEMORY;
		return;
	}
	n = read(u->fd, slot->buf, u->block);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) {
		u->local = -errno;
		u->status = STATUS_UNSUCCESSFUL;
	}
	u->end = n <= 0;
	if (n <= 0)
		return;
	slot->offset = u->offset;
	slot->start = 0;
	slot->length = (uint32_t)n;
	u->offset += (uint64_t)n;
	u->busy++;
	put_issue(slot);
}

static struct put_slot *put_free_slot(struct put *u)
{
	for (unsigned i = 0; i < u->depth; i++)
		if (!u->slots[i].req)
			return &u->slots[i];
	return NULL;
}

static void put_readable(struct tevent_context *ev, struct tevent_fd *fde, uint16_t flags, void *arg)
{
	struct put *u = arg;
	struct put_slot *slot = put_free_slot(u);

	if (slot)
		put_read(u, slot);
}

static void put_run(struct put *u)
{
	while (status_is_ok(u->status) && (!u->end || u->busy)) {
		struct put_slot *slot = u->end ? NULL : put_free_slot(u);

		if (slot && !u->readable) {
			put_read(u, slot);
			continue;
		}
		if (u->readable)
			tevent_fd_set_flags(u->readable, slot ? TEVENT_FD_READ : 0);
		if (tevent_loop_once(u->cli->ev))
			u->status = STATUS_UNSUCCESSFUL;
	}
}

/* After an error: what the server may still fetch stays where it is until it has answered. */
static void put_drain(struct put *u)
{
	TALLOC_FREE(u->readable);
	for (unsigned i = 0; i < u->depth; i++)
		while (u->slots[i].req && tevent_loop_once(u->cli->ev) == 0)
			;
}

static ntstatus_t put_open(struct put *u, const char *path)
{
	struct smb2_create_req q = {
		.impersonation_level = 2,
		.desired_access = FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES,
		.file_attributes = FILE_ATTRIBUTE_NORMAL,
		.share_access = FILE_SHARE_READ | FILE_SHARE_DELETE,
		.create_disposition = FILE_OVERWRITE_IF,
		.create_options = FILE_NON_DIRECTORY_FILE,
	};
	struct smb2_create_rsp p;
	ntstatus_t status = daxsmb_open(u->cli->ev, u->cli->m.tree, path, &q, &p);

	u->file = p.file_id;
	return status;
}

/* Prepares slots and input; the size of the input or 0. */
static bool put_prepare(struct put *u, uint64_t *total)
{
	uint32_t most = daxsmb_tree_max_write(u->cli->m.tree);
	struct stat st;

	u->block = u->cli->block < most ? u->cli->block : most;
	u->depth = u->cli->depth ? u->cli->depth : TRANSFER_DEPTH;
	u->slots = talloc_zero_array(u->cli, struct put_slot, u->depth);
	if (!u->slots)
		return false;
	for (unsigned i = 0; i < u->depth; i++)
		u->slots[i].put = u;
	*total = fstat(u->fd, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	if (cli_can_wait_for(u->fd)) {
		u->readable = tevent_add_fd(u->cli->ev, u->slots, u->fd, 0, put_readable, u);
		return u->readable != NULL;
	}
	return true;
}

ntstatus_t transfer_put(struct cli *cli, int fd, const char *path, const char *label, int *local)
{
	struct put u = {.cli = cli, .fd = fd};
	uint64_t total;
	ntstatus_t status, closed;

	*local = 0;
	status = put_prepare(&u, &total) ? put_open(&u, path) : (ntstatus_t)STATUS_NO_MEMORY;
	if (!status_is_ok(status)) {
		talloc_free(u.slots);
		return status;
	}
	progress_start(&u.progress, label, total, cli->quiet);
	put_run(&u);
	put_drain(&u);
	progress_end(&u.progress);
	talloc_free(u.slots);
	closed = daxsmb_close(cli->ev, cli->m.tree, u.file);
	*local = u.local;
	return status_is_ok(u.status) ? closed : u.status;
}
