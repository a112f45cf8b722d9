/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/iwarp_conn.h"

#include <errno.h>
#include <sys/socket.h>

void iwarp_setup_begin(struct iwarp *w)
{
	uint8_t blob[MPA_SMBD_SIZE];
	struct mpa_frame request;
	struct wr out = wr_over(w->setup, sizeof(w->setup));

	if (!w->initiator)
		return;
	mpa_request(&w->terms, blob, &request);
	mpa_encode(&out, &request);
	w->setup_end = out.pos;
}

static bool would_block(int error)
{
	return error == EAGAIN || error == EINTR;
}

enum progress { STOP, LATER, DONE };

static enum progress end(struct iwarp *w, const char *why)
{
	(void)iwarp_end(w, why);
	return STOP;
}

static enum progress send_request(struct iwarp *w)
{
	while (w->setup_at < w->setup_end) {
		ssize_t n = send(w->fd, w->setup + w->setup_at, w->setup_end - w->setup_at, MSG_NOSIGNAL);
		if (n < 0 && would_block(errno))
			return LATER;
		if (n < 0)
			return end(w, strerror(errno));
		w->setup_at += (size_t)n;
	}
	w->setup_sent = true;
	w->setup_end = 0;
	return DONE;
}

/* Exactly the bytes of the frame. */
static enum progress receive_up_to(struct iwarp *w, size_t want)
{
	while (w->setup_end < want) {
		ssize_t n = recv(w->fd, w->setup + w->setup_end, want - w->setup_end, 0);
		if (n < 0 && would_block(errno))
			return LATER;
		if (n <= 0)
			return end(w, n < 0 ? strerror(errno) : "MPA: closed by the peer during set-up");
		w->setup_end += (size_t)n;
	}
	return DONE;
}

/* RFC 5044 section 7.1.2: nothing follows a request before its reply, nor a reply before an FPDU. */
static bool is_followed(struct iwarp *w)
{
	char next;

	return recv(w->fd, &next, 1, MSG_PEEK) > 0;
}

static bool open_stream(struct iwarp *w)
{
	struct turn *turn = w->turn;

	w->tx.responses = talloc_array(w, struct iwarp_response, w->terms.ird);
	w->rx.buf = talloc_size(w, IWARP_RX_BUF);
	w->tx.arena = talloc_size(w, TX_ARENA);
	if (!w->tx.responses || !w->rx.buf || !w->tx.arena)
		return iwarp_end(w, strerror(ENOMEM));
	TALLOC_FREE(w->timer);
	w->state = IWARP_OPEN;
	w->may_send = w->initiator;
	w->p.handlers.established(w->p.arg);
	return !turn->gone && w->state == IWARP_OPEN;
}

static bool answer(struct iwarp *w, const struct mpa_frame *request)
{
	uint8_t blob[MPA_SMBD_SIZE];
	struct mpa_terms want = w->terms;
	struct mpa_frame reply;
	struct wr out = wr_over(w->setup, sizeof(w->setup));
	const char *why = mpa_answer(request, &want, blob, &reply, &w->terms);

	mpa_encode(&out, &reply);
	/* The first bytes on a connection always find room. */
	if (send(w->fd, w->setup, out.pos, MSG_NOSIGNAL) != (ssize_t)out.pos)
		return iwarp_end(w, "MPA: the reply cannot be sent");
	return why ? iwarp_end(w, why) : open_stream(w);
}

static bool accept_reply(struct iwarp *w, const struct mpa_frame *reply)
{
	struct mpa_terms want = w->terms;
	unsigned error;
	const char *why = mpa_accept(reply, &want, &w->terms, &error);

	if (!why)
		return open_stream(w);
	return error ? iwarp_terminate(w, error, BYTES(NULL, 0), 0) : iwarp_end(w, why);
}

static bool bad_frame(struct iwarp *w)
{
	if (w->initiator)
		return iwarp_terminate(w, ERR_MPA_FRAME, BYTES(NULL, 0), 0);
	return iwarp_end(w, rdmap_error_text(ERR_MPA_FRAME));
}

bool iwarp_setup(struct iwarp *w)
{
	struct mpa_frame frame;
	enum progress got = w->initiator && !w->setup_sent ? send_request(w) : DONE;

	if (got == DONE)
		got = receive_up_to(w, MPA_HEADER_SIZE);
	if (got != DONE)
		return got == LATER;
	size_t size = mpa_frame_size(w->setup, w->initiator);
	if (!size)
		return bad_frame(w);
	got = receive_up_to(w, size);
	if (got != DONE)
		return got == LATER;
	struct rd r = rd_over(BYTES(w->setup, size));
	if (!mpa_decode(&r, &frame))
		return bad_frame(w);
	if (is_followed(w))
		return iwarp_end(w, "MPA: bytes after the request or reply frame");
	return w->initiator ? accept_reply(w, &frame) : answer(w, &frame);
}
