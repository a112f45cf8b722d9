/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "server_input.h"
#include "server_world.h"

#include <errno.h>

/*
 * The whole server in one thread and without chance: the doubles of server_doubles.h let the input
 * (server_input.h) decide what happens while a request waits. Who is connected is in server_world.h.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Makes each element's fields right on which everything else depends; their order and bodies stay. */
static void mend(struct client *c, uint8_t *p, size_t size)
{
	while (size >= SMB2_HEADER_SIZE) {
		uint32_t following = get(p, size, 20, 4), charge = get(p, size, 6, 2);
		uint16_t command = (uint16_t)get(p, size, 12, 2);
		put(p, size, 0, SMB2_PROTOCOL_ID, 4);
		put(p, size, 4, SMB2_HEADER_SIZE, 2);
		put(p, size, 16, get(p, size, 16, 4) & ~(uint32_t)SMB2_FLAGS_SERVER_TO_REDIR, 4);
		if (command == SMB2_CANCEL) { /* one of the requests before it */
			put(p, size, 24, c->next_id - 1 - get(p, size, 24, 1) % 8, 8);
		} else {
			put(p, size, 24, c->next_id, 8);
			c->next_id += charge ? charge : 1;
		}
		if (command != SMB2_SESSION_SETUP || get(p, size, 40, 4)) /* 0: a new one is wanted */
			put(p, size, 40, c->session_id, 8);
		if (following < SMB2_HEADER_SIZE || following > size)
			break;
		p += following;
		size -= following;
	}
}

static void sign_chain(uint8_t *p, size_t size)
{
	uint8_t key[SESSION_KEY_SIZE];

	memset(key, SESSION_KEY_BYTE, sizeof(key));
	struct session *s = session_find(reactors[0].user, clients[0].session_id);
	struct signer *signer = s ? signer_new(NULL, s->signing_algorithm, key) : NULL;
	while (signer && size >= SMB2_HEADER_SIZE) {
		uint32_t following = get(p, size, 20, 4);
		bool last = following < SMB2_HEADER_SIZE || following > size;
		struct iovec iov = {p, last ? size : following};
		put(p, size, 16, get(p, size, 16, 4) | SMB2_FLAGS_SIGNED, 4);
		must(signer_sign(signer, &iov, 1, false, p + SMB2_SIGNATURE_OFFSET));
		if (last)
			break;
		p += following;
		size -= following;
	}
	talloc_free(signer);
}

/* Encrypts in place behind room for the header. False: session A is gone or has no keys. */
static bool seal_chain(uint8_t *frame, size_t size)
{
	struct session *s = session_find(reactors[0].user, clients[0].session_id);
	struct smb2_transform_header t = {
		.original_message_size = (uint32_t)size, .flags = 1, .session_id = clients[0].session_id};
	struct wr w = wr_over(frame, SMB2_TRANSFORM_HEADER_SIZE);
	struct iovec iov = {frame + SMB2_TRANSFORM_HEADER_SIZE, size};

	if (!s || !s->opener)
		return false;
	smb2_transform_header_encode(&w, &t);
	struct sealer *sealer = sealer_new(NULL, s->cipher, s->keys.server_in);
	must(sealer_seal(sealer, frame, &iov, 1));
	talloc_free(sealer);
	return true;
}

static void send_frame(struct client *c, uint8_t step, struct bytes body)
{
	enum { PREFIX = 4, ROOM = PREFIX + SMB2_TRANSFORM_HEADER_SIZE };
	uint8_t *all = malloc(ROOM + body.len + 1), *message = all + ROOM, *start = message - PREFIX;
	size_t len = body.len;

	must(all);
	if (body.len)
		memcpy(message, body.data, body.len);
	if (step & MENDED)
		mend(c, message, len);
	if (step & SIGNED)
		sign_chain(message, len);
	if ((step & SEALED) && seal_chain(message - SMB2_TRANSFORM_HEADER_SIZE, len)) {
		start -= SMB2_TRANSFORM_HEADER_SIZE;
		len += SMB2_TRANSFORM_HEADER_SIZE;
	}
	struct wr w = wr_over(start, PREFIX);
	wr_u32_be(&w, len);
	if (c->fd >= 0 && send(c->fd, start, PREFIX + len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		must(errno == EPIPE || errno == ECONNRESET || errno == EAGAIN);
	free(all);
}

static void happen(unsigned event)
{
	struct session *b;

	switch (event % EVENTS) {
	case RUN_ONE_JOB:
		run_one_job();
		break;
	case FIRE_TIMER:
		fire_timer();
		break;
	case CLOSE_0:
	case CLOSE_1:
	case CLOSE_2:
		close_client(&clients[event % EVENTS - CLOSE_0]);
		break;
	case DELIVER_ONE:
		deliver_one();
		break;
	case LOG_OFF_B: /* as a log-on elsewhere would that names it as previous */
		b = session_find(reactors[0].user, clients[1].session_id);
		current = &reactors[0];
		if (b)
			session_free(b);
		break;
	case BREAK_OFF: /* no more from this side, but it still listens */
		if (clients[0].fd >= 0)
			shutdown(clients[0].fd, SHUT_WR);
		break;
	}
}

static void take_step(struct rd *in)
{
	uint8_t step = rd_u8(in);

	held = step & HELD;
	unread = step & UNREAD;
	if ((step & WHICH) < CONNECTIONS) {
		size_t len = rd_u16(in);
		send_frame(&clients[step & WHICH], step, rd_bytes(in, len < rd_left(in) ? len : rd_left(in)));
	} else {
		held = true;
		happen(rd_u8(in));
	}
	settle();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { MOST_STEPS = 200 };
	struct rd in = rd_over(BYTES(data, size));

	set_up(rd_u8(&in));
	for (int i = 0; i < MOST_STEPS && rd_left(&in); i++)
		take_step(&in);
	tear_down();
	return 0;
}
