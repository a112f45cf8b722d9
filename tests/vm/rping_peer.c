/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Either side of rping (librdmacm's example program) over software iWARP. A ping: the client sends where its data is, the
 * server reads it and sends "go on"; the client sends where it wants it back, the server writes it there and sends "go on".
 */
#include "core/random.h"
#include "rdma/iwarp.h"
#include "wire/cursor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { INFO_SIZE = 16, MOST = 1 << 20, SETUP_SECONDS = 300 };

struct peer {
	struct rdma_conn *conn;
	struct rdma_target source, sink; /* the client's */
	uint8_t data[MOST], back[MOST];
	size_t size;
	unsigned pings, wanted;
	bool client, turn; /* turn: the second half of a ping */
	bool ended;
	int status;
};

/* One Send, Read or Write, which frees itself. */
struct item {
	struct rdma_work w;
	struct iovec iov;
	struct peer *peer;
	const char *what;
	uint8_t info[INFO_SIZE];
};

static void fail(struct peer *p, const char *what, int error)
{
	fprintf(stderr, "rping_peer: %s: %s\n", what, strerror(-error));
	p->status = 1;
	p->ended = true;
}

static void item_done(struct rdma_work *w, int error)
{
	struct item *i = (struct item *)((char *)w - offsetof(struct item, w));

	if (error && error != -ECANCELED && error != -ECONNRESET)
		fail(i->peer, i->what, error);
	talloc_free(i);
}

static struct item *item_new(struct peer *p, const char *what, void *data, size_t size)
{
	struct item *i = talloc_zero(NULL, struct item);

	if (!i)
		abort();
	i->peer = p;
	i->what = what;
	i->iov = (struct iovec){.iov_base = data ? data : i->info, .iov_len = size};
	i->w = (struct rdma_work){.iov = &i->iov, .n = 1, .done = item_done};
	return i;
}

/* struct rping_rdma_info: buf (8 bytes), rkey, size, big-endian. The server sends one, too: what is in it means nothing. */
static void say(struct peer *p, const struct rdma_target *t)
{
	struct item *i = item_new(p, "Send", NULL, INFO_SIZE);
	struct wr w = wr_over(i->info + 8, INFO_SIZE - 8);

	wr_u32_be(&w, t ? t->tag : 0);
	wr_u32_be(&w, (uint32_t)p->size);
	i->w.flags = RDMA_SOLICITED;
	rdma_send(p->conn, &i->w);
}

static void fetched(struct rdma_work *w, int error)
{
	struct peer *p = ((struct item *)((char *)w - offsetof(struct item, w)))->peer;

	if (!error)
		say(p, NULL);
	item_done(w, error);
}

/* The client's word: where data is to come from, or to go to. A Send behind a Write needs not wait for it. */
static void serve(struct peer *p, struct rd *r)
{
	uint64_t high = rd_u32_be(r), offset = high << 32 | rd_u32_be(r);
	uint32_t tag = rd_u32_be(r), size = rd_u32_be(r);

	if (r->bad || size > MOST) {
		fail(p, "the client's buffer", -EMSGSIZE);
		return;
	}
	p->size = size;
	struct item *i = item_new(p, p->turn ? "Write" : "Read", p->data, size);
	i->w.tag = tag;
	i->w.remote_offset = offset;
	if (p->turn) {
		rdma_write(p->conn, &i->w);
		say(p, NULL);
		p->pings++;
	} else {
		i->w.done = fetched;
		rdma_read(p->conn, &i->w);
	}
	p->turn = !p->turn;
}

/* The server has done half of a ping. */
static void next_step(struct peer *p)
{
	p->turn = !p->turn;
	if (p->turn) {
		say(p, &p->sink);
		return;
	}
	/* rping writes back as much as its text is long: up to its NUL. */
	if (memcmp(p->data, p->back, p->size) != 0) {
		fail(p, "what came back differs", -EBADMSG);
		return;
	}
	if (++p->pings == p->wanted) {
		p->ended = true;
		return;
	}
	memset(p->back, 0, p->size);
	say(p, &p->source);
}

static void established(void *arg)
{
	struct peer *p = arg;
	struct rdma_facts f;

	rdma_facts(p->conn, &f);
	printf("established: MPA %u, CRC %s, IRD %u, ORD %u\n", f.version, f.crc ? "on" : "off", f.ird, f.ord);
	if (!p->client)
		return;
	int error = rdma_register(p->conn, &p->source);
	error = error ? error : rdma_register(p->conn, &p->sink);
	if (error)
		fail(p, "register", error);
	else
		say(p, &p->source);
}

static void received(void *arg, uint8_t *message, size_t len, bool solicited)
{
	struct peer *p = arg;
	struct rd r = rd_over(BYTES(message, len));

	if (len != INFO_SIZE)
		fail(p, "a message of another size", -EMSGSIZE);
	else if (p->client)
		next_step(p);
	else
		serve(p, &r);
}

/* The server's client goes when it has had enough. */
static void ended(void *arg, const char *why)
{
	struct peer *p = arg;

	printf("ended after %u pings: %s\n", p->pings, why);
	p->status = p->client || p->pings == 0;
	p->ended = true;
}

/* Text, as rping's own server measures what it writes back with strlen. */
static void fill(struct peer *p, size_t size)
{
	p->size = size;
	random_bytes(p->data, size);
	for (size_t i = 0; i < size; i++)
		p->data[i] = 'A' + p->data[i] % 26;
	p->data[size - 1] = 0;
	p->source = (struct rdma_target){.base = p->data, .len = size, .rights = RDMA_REMOTE_READ};
	p->sink = (struct rdma_target){.base = p->back, .len = size, .rights = RDMA_REMOTE_WRITE};
}

/* The server serves one connection. */
static int open_socket(const char *address, const char *port, bool client)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, peer;

	if (fd < 0 || inet_pton(AF_INET, address, &a.sin_addr) != 1)
		return -1;
	if (client)
		return connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? -1 : fd;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1) < 0)
		return -1;
	printf("listening\n");
	peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	close(fd);
	return peer;
}

static int run(struct peer *p, int fd, unsigned version)
{
	struct tevent_context *ev = tevent_context_init(NULL);
	struct rdma_params params = {.receive_size = 4096, .ird = 4, .ord = 4, .crc = true, .setup_seconds = SETUP_SECONDS,
		.version = version, .handlers = {established, received, ended}, .arg = p};

	p->conn = iwarp_start(ev, ev, fd, p->client, &params);
	if (!p->conn)
		return 1;
	while (!p->ended)
		if (tevent_loop_once(ev) != 0)
			return 1;
	rdma_close(p->conn);
	talloc_free(ev);
	return p->status;
}

int main(int argc, char **argv)
{
	bool client = argc == 7 && strcmp(argv[1], "client") == 0;
	size_t size = client ? strtoul(argv[5], NULL, 10) : 0;
	struct peer *p = calloc(1, sizeof(*p));

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!p || (!client && (argc != 4 || strcmp(argv[1], "server") != 0)) || (client && (size < 2 || size > MOST))) {
		fprintf(stderr, "usage: rping_peer server ADDRESS PORT\n"
				"       rping_peer client ADDRESS PORT PINGS SIZE MPA-VERSION\n");
		return 2;
	}
	p->client = client;
	if (client) {
		p->wanted = (unsigned)strtoul(argv[4], NULL, 10);
		fill(p, size);
	}
	int fd = open_socket(argv[2], argv[3], client);
	if (fd < 0) {
		perror("rping_peer");
		return 1;
	}
	int status = run(p, fd, client ? (unsigned)strtoul(argv[6], NULL, 10) : 0);
	free(p);
	return status;
}
