/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Reads in a ring: slots are issued in the order of the file and written out in that order, whatever order
 * they are answered in. A short answer is asked for again from where it stopped.
 */
#include "client/progress.h"
#include "client/transfer.h"

#include <errno.h>
#include <unistd.h>

struct get;

struct get_slot {
	struct get *get;
	struct tevent_req *req; /* NULL: free */
	uint8_t *buf;           /* where the server may place the data; made when needed */
	uint64_t offset;
	uint32_t length;
	bool answered;
};

struct get {
	struct cli *cli;
	struct smb2_file_id file;
	int fd;
	uint64_t size, next; /* next: the first byte not asked for */
	uint32_t block;
	unsigned depth;
	struct get_slot *slots;
	unsigned head, busy; /* the oldest slot, and how many are in use */
	struct progress progress;
	bool finished;
	ntstatus_t status;
	int local;
};

static void get_answered(struct tevent_req *req)
{
	struct get_slot *slot = tevent_req_callback_data_void(req);

	slot->answered = true;
}

static bool get_issue(struct get_slot *slot)
{
	struct get *g = slot->get;
	struct smb2_read_req q = {.length = slot->length, .offset = slot->offset, .file_id = g->file};

	slot->answered = false;
	if (!slot->buf)
		slot->buf = talloc_size(g->slots, g->block);
	if (slot->buf)
		slot->req = daxsmb_read_into_send(g->slots, g->cli->ev, g->cli->m.tree, &q, slot->buf);
	if (!slot->req) {
		g->status = STATUS_NO_MEMORY;
		return false;
	}
	tevent_req_set_callback(slot->req, get_answered, slot);
	return true;
}

static bool get_fill(struct get *g)
{
	while (g->busy < g->depth && g->next < g->size) {
		struct get_slot *slot = &g->slots[(g->head + g->busy) % g->depth];
		uint64_t left = g->size - g->next;

		slot->offset = g->next;
		slot->length = left < g->block ? (uint32_t)left : g->block;
		g->next += slot->length;
		g->busy++;
		if (!get_issue(slot))
			return false;
	}
	return true;
}

static bool write_all(struct get *g, struct bytes b)
{
	while (b.len) {
		ssize_t n = write(g->fd, b.data, b.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			g->local = -errno;
			g->status = STATUS_UNSUCCESSFUL;
			return false;
		}
		progress_add(&g->progress, (uint64_t)n);
		b = BYTES(b.data + n, b.len - (size_t)n);
	}
	return true;
}

/* Takes the oldest answer; false when the transfer is over. */
static bool get_take(struct get *g)
{
	struct get_slot *slot = &g->slots[g->head];
	struct tevent_req *req = slot->req;
	struct smb2_read_rsp p = {0};
	ntstatus_t status = daxsmb_read_recv(req, &p);

	/* The file became shorter than it was when it was opened. */
	if (status == STATUS_END_OF_FILE || (status_is_ok(status) && p.data.len == 0)) {
		g->finished = true;
		return false;
	}
	if (status_is_ok(status) && p.data.len > slot->length)
		status = STATUS_INVALID_NETWORK_RESPONSE;
	if (!status_is_ok(status)) {
		g->status = status;
		return false;
	}
	if (!write_all(g, p.data))
		return false;
	slot->offset += p.data.len;
	slot->length -= (uint32_t)p.data.len;
	slot->req = NULL;
	talloc_free(req);
	if (slot->length)
		return get_issue(slot);
	g->head = (g->head + 1) % g->depth;
	g->busy--;
	return true;
}

static void get_run(struct get *g)
{
	for (;;) {
		if (!get_fill(g) || g->busy == 0)
			return;
		while (g->busy && g->slots[g->head].answered)
			if (!get_take(g) || !get_fill(g))
				return;
		if (g->busy && !g->slots[g->head].answered && tevent_loop_once(g->cli->ev)) {
			g->status = STATUS_UNSUCCESSFUL;
			return;
		}
	}
}

/* After an error: what the server may still place has its memory until it has answered. */
static void get_drain(struct get *g)
{
	for (unsigned i = 0; i < g->depth; i++)
		while (g->slots[i].req && !g->slots[i].answered && tevent_loop_once(g->cli->ev) == 0)
			;
}

static ntstatus_t get_open(struct get *g, const char *path)
{
	struct smb2_create_req q = {
		.impersonation_level = 2,
		.desired_access = FILE_READ_DATA | FILE_READ_ATTRIBUTES,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = FILE_OPEN,
		.create_options = FILE_NON_DIRECTORY_FILE,
	};
	struct smb2_create_rsp p;
	ntstatus_t status = daxsmb_open(g->cli->ev, g->cli->m.tree, path, &q, &p);

	g->file = p.file_id;
	g->size = p.end_of_file;
	return status;
}

ntstatus_t transfer_get(struct cli *cli, const char *path, int fd, const char *label, int *local)
{
	struct get g = {.cli = cli, .fd = fd};
	uint32_t most = daxsmb_tree_max_read(cli->m.tree);
	ntstatus_t status;

	*local = 0;
	g.block = cli->block < most ? cli->block : most;
	g.depth = cli->depth ? cli->depth : TRANSFER_DEPTH;
	g.slots = talloc_zero_array(cli, struct get_slot, g.depth);
	if (!g.slots)
		return STATUS_NO_MEMORY;
	for (unsigned i = 0; i < g.depth; i++)
		g.slots[i].get = &g;
	status = get_open(&g, path);
	if (status_is_ok(status)) {
		progress_start(&g.progress, label, g.size, cli->quiet);
		get_run(&g);
		get_drain(&g);
		progress_end(&g.progress);
		status = g.status;
	}
	talloc_free(g.slots);
	if (status_is_ok(status) || g.local)
		daxsmb_close(cli->ev, cli->m.tree, g.file);
	*local = g.local;
	return status;
}
