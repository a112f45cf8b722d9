/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/transfer.h"

#include "rdma/smbdirect.h"
#include "wire/smbdirect.h"

#include <errno.h>

/*
 * A reply leaves behind all RDMA Writes that were posted before it. Were those of all READs posted at once, the client would
 * get all replies at the end, ask anew for as much, and each side would wait for the other in turn.
 */
enum { PUSH_AT_ONCE = 2 << 20 };

struct transfer {
	struct list link; /* conn->direct.pushes or pulls */
	enum transfer_way way;
	struct iobuf_pool *pool;
	struct iobuf *buf;
	struct vfs_window window;
	size_t len;
	struct req *req; /* parked while works are under way */
	transfer_done_fn done;
	unsigned left; /* works under way */
	int error;
	unsigned n;
	struct smbdirect_descriptor descriptors[SMBDIRECT_MAX_DESCRIPTORS];
	struct piece {
		struct rdma_work work;
		struct iovec iov;
		struct transfer *t;
	} pieces[];
};

static int transfer_destructor(struct transfer *t)
{
	list_remove(&t->link);
	iobuf_put(t->pool, t->buf);
	vfs_window_close(&t->window);
	return 0;
}

static uint64_t room(const struct smbdirect_descriptor *d, unsigned n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += d[i].length;
	return sum;
}

/* [MS-SMB2] 3.3.5.12, 3.3.5.13: the channel must be of RDMA, and INVALIDATE known to the dialect. */
static bool channel_is_possible(const struct req *r, uint32_t channel)
{
	if (r->conn->ops != &conn_smbdirect || r->sealed)
		return false;
	if (channel == SMB2_CHANNEL_RDMA_V1)
		return r->conn->dialect >= SMB2_DIALECT_0300;
	return channel == SMB2_CHANNEL_RDMA_V1_INVALIDATE && r->conn->dialect >= SMB2_DIALECT_0302;
}

ntstatus_t transfer_new(struct req *r, uint32_t channel, struct bytes channel_info, size_t len, struct transfer **out)
{
	struct smbdirect_descriptor d[SMBDIRECT_MAX_DESCRIPTORS];
	unsigned n;

	if (!channel_is_possible(r, channel) || !smbdirect_descriptors_decode(channel_info, d, &n))
		return STATUS_INVALID_PARAMETER;
	if (len > room(d, n))
		return STATUS_INVALID_PARAMETER;
	struct transfer *t = talloc_zero_size(r, sizeof(*t) + n * sizeof(t->pieces[0]));
	if (!t)
		return STATUS_INSUFFICIENT_RESOURCES;
	list_init(&t->link);
	t->pool = r->local->pool;
	t->len = len;
	t->n = n;
	memcpy(t->descriptors, d, n * sizeof(d[0]));
	talloc_set_destructor(t, transfer_destructor);
	*out = t;
	return STATUS_SUCCESS;
}

ntstatus_t transfer_memory(struct req *r, struct transfer *t, struct vfs_file *file, uint64_t offset, unsigned access)
{
	if (vfs_window_open(file, offset, t->len, access, &t->window) == 0 && t->window.len) {
		t->len = t->window.len;
		return STATUS_SUCCESS;
	}
	vfs_window_close(&t->window);
	t->buf = iobuf_get(t->pool, t->len);
	if (!t->buf)
		return STATUS_INSUFFICIENT_RESOURCES;
	r->held += t->buf->cap;
	r->conn->held_bytes += t->buf->cap;
	return STATUS_SUCCESS;
}

uint8_t *transfer_data(const struct transfer *t)
{
	return t->buf ? t->buf->data : t->window.base;
}

size_t transfer_len(const struct transfer *t)
{
	return t->len;
}

struct vfs_window *transfer_window(struct transfer *t)
{
	return t->buf ? NULL : &t->window;
}

static uint64_t bytes_fetched(const struct conn *c)
{
	struct rdma_facts f;

	rdma_facts(smbdirect_rdma(c->direct.sd), &f);
	return f.bytes_fetched;
}

static void wait_patiently(struct conn *c);

/* TCP and SMB Direct see whether the client is there, but not that it leaves our Reads, and what they hold, lying. */
static void patience_ends(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *priv)
{
	struct conn *c = priv;

	c->direct.patience = NULL;
	if (list_empty(&c->direct.pulls))
		return;
	if (bytes_fetched(c) == c->direct.pulled)
		conn_close(c, "RDMA Reads are not answered");
	else
		wait_patiently(c);
}

static void wait_patiently(struct conn *c)
{
	int64_t seconds = conf_int(conf_global(c->local->settings->conf), P_RDMA_READ_TIMEOUT);

	c->direct.pulled = bytes_fetched(c);
	c->direct.patience = tevent_add_timer(
		c->local->ev, c, tevent_timeval_current_ofs((uint32_t)seconds, 0), patience_ends, c);
}

static void post(struct conn *c, struct transfer *t)
{
	struct rdma_conn *rdma = smbdirect_rdma(c->direct.sd);

	if (t->way == TRANSFER_PUSH)
		c->direct.pushing += t->len;
	else
		list_append(&c->direct.pulls, &t->link);
	if (t->way == TRANSFER_PULL && !c->direct.patience)
		wait_patiently(c);
	for (unsigned i = 0, n = t->left; i < n; i++)
		(t->way == TRANSFER_PUSH ? rdma_write : rdma_read)(rdma, &t->pieces[i].work);
}

static bool has_its_turn(const struct conn *c, const struct transfer *t)
{
	size_t pushing = c->direct.pushing;

	return !pushing || (pushing <= PUSH_AT_ONCE && t->len <= PUSH_AT_ONCE - pushing);
}

static void post_next(struct conn *c)
{
	while (!list_empty(&c->direct.pushes)) {
		struct transfer *t = container_of(c->direct.pushes.next, struct transfer, link);
		if (!has_its_turn(c, t))
			return;
		list_remove(&t->link);
		post(c, t);
	}
}

static void finish(struct transfer *t)
{
	struct req *r = t->req;

	list_remove(&t->link);
	/* The connection ends: the request has gone already, or goes with it. */
	if (t->error == -ECANCELED || t->error == -ECONNRESET) {
		talloc_free(t);
		return;
	}
	struct conn *c = r->conn;
	struct local *l = r->local;
	uint64_t conn_id = c->id;
	if (t->way == TRANSFER_PUSH)
		c->direct.pushing -= t->len;
	talloc_steal(r, t);
	req_enter(r);
	if (req_refresh(r))
		t->done(r, t, t->error);
	req_leave(r);
	if (idtable_get(l->conns, conn_id) == c)
		post_next(c);
}

static void piece_done(struct rdma_work *w, int error)
{
	struct transfer *t = container_of(w, struct piece, work)->t;

	if (error)
		t->error = error;
	if (--t->left == 0)
		finish(t);
}

/* One work for each descriptor that takes part in len bytes. */
static unsigned cut(struct transfer *t, size_t len)
{
	unsigned n = 0;

	for (size_t at = 0; at < len && n < t->n; n++) {
		const struct smbdirect_descriptor *d = &t->descriptors[n];
		struct piece *p = &t->pieces[n];
		size_t part = d->length < len - at ? d->length : len - at;
		p->t = t;
		p->iov = (struct iovec){transfer_data(t) + at, part};
		p->work = (struct rdma_work){.iov = &p->iov, .n = 1, .flags = t->buf ? 0 : RDMA_SHARED, .tag = d->token,
			.remote_offset = d->offset, .done = piece_done};
		at += part;
	}
	return n;
}

bool transfer_start(
	struct req *r, struct transfer *t, size_t len, enum transfer_way way, transfer_done_fn done)
{
	struct conn *c = r->conn;

	t->way = way;
	t->len = len;
	t->left = cut(t, len);
	if (t->left == 0) {
		done(r, t, 0);
		return true;
	}
	if (!req_park(r, NULL))
		return false;
	t->req = r;
	t->done = done;
	t->error = 0;
	talloc_steal(c, t);
	if (way == TRANSFER_PUSH && (!list_empty(&c->direct.pushes) || !has_its_turn(c, t)))
		list_append(&c->direct.pushes, &t->link);
	else
		post(c, t);
	return true;
}
