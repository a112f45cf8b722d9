/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Messages over SMB Direct, [MS-SMBD], on software iWARP. */
#include "client/transport.h"
#include "core/log.h"
#include "rdma/iwarp.h"
#include "rdma/smbdirect.h"

#include <errno.h>
#include <unistd.h>

enum {
	RECEIVE_SIZE = 16384, /* of one Send: an answer with 8 KiB of data is one */
	RECEIVE_CREDITS = 255,
	MIN_MAX_SEND = 131072, /* [MS-SMBD] 3.1.5.3: what any peer takes */
	MAX_TRANSFER = 8 << 20,
	MAX_MESSAGE = MAX_TRANSFER + 4096, /* where a payload of that size travels in the message */
	READS_AT_ONCE = 32,
	IDLE_SECONDS = 120,
};

struct direct {
	struct transport t;
	struct tevent_context *ev;
	struct smbdirect *s; /* NULL: closed */
	bool established;
	struct list waiting;              /* frames, until then */
	struct tevent_immediate *failure; /* memory was short; said from the event loop */
};

/* A frame on its way; child of the frame. */
struct sending {
	struct smbdirect_message m;
	struct iovec iov[2];
	struct frame *frame;
};

static void direct_close(struct transport *base)
{
	struct direct *d = container_of(base, struct direct, t);
	struct smbdirect *s = d->s;
	struct list *item;

	d->s = NULL;
	TALLOC_FREE(d->failure);
	if (s)
		smbdirect_close(s);
	while ((item = list_pop(&d->waiting)))
		talloc_free(container_of(item, struct frame, link));
}

static void direct_sent(struct smbdirect_message *m, int error)
{
	talloc_free(container_of(m, struct sending, m)->frame);
}

static void direct_failed(struct tevent_context *ev, struct tevent_immediate *im, void *arg)
{
	struct direct *d = arg;

	direct_close(&d->t);
	d->t.on_closed(d->t.arg, STATUS_NO_MEMORY);
}

/* A message cannot go out: neither can those behind it. */
static void direct_fail(struct direct *d, struct frame *f)
{
	talloc_free(f);
	if (d->failure)
		tevent_schedule_immediate(d->failure, d->ev, direct_failed, d);
}

static void direct_hand_over(struct direct *d, struct frame *f)
{
	struct sending *s = talloc_zero(f, struct sending);

	if (!s) {
		direct_fail(d, f);
		return;
	}
	s->frame = f;
	s->iov[0] = (struct iovec){f->head, f->head_len};
	s->iov[1] = (struct iovec){(void *)f->payload.data, f->payload.len};
	s->m = (struct smbdirect_message){.iov = s->iov, .n = f->payload.len ? 2 : 1, .done = direct_sent};
	smbdirect_send(d->s, &s->m);
}

static void direct_send(struct transport *base, struct frame *f)
{
	struct direct *d = container_of(base, struct direct, t);

	talloc_steal(d, f);
	/* The payload's owner may go while parts of the message are on their way. */
	if (!client_frame_keep_payload(f))
		direct_fail(d, f);
	else if (d->established && d->s)
		direct_hand_over(d, f);
	else
		list_append(&d->waiting, &f->link);
}

static int direct_register(struct transport *base, struct rdma_target *target)
{
	struct direct *d = container_of(base, struct direct, t);

	return d->s ? rdma_register(smbdirect_rdma(d->s), target) : -ECONNRESET;
}

static void direct_deregister(struct transport *base, struct rdma_target *target)
{
	struct direct *d = container_of(base, struct direct, t);

	if (d->s)
		rdma_deregister(smbdirect_rdma(d->s), target);
}

static struct rdma_conn *direct_rdma(struct transport *base)
{
	struct direct *d = container_of(base, struct direct, t);

	return d->s ? smbdirect_rdma(d->s) : NULL;
}

static void direct_established(void *arg)
{
	struct direct *d = arg;
	struct list *item;

	d->established = true;
	d->t.max_send = smbdirect_max_send(d->s);
	d->t.max_transfer = smbdirect_max_read_write(d->s);
	while (d->s && (item = list_pop(&d->waiting)))
		direct_hand_over(d, container_of(item, struct frame, link));
}

static void *direct_reserve(void *arg, size_t size, uint8_t **data)
{
	struct direct *d = arg;

	*data = talloc_size(d, size);
	return *data;
}

static void direct_release(void *arg, void *memory)
{
	talloc_free(memory);
}

static void direct_received(void *arg, uint8_t *data, size_t len, void *memory)
{
	struct direct *d = arg;
	uint8_t *message = memory ? talloc_steal(NULL, memory) : talloc_memdup(NULL, data, len);

	if (message)
		d->t.on_message(d->t.arg, message, len);
	else
		direct_fail(d, NULL);
}

static void direct_ended(void *arg, const char *why)
{
	struct direct *d = arg;
	bool established = d->established;

	log_info(client, "SMB Direct: %s", why);
	direct_close(&d->t);
	d->t.on_closed(d->t.arg, established ? STATUS_CONNECTION_DISCONNECTED : STATUS_CONNECTION_RESET);
}

static struct rdma_conn *direct_start(
	TALLOC_CTX *mem, struct tevent_context *ev, const struct rdma_params *p, void *how)
{
	int *fd = how, mine = *fd;

	*fd = -1;
	return iwarp_start(mem, ev, mine, true, p);
}

static int direct_destructor(struct direct *d)
{
	direct_close(&d->t);
	return 0;
}

struct transport *transport_smbdirect_new(
	TALLOC_CTX *mem, struct tevent_context *ev, int fd, unsigned setup_seconds)
{
	static const struct transport_ops ops = {.send = direct_send,
		.close = direct_close,
		.register_target = direct_register,
		.deregister = direct_deregister,
		.rdma = direct_rdma};
	static const struct smbdirect_handlers handlers = {.established = direct_established,
		.reserve = direct_reserve,
		.release = direct_release,
		.received = direct_received,
		.ended = direct_ended};
	struct smbdirect_params p = {.initiator = true,
		.credits = RECEIVE_CREDITS,
		.receive_size = RECEIVE_SIZE,
		.max_message = MAX_MESSAGE,
		.max_read_write = MAX_TRANSFER,
		.negotiate_seconds = setup_seconds,
		.idle_seconds = IDLE_SECONDS};
	struct rdma_params rdma = {
		.ird = READS_AT_ONCE, .ord = READS_AT_ONCE, .crc = true, .setup_seconds = setup_seconds};
	struct direct *d = talloc_zero(mem, struct direct);

	if (d) {
		d->t.ops = &ops;
		d->t.max_send = MIN_MAX_SEND;
		d->ev = ev;
		list_init(&d->waiting);
		talloc_set_destructor(d, direct_destructor);
		d->failure = tevent_create_immediate(d);
		if (d->failure)
			d->s = smbdirect_new(d, ev, &p, &rdma, direct_start, &fd, &handlers, d);
		if (!d->s)
			TALLOC_FREE(d);
	}
	if (fd >= 0)
		close(fd);
	return d ? &d->t : NULL;
}
