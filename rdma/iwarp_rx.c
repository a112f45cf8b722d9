/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/iwarp_conn.h"

#include "rdma/crc32c.h"

#include <errno.h>
#include <sys/socket.h>

enum {
	CRC_SIZE = 4,
	LENGTH_SIZE = 2,
	RX_BUDGET = 1 << 20,   /* bytes per event, then others on this reactor have their turn */
	DIRECT_MIN = 16 << 10, /* less of a payload is cheaper copied than received apart */
	PEEK = 256,            /* the end of an FPDU and the next one's header, or a small Send */
	LARGE_LASTS = 8,       /* small FPDUs in a row, before large ones are no longer expected */
	SINK_PIECES = 16,
};

/* Bytes from the length field to the end of the padding, RFC 5044 section 4.1. */
static size_t padded(size_t segment_length)
{
	return (LENGTH_SIZE + segment_length + 3) & ~(size_t)3;
}

static bool crc_is_good(const struct iwarp *w, uint32_t state, const uint8_t *trailer)
{
	struct rd r = rd_over(BYTES(trailer, CRC_SIZE));

	return !w->terms.crc || rd_u32(&r) == crc32c_end(state);
}

enum taken { TAKEN, MORE, STOP };

/* ---- an FPDU that is whole in the buffer ---- */

static enum taken take_whole(struct iwarp *w, uint8_t *p, size_t segment_length)
{
	size_t n = padded(segment_length);

	w->rx.at += n + CRC_SIZE;
	if (n > DIRECT_MIN)
		w->rx.large = LARGE_LASTS;
	else
		w->rx.large -= w->rx.large > 0;
	if (w->terms.crc && !crc_is_good(w, crc32c(CRC32C_START, p, n), p + n)) {
		iwarp_terminate(w, ERR_MPA_CRC, BYTES(NULL, 0), 0);
		return STOP;
	}
	return iwarp_fpdu(w, p + LENGTH_SIZE, segment_length) ? TAKEN : STOP;
}

/* ---- an FPDU whose payload goes straight to its sink ---- */

/* Memory that others may change is written from a copy whose CRC was checked: its own may be false. */
static bool begin_direct(struct iwarp *w, const uint8_t *p, size_t segment_length, size_t available)
{
	struct iwarp_rx *x = &w->rx;
	struct rd r = rd_over(BYTES(p + LENGTH_SIZE, DDP_TAGGED_SIZE));

	if (available < LENGTH_SIZE + DDP_TAGGED_SIZE || segment_length < DDP_TAGGED_SIZE ||
		!ddp_decode(&r, &x->header) || !x->header.tagged ||
		LENGTH_SIZE + segment_length - available < DIRECT_MIN ||
		iwarp_sink_open(w, &x->header, segment_length - DDP_TAGGED_SIZE, &x->sink) != 0 ||
		(x->sink.shared && w->terms.crc))
		return false; /* what is wrong with it is said when it is whole and its CRC was seen */
	memcpy(x->segment, p + LENGTH_SIZE, DDP_TAGGED_SIZE);
	x->segment_length = (uint16_t)segment_length;
	x->left = segment_length - DDP_TAGGED_SIZE;
	x->crc = w->terms.crc ? crc32c(CRC32C_START, p, LENGTH_SIZE + DDP_TAGGED_SIZE) : 0;
	x->crc_unknown = false;
	x->direct = true;
	x->at += LENGTH_SIZE + DDP_TAGGED_SIZE;
	return true;
}

static enum taken finish_direct(struct iwarp *w)
{
	struct iwarp_rx *x = &w->rx;
	size_t pad = padded(x->segment_length) - LENGTH_SIZE - x->segment_length;
	const uint8_t *p = x->buf + x->at;

	if (x->end - x->at < pad + CRC_SIZE)
		return MORE;
	x->at += pad + CRC_SIZE;
	x->direct = false;
	x->large = LARGE_LASTS;
	w->may_send = true;
	if (w->terms.crc && !x->crc_unknown && !crc_is_good(w, crc32c(x->crc, p, pad), p + pad)) {
		iwarp_terminate(w, ERR_MPA_CRC, BYTES(NULL, 0), 0);
		return STOP;
	}
	return iwarp_sink_close(w, &x->header, &x->sink, x->segment_length - DDP_TAGGED_SIZE,
		       BYTES(x->segment, DDP_TAGGED_SIZE), x->segment_length)
		       ? TAKEN
		       : STOP;
}

/* What of the payload is in the buffer: at first, and after a sink has faulted. */
static enum taken take_direct(struct iwarp *w)
{
	struct iwarp_rx *x = &w->rx;
	size_t have = x->end - x->at, n = have < x->left ? have : x->left;

	if (n && w->terms.crc)
		x->crc = crc32c(x->crc, x->buf + x->at, n);
	iwarp_sink_put(&x->sink, x->buf + x->at, n);
	x->at += n;
	x->left -= n;
	return x->left ? MORE : finish_direct(w);
}

/* n bytes have arrived in the sink. */
static void count_direct(struct iwarp *w, size_t n)
{
	struct iwarp_rx *x = &w->rx;
	uint8_t *p;

	x->left -= n;
	while (n) {
		size_t len = iov_next(&x->sink.at, n, &p);
		n -= len;
		if (w->terms.crc && !x->sink.faulted && crc32c_faulting(&x->crc, p, len) < 0)
			x->crc_unknown = x->sink.faulted = true;
	}
}

/* ---- the buffer ---- */

static enum taken take_one(struct iwarp *w)
{
	struct iwarp_rx *x = &w->rx;
	uint8_t *p = x->buf + x->at;
	size_t have = x->end - x->at;

	if (x->direct)
		return take_direct(w);
	if (have < LENGTH_SIZE)
		return MORE;
	size_t segment_length = (size_t)p[0] << 8 | p[1];
	if (have >= padded(segment_length) + CRC_SIZE)
		return take_whole(w, p, segment_length);
	return begin_direct(w, p, segment_length, have) ? take_direct(w) : MORE;
}

static void make_room(struct iwarp_rx *x)
{
	if (x->at == x->end) {
		x->at = x->end = 0;
	} else if (IWARP_RX_BUF - x->at < IWARP_MAX_FPDU) {
		memmove(x->buf, x->buf + x->at, x->end - x->at);
		x->end -= x->at;
		x->at = 0;
	}
}

/* The rest of the payload into the sink, and what follows into the buffer. */
static ssize_t read_direct(struct iwarp *w, size_t *asked)
{
	struct iwarp_rx *x = &w->rx;
	struct iov_cursor at = x->sink.at;
	struct iovec iov[SINK_PIECES + 1];
	size_t sum = 0;
	int n = 0;
	uint8_t *p;

	while (n < SINK_PIECES && sum < x->left) {
		iov[n].iov_len = iov_next(&at, x->left - sum, &p);
		iov[n].iov_base = p;
		sum += iov[n++].iov_len;
	}
	if (sum == x->left)
		iov[n++] = (struct iovec){x->buf + x->end, PEEK};
	*asked = sum + (sum == x->left ? PEEK : 0);
	ssize_t got = readv(w->fd, iov, n);
	if (got < 0)
		return got;
	size_t placed = (size_t)got < sum ? (size_t)got : sum;
	count_direct(w, placed);
	x->end += (size_t)got - placed;
	return got;
}

/*
 * How much to receive into the buffer. What is more than an FPDU there has to be copied to its sink: while
 * large ones are coming only the header of the next is wanted with the rest of this one.
 */
static size_t appetite(const struct iwarp_rx *x)
{
	size_t have = x->end - x->at, room = IWARP_RX_BUF - x->end, wanted = PEEK;
	const uint8_t *p = x->buf + x->at;

	if (x->direct ? x->left : !x->large)
		return room;
	if (!x->direct && have >= LENGTH_SIZE + DDP_TAGGED_SIZE)
		wanted += padded((size_t)p[0] << 8 | p[1]) + CRC_SIZE - have;
	return wanted < room ? wanted : room;
}

/* A sink that faults (EFAULT) leaves its bytes in the socket: they are received elsewhere, and dropped. */
static ssize_t read_some(struct iwarp *w, size_t *asked)
{
	struct iwarp_rx *x = &w->rx;

	make_room(x);
	if (x->direct && x->left && !x->sink.faulted) {
		ssize_t got = read_direct(w, asked);
		if (got >= 0 || errno != EFAULT)
			return got;
		x->sink.faulted = true;
	}
	*asked = appetite(x);
	ssize_t got = recv(w->fd, x->buf + x->end, *asked, 0);
	if (got > 0)
		x->end += (size_t)got;
	return got;
}

static bool lost(struct iwarp *w, ssize_t got)
{
	bool between = !w->rx.direct && w->rx.at == w->rx.end && !w->rx.message_len;

	if (got < 0)
		return iwarp_end(w, strerror(errno));
	return iwarp_end(w, between ? "closed by the peer" : "closed by the peer in the middle of a message");
}

bool iwarp_receive(struct iwarp *w)
{
	size_t budget = RX_BUDGET, asked;

	for (;;) {
		enum taken taken;
		while ((taken = take_one(w)) == TAKEN)
			;
		if (taken == STOP)
			return false;
		if (!budget)
			return true;
		ssize_t got = read_some(w, &asked);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		w->turn->came = true;
		if (got <= 0)
			return lost(w, got);
		/* A short answer says that the socket is empty: no need to ask again. */
		if ((size_t)got < asked || (size_t)got >= budget)
			budget = 0;
		else
			budget -= (size_t)got;
	}
}

bool iwarp_discard(struct iwarp *w)
{
	uint8_t small[1024];
	uint8_t *p = w->rx.buf ? w->rx.buf : small; /* none before it was set up */
	size_t size = w->rx.buf ? IWARP_RX_BUF : sizeof(small);

	for (unsigned i = 0; i < RX_BUDGET / IWARP_RX_BUF; i++) {
		ssize_t got = recv(w->fd, p, size, 0);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (got <= 0)
			return iwarp_end(w, w->why);
	}
	return true;
}
