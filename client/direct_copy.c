/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/direct_copy.h"
#include "client/transfer.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

enum { LOST_ATTEMPTS = 100 };

struct window {
	uint8_t *buf;
	size_t size, len;
	unsigned busy;
	ntstatus_t status;
};

struct daxsmb_direct *cli_direct(struct cli *cli)
{
	if (!cli->direct_access)
		cli->direct_access = daxsmb_direct_new(
			cli->m.tree, cli->ev, cli->url.host, cli->direct_port, &cli->options);
	return cli->direct_access;
}

ntstatus_t direct_set_size(struct cli *cli, struct daxsmb_file *f, uint64_t size)
{
	uint8_t buf[8];
	struct wr w = wr_over(buf, sizeof(buf));
	struct smb2_set_info_req q = {.info_type = SMB2_0_INFO_FILE,
		.info_class = FileEndOfFileInformation,
		.file_id = daxsmb_file_id(f),
		.input = BYTES(buf, sizeof(buf))};
	struct tevent_req *req;
	ntstatus_t status = STATUS_NO_MEMORY;

	wr_u64(&w, size);
	req = daxsmb_set_info_send(cli, cli->ev, cli->m.tree, &q);
	if (req && tevent_req_poll(req, cli->ev))
		status = daxsmb_set_info_recv(req, NULL);
	talloc_free(req);
	return status;
}

static struct window *window_new(struct direct_copy *c)
{
	struct window *w = talloc_zero(c->cli, struct window);

	if (!w)
		return NULL;
	w->size = (size_t)c->cli->block * (c->cli->depth ? c->cli->depth : TRANSFER_DEPTH);
	w->buf = talloc_size(w, w->size);
	if (!w->buf)
		TALLOC_FREE(w);
	return w;
}

static uint64_t region_left(const struct direct_copy *c)
{
	struct daxsmb_region_facts facts;

	daxsmb_region_facts(c->region, &facts);
	return facts.length - c->done;
}

static void piece_done(struct tevent_req *req)
{
	struct window *w = tevent_req_callback_data_void(req);
	ntstatus_t status = daxsmb_region_recv(req);

	if (status_is_ok(w->status))
		w->status = status;
	w->busy--;
	talloc_free(req);
}

/* All of the window, in blocks that are under way together. */
static ntstatus_t window_move(struct direct_copy *c, struct window *w, bool write)
{
	size_t block = c->cli->block;

	w->status = STATUS_SUCCESS;
	for (size_t at = 0; at < w->len && status_is_ok(w->status); at += block) {
		size_t n = w->len - at < block ? w->len - at : block;
		struct tevent_req *req =
			write ? daxsmb_region_write_send(w, c->region, c->done + at, w->buf + at, n)
			      : daxsmb_region_read_send(w, c->region, c->done + at, w->buf + at, n);

		if (!req) {
			w->status = STATUS_NO_MEMORY;
			break;
		}
		w->busy++;
		tevent_req_set_callback(req, piece_done, w);
	}
	while (w->busy)
		if (tevent_loop_once(c->cli->ev))
			return STATUS_UNSUCCESSFUL;
	return w->status;
}

static void copied(struct direct_copy *c, size_t n)
{
	c->done += n;
	if (c->progress)
		progress_add(c->progress, n);
}

static ntstatus_t local_error(struct direct_copy *c)
{
	c->local = -errno;
	return STATUS_UNSUCCESSFUL;
}

static void ready(struct tevent_context *ev, struct tevent_fd *fde, uint16_t flags, void *arg)
{
	*(bool *)arg = true;
}

/* Events go on, and breaks are answered, while a pipe has nothing to say or takes nothing. */
static void wait_for(struct direct_copy *c, uint16_t flags)
{
	bool there = false;
	struct tevent_fd *fde = tevent_add_fd(c->cli->ev, c->cli, c->fd, flags, ready, &there);

	while (fde && !there && tevent_loop_once(c->cli->ev) == 0)
		;
	talloc_free(fde);
}

static ntstatus_t write_all(struct direct_copy *c, const uint8_t *data, size_t len)
{
	bool waits = cli_can_wait_for(c->fd);

	while (len) {
		ssize_t n;

		if (waits)
			wait_for(c, TEVENT_FD_WRITE);
		/* a pipe that takes something takes as much without blocking, pipe(7) */
		n = write(c->fd, data, waits && len > PIPE_BUF ? PIPE_BUF : len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return local_error(c);
		data += n;
		len -= (size_t)n;
	}
	return STATUS_SUCCESS;
}

ntstatus_t direct_copy_out(struct direct_copy *c)
{
	struct window *w = window_new(c);
	ntstatus_t status = w ? STATUS_SUCCESS : (ntstatus_t)STATUS_NO_MEMORY;

	while (status_is_ok(status) && region_left(c)) {
		w->len = region_left(c) < w->size ? (size_t)region_left(c) : w->size;
		status = window_move(c, w, false);
		if (status_is_ok(status))
			status = write_all(c, w->buf, w->len);
		if (status_is_ok(status))
			copied(c, w->len);
	}
	talloc_free(w);
	return status;
}

/* Fills the window, but with what a pipe has now. */
static ntstatus_t window_fill(struct direct_copy *c, struct window *w)
{
	bool waits = cli_can_wait_for(c->fd);
	size_t room = region_left(c) < w->size ? (size_t)region_left(c) : w->size;

	w->len = 0;
	while (w->len < room && !c->end && !(waits && w->len)) {
		ssize_t n;

		if (waits)
			wait_for(c, TEVENT_FD_READ);
		n = read(c->fd, w->buf + w->len, room - w->len);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return local_error(c);
		c->end = n == 0;
		w->len += (size_t)n;
	}
	return STATUS_SUCCESS;
}

/* Written and committed; again where the connection took the writes with it. */
static ntstatus_t window_store(struct direct_copy *c, struct window *w)
{
	ntstatus_t status = STATUS_LOST_WRITEBEHIND_DATA;

	for (unsigned i = 0; i < LOST_ATTEMPTS && status == STATUS_LOST_WRITEBEHIND_DATA; i++) {
		status = window_move(c, w, true);
		if (status_is_ok(status))
			status = daxsmb_region_commit(c->region);
	}
	return status;
}

ntstatus_t direct_copy_in(struct direct_copy *c)
{
	struct window *w = window_new(c);
	ntstatus_t status = w ? STATUS_SUCCESS : (ntstatus_t)STATUS_NO_MEMORY;

	while (status_is_ok(status) && !c->end && region_left(c)) {
		status = window_fill(c, w);
		if (status_is_ok(status) && w->len)
			status = window_store(c, w);
		if (status_is_ok(status))
			copied(c, w->len);
	}
	talloc_free(w);
	return status;
}
