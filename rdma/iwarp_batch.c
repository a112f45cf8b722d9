/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/iwarp_conn.h"

#include "core/fault.h"
#include "rdma/crc32c.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/*
 * The batch: FPDUs that leave with one sendmsg. Headers and trailers lie in the arena, payload stays where it
 * is; but if others may change that memory meanwhile and there is a CRC it is copied into the arena first: a
 * CRC over changing bytes would be wrong on the wire, and the peer would end the connection.
 */

enum { LENGTH_SIZE = 2, PAGE = 4096, SMALLEST_MULPDU = 128, MOST_MULPDU = 65530 };
enum { FRAMING_IOV = 2 }; /* header, trailer */
enum { MULPDU_BATCHES = 64 };

void iwarp_batch_clear(struct iwarp_tx *x)
{
	x->iov_at = x->n_iov = 0;
	x->fpdu_at = x->n_fpdu = 0;
	x->bytes = x->sent = x->fill = 0;
	TALLOC_FREE(x->patches);
}

bool iwarp_copy_or_zero(uint8_t *to, const uint8_t *from, size_t n)
{
	bool good = fault_copy(to, from, n) == 0;

	if (good)
		return true;
	while (n) {
		size_t page = PAGE - (uintptr_t)from % PAGE, len = n < page ? n : page;
		if (fault_copy(to, from, len) < 0)
			memset(to, 0, len);
		to += len;
		from += len;
		n -= len;
	}
	return false;
}

/* Of the segments that fit a TCP segment: RFC 5044 section 4.2, without markers. */
static size_t mulpdu(const struct iwarp *w)
{
	int emss = 0;
	socklen_t len = sizeof(emss);

	if (getsockopt(w->fd, IPPROTO_TCP, TCP_MAXSEG, &emss, &len) < 0 || emss <= 0)
		return MOST_MULPDU;
	size_t overhead = 6 + (unsigned)emss % 4;
	if ((size_t)emss < SMALLEST_MULPDU + overhead)
		return SMALLEST_MULPDU;
	return (size_t)emss - overhead < MOST_MULPDU ? (size_t)emss - overhead : MOST_MULPDU;
}

/* The path's MTU changes seldom: it is looked at once in so many batches. */
static size_t known_mulpdu(struct iwarp *w)
{
	if (w->tx.mulpdu_uses++ % MULPDU_BATCHES == 0)
		w->tx.mulpdu = mulpdu(w);
	return w->tx.mulpdu;
}

static void add_iov(struct iwarp_tx *x, uint8_t *p, size_t n)
{
	struct iovec *last = x->n_iov ? &x->iov[x->n_iov - 1] : NULL;

	if (!n)
		return;
	if (last && (uint8_t *)last->iov_base + last->iov_len == p)
		last->iov_len += n;
	else
		x->iov[x->n_iov++] = (struct iovec){p, n};
	x->bytes += n;
}

static uint8_t *in_arena(struct iwarp_tx *x, size_t n)
{
	uint8_t *p = x->arena + x->fill;

	x->fill += n;
	add_iov(x, p, n);
	return p;
}

/* ---- payload ---- */

/* How much of the next n bytes lies in so many pieces. */
static size_t within(struct iov_cursor at, size_t n, unsigned pieces)
{
	size_t sum = 0;
	uint8_t *p;

	while (pieces-- && sum < n) {
		size_t len = iov_next(&at, n - sum, &p);
		if (!len)
			break;
		sum += len;
	}
	return sum;
}

static bool copy_payload(struct iwarp_tx *x, struct iov_cursor *at, size_t n, uint32_t *crc)
{
	uint8_t *to = x->arena + x->fill, *p, *start = to;
	bool good = true;

	for (size_t left = n; left;) {
		size_t len = iov_next(at, left, &p);
		good &= iwarp_copy_or_zero(to, p, len);
		to += len;
		left -= len;
	}
	*crc = crc32c(*crc, start, n);
	(void)in_arena(x, n);
	return good;
}

static bool refer_payload(struct iwarp *w, struct iov_cursor *at, size_t n, uint32_t *crc)
{
	uint8_t *p;

	while (n) {
		size_t len = iov_next(at, n, &p);
		if (w->terms.crc && crc32c_faulting(crc, p, len) < 0)
			return false;
		add_iov(&w->tx, p, len);
		n -= len;
	}
	return true;
}

/* False: some of it could not be read, zeros are in its place. */
static bool put_payload(struct iwarp *w, size_t n, bool copy, uint32_t *crc)
{
	struct iwarp_tx *x = &w->tx;
	struct iov_cursor at = x->at;
	struct tx_fpdu *f = &x->fpdu[x->n_fpdu];
	uint32_t before = *crc;
	size_t bytes = x->bytes;

	f->iov = x->n_iov;
	f->n_iov = 0;
	if (!copy && refer_payload(w, &x->at, n, crc)) {
		f->n_iov = x->n_iov - f->iov;
		return true;
	}
	x->n_iov = f->iov;
	x->bytes = bytes;
	x->at = at;
	*crc = before;
	return copy_payload(x, &x->at, n, crc);
}

/* ---- frames ---- */

static size_t put_header(struct wr *out, const struct ddp_header *h, size_t payload)
{
	wr_u16_be(out, ddp_header_size(h) + payload);
	ddp_encode(out, h);
	return out->pos;
}

/* Padding and CRC; state: over all before them. */
static void put_trailer(struct wr *out, bool crc, uint32_t state, size_t so_far)
{
	size_t pad = (4 - so_far % 4) % 4;

	wr_zero(out, pad);
	wr_u32(out, crc ? crc32c_end(crc32c(state, out->base + out->pos - pad, pad)) : 0);
}

void iwarp_put_fpdu(struct iwarp *w, struct wr *out, const struct ddp_header *h, struct bytes payload)
{
	size_t start = out->pos;

	put_header(out, h, payload.len);
	wr_bytes(out, payload);
	put_trailer(out, w->terms.crc, crc32c(CRC32C_START, out->base + start, out->pos - start),
		out->pos - start);
}

/* One FPDU with the next n bytes of the message. False: its memory faulted. */
static bool add_fpdu(struct iwarp *w, const struct ddp_header *h, size_t n, bool copy)
{
	struct iwarp_tx *x = &w->tx;
	struct tx_fpdu *f = &x->fpdu[x->n_fpdu];
	struct wr out = wr_over(x->arena + x->fill, TX_FRAMING);
	size_t head = put_header(&out, h, n);
	uint32_t crc = crc32c(CRC32C_START, out.base, head);

	f->header = x->fill;
	(void)in_arena(x, head);
	bool good = n == 0 || put_payload(w, n, copy && w->terms.crc, &crc);
	f->trailer = x->fill;
	out = wr_over(x->arena + x->fill, TX_FRAMING);
	put_trailer(&out, w->terms.crc, crc, head + n);
	(void)in_arena(x, out.pos);
	f->end = x->bytes;
	f->payload = (uint32_t)n;
	x->n_fpdu++;
	return good;
}

void iwarp_read_request_encode(struct wr *out, const struct rdmap_read_request *q, uint32_t msn)
{
	struct ddp_header h = {.last = true,
		.ddp_version = DDP_VERSION,
		.rdmap_version = RDMAP_VERSION,
		.opcode = RDMAP_READ_REQUEST,
		.queue = DDP_QUEUE_READ,
		.msn = msn};

	ddp_encode(out, &h);
	rdmap_read_request_encode(out, q);
}

/* ---- messages ---- */

static void add_read_request(struct iwarp *w, struct rdma_work *work)
{
	struct iwarp_tx *x = &w->tx;
	struct rdmap_read_request q = {
		.sink_tag = work->private_tag,
		.size = (uint32_t)work->length,
		.source_tag = work->tag,
		.source_offset = work->remote_offset,
	};
	struct wr out = wr_over(x->arena + x->fill, TX_FRAMING);

	wr_u16_be(&out, DDP_UNTAGGED_SIZE + RDMAP_READ_REQUEST_SIZE);
	iwarp_read_request_encode(&out, &q, x->msn[DDP_QUEUE_READ]++);
	put_trailer(&out, w->terms.crc, crc32c(CRC32C_START, out.base, out.pos), out.pos);
	(void)in_arena(x, out.pos);
	x->fpdu[x->n_fpdu++] = (struct tx_fpdu){.end = x->bytes, .last = true};
	x->work = NULL;
}

static enum rdmap_opcode send_opcode(const struct rdma_work *work)
{
	if (work->flags & RDMA_INVALIDATE)
		return work->flags & RDMA_SOLICITED ? RDMAP_SEND_SE_INVALIDATE : RDMAP_SEND_INVALIDATE;
	return work->flags & RDMA_SOLICITED ? RDMAP_SEND_SE : RDMAP_SEND;
}

static struct ddp_header header_of(const struct iwarp *w)
{
	const struct iwarp_tx *x = &w->tx;
	struct ddp_header h = {.ddp_version = DDP_VERSION, .rdmap_version = RDMAP_VERSION};

	if (x->response) {
		h.tagged = true;
		h.opcode = RDMAP_READ_RESPONSE;
		h.tag = x->response->request.sink_tag;
		h.offset = x->response->request.sink_offset + x->progress;
	} else if (x->work->kind == RDMAP_WRITE) {
		h.tagged = true;
		h.opcode = RDMAP_WRITE;
		h.tag = x->work->tag;
		h.offset = x->work->remote_offset + x->progress;
	} else {
		h.opcode = send_opcode(x->work);
		h.tag = x->work->flags & RDMA_INVALIDATE ? x->work->tag : 0;
		h.queue = DDP_QUEUE_SEND;
		h.msn = x->msn[DDP_QUEUE_SEND];
		h.mo = (uint32_t)x->progress;
	}
	return h;
}

static void end_message(struct iwarp *w)
{
	struct iwarp_tx *x = &w->tx;

	if (x->response)
		x->built_responses++;
	else if (x->work->kind == RDMAP_SEND)
		x->msn[DDP_QUEUE_SEND]++;
	x->response = NULL;
	x->work = NULL;
}

/* What could not be read is the end of the connection, but for a Write: rdma.h. */
bool iwarp_unreadable(struct iwarp *w, const struct tx_fpdu *f)
{
	struct rdma_work *work = f->work;

	if (f->response)
		return iwarp_target_faulted(w, f->response->target, BYTES(NULL, 0), 0);
	work->result = -EIO;
	if (work->kind == RDMAP_WRITE)
		return true;
	iwarp_finish(w, work, -EIO);
	return iwarp_terminate(w, ERR_RDMAP_LOCAL, BYTES(NULL, 0), 0);
}

static bool is_shared(const struct iwarp_tx *x)
{
	if (x->response)
		return x->response->target && x->response->target->shared;
	return x->work->flags & RDMA_SHARED;
}

static bool add_segment(struct iwarp *w, size_t most)
{
	struct iwarp_tx *x = &w->tx;
	struct ddp_header h = header_of(w);
	struct tx_fpdu *f = &x->fpdu[x->n_fpdu];
	size_t left = x->length - x->progress, room = most - ddp_header_size(&h);
	size_t n = left < room ? left : room;

	n = within(x->at, n, TX_IOV - x->n_iov - FRAMING_IOV);
	h.last = n == left;
	*f = (struct tx_fpdu){.work = x->work, .response = x->response, .last = h.last};
	bool good = add_fpdu(w, &h, n, is_shared(x));
	x->progress += n;
	if (h.last)
		end_message(w);
	return good || iwarp_unreadable(w, f);
}

bool iwarp_batch_fill(struct iwarp *w)
{
	struct iwarp_tx *x = &w->tx;
	size_t most = iwarp_next_message(w) ? known_mulpdu(w) : 0;

	while (x->n_fpdu < TX_FPDUS && x->n_iov + 1 + FRAMING_IOV < TX_IOV && x->bytes < TX_BATCH &&
		iwarp_next_message(w)) {
		if (x->work && x->work->kind == RDMAP_READ_REQUEST)
			add_read_request(w, x->work);
		else if (!add_segment(w, most))
			return false;
	}
	return true;
}

void iwarp_put_crc(struct iwarp *w, const struct tx_fpdu *f)
{
	struct iwarp_tx *x = &w->tx;
	uint32_t crc = crc32c(CRC32C_START, x->arena + f->header, LENGTH_SIZE + DDP_TAGGED_SIZE);
	struct wr out = wr_over(x->arena + f->trailer, TX_FRAMING);

	for (unsigned i = f->iov; i < f->iov + f->n_iov; i++)
		crc = crc32c(crc, x->iov[i].iov_base, x->iov[i].iov_len);
	put_trailer(&out, w->terms.crc, crc, LENGTH_SIZE + DDP_TAGGED_SIZE + f->payload);
}
