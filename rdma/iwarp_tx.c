/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/iwarp_conn.h"

#include "core/fault.h"

#include <errno.h>
#include <sys/socket.h>

enum {
	TX_BUDGET = 1 << 20, /* bytes per event, then others on this reactor have their turn */
	CRC_SIZE = 4,
	PAGE = 4096,
};

/* ---- what has left ---- */

static void response_sent(struct iwarp *w)
{
	struct iwarp_tx *x = &w->tx;

	x->first_response = (x->first_response + 1) % w->terms.ird;
	x->n_responses--;
	x->built_responses--;
}

static void fpdu_sent(struct iwarp *w, const struct tx_fpdu *f)
{
	if (f->response) {
		w->facts.bytes_read += f->payload;
		if (f->response->target)
			f->response->target->bytes_read += f->payload;
		if (f->last)
			response_sent(w);
	} else if (f->work) {
		bool write = f->work->kind == RDMAP_WRITE;
		w->facts.bytes_written += write ? f->payload : 0;
		w->facts.sends_out += !write && f->last;
		if (f->last)
			iwarp_finish(w, f->work, f->work->result);
	}
}

static void count_sent(struct iwarp *w, size_t n)
{
	struct iwarp_tx *x = &w->tx;

	x->sent += n;
	while (n) {
		struct iovec *v = &x->iov[x->iov_at];
		size_t len = n < v->iov_len ? n : v->iov_len;
		v->iov_base = (uint8_t *)v->iov_base + len;
		v->iov_len -= len;
		n -= len;
		x->iov_at += v->iov_len == 0;
	}
	while (x->fpdu_at < x->n_fpdu && x->fpdu[x->fpdu_at].end <= x->sent)
		fpdu_sent(w, &x->fpdu[x->fpdu_at++]);
	if (x->iov_at == x->n_iov)
		iwarp_batch_clear(x);
}

/* ---- memory that faults under sendmsg ---- */

static void touch(void *arg)
{
	const struct iovec *v = arg;
	const volatile uint8_t *p = v->iov_base;

	for (size_t i = 0; i < v->iov_len; i += PAGE)
		(void)p[i];
	if (v->iov_len)
		(void)p[v->iov_len - 1];
}

static bool is_readable(struct iwarp_tx *x, const struct tx_fpdu *f)
{
	for (unsigned i = f->iov; i < f->iov + f->n_iov; i++)
		if (fault_run(touch, &x->iov[i]) < 0)
			return false;
	return true;
}

/*
 * Puts a copy in the place of the payload, with zeros where it cannot be read. False: some of it has left
 * already under a CRC that would be wrong now.
 */
static bool patch(struct iwarp *w, const struct tx_fpdu *f)
{
	struct iwarp_tx *x = &w->tx;
	size_t start = (f->end - f->payload - CRC_SIZE) & ~(size_t)3; /* of its payload, in the batch */

	if (w->terms.crc && x->sent > start)
		return false;
	if (!x->patches)
		x->patches = talloc_new(w);
	uint8_t *copy = x->patches ? talloc_size(x->patches, f->payload) : NULL;
	if (!copy)
		return false;
	for (unsigned i = f->iov; i < f->iov + f->n_iov; i++) {
		iwarp_copy_or_zero(copy, x->iov[i].iov_base, x->iov[i].iov_len);
		x->iov[i].iov_base = copy;
		copy += x->iov[i].iov_len;
	}
	iwarp_put_crc(w, f);
	return true;
}

/* The kernel met memory that cannot be read: EFAULT, before any byte of this call. */
static bool faulted(struct iwarp *w)
{
	struct iwarp_tx *x = &w->tx;

	for (unsigned i = x->fpdu_at; i < x->n_fpdu; i++) {
		const struct tx_fpdu *f = &x->fpdu[i];
		if (is_readable(x, f))
			continue;
		if (!iwarp_unreadable(w, f))
			return false;
		return patch(w, f) || iwarp_end(w, "local memory faulted");
	}
	return true; /* it is back */
}

/* ---- sending ---- */

static ssize_t send_batch(struct iwarp *w, bool more)
{
	struct iwarp_tx *x = &w->tx;
	struct msghdr m = {.msg_iov = x->iov + x->iov_at, .msg_iovlen = x->n_iov - x->iov_at};

	return sendmsg(w->fd, &m, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
}

enum sent { ALL, FULL, STOP };

static enum sent push_batch(struct iwarp *w, size_t *budget)
{
	struct iwarp_tx *x = &w->tx;

	while (x->iov_at < x->n_iov) {
		ssize_t n = send_batch(w, x->work || x->response);
		if (n >= 0) {
			count_sent(w, (size_t)n);
			*budget = (size_t)n < *budget ? *budget - (size_t)n : 0;
		} else if (errno == EAGAIN || errno == EINTR) {
			return FULL;
		} else if (errno == EFAULT) {
			if (!faulted(w))
				return STOP;
		} else {
			(void)iwarp_end(w, strerror(errno));
			return STOP;
		}
	}
	return ALL;
}

bool iwarp_send(struct iwarp *w)
{
	struct iwarp_tx *x = &w->tx;
	size_t budget = TX_BUDGET;
	enum sent sent;

	do {
		if (!iwarp_settle(w))
			return false;
		if (x->iov_at == x->n_iov && !iwarp_batch_fill(w))
			return false;
		sent = push_batch(w, &budget);
		if (sent == STOP || !iwarp_deliver(w))
			return false;
	} while (sent == ALL && budget && iwarp_tx_wants(w));
	return true;
}

/* ---- the last of it ---- */

/* The rest of the FPDU that has begun to leave. */
static size_t begun(const struct iwarp_tx *x)
{
	size_t start = x->fpdu_at ? x->fpdu[x->fpdu_at - 1].end : 0;

	return x->fpdu_at < x->n_fpdu && x->sent > start ? x->fpdu[x->fpdu_at].end - x->sent : 0;
}

static void copy_begun(struct iwarp_tx *x, uint8_t *to, size_t n)
{
	struct iov_cursor at = iov_start(x->iov + x->iov_at, x->n_iov - x->iov_at);
	uint8_t *p;

	while (n) {
		size_t len = iov_next(&at, n, &p);
		iwarp_copy_or_zero(to, p, len);
		to += len;
		n -= len;
	}
}

void iwarp_tx_terminate(struct iwarp *w, unsigned error, struct bytes failed, size_t segment_length)
{
	struct iwarp_tx *x = &w->tx;
	struct ddp_header h = {.last = true,
		.ddp_version = DDP_VERSION,
		.rdmap_version = RDMAP_VERSION,
		.opcode = RDMAP_TERMINATE,
		.queue = DDP_QUEUE_TERMINATE,
		.msn = 1};
	uint8_t payload[RDMAP_TERMINATE_SIZE];
	struct wr body = wr_over(payload, sizeof(payload));
	size_t rest = begun(x), size = rest + sizeof(payload) + TX_FRAMING;
	uint8_t *last = talloc_size(w, size);

	x->work = NULL;
	x->response = NULL;
	if (last)
		copy_begun(x, last, rest);
	iwarp_batch_clear(x);
	if (!last)
		return;
	struct wr out = wr_over(last + rest, size - rest);
	rdmap_terminate_encode(&body, error, failed, segment_length);
	iwarp_put_fpdu(w, &out, &h, BYTES(payload, body.pos));
	x->iov[x->n_iov++] = (struct iovec){last, rest + out.pos};
}

int iwarp_tx_flush(struct iwarp *w)
{
	struct iwarp_tx *x = &w->tx;

	while (x->iov_at < x->n_iov) {
		ssize_t n = send_batch(w, false);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		count_sent(w, (size_t)n);
	}
	return 1;
}
