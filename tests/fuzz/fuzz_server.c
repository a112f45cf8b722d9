/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/log.h"
#include "core/random.h"
#include "smbd/bind.h"
#include "smbd/conn.h"
#include "smbd/listen.h"
#include "smbd/setup.h"
#include "smbd/share.h"
#include "smbd/share_cache.h"
#include "smbd/tree.h"
#include "vfs/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * The whole server in one thread and without chance. Doubles of core/reactor.h, core/workers.h, core/random.h, of timers
 * and of the share cache stand here: messages are delivered and jobs are run when the input says so, so that it decides
 * what happens while a request waits.
 *
 *   reactor 0   connection 0: session A; connection 1: a second channel of A, and session B, a guest
 *   reactor 1   connection 2: nothing, not even negotiated
 *
 * The share "data" is in memory, sessions A and B are connected to it (tree 1) and to IPC$ (tree 2). The input is a first
 * byte, bits of enum first, and then steps: a byte, bits of enum step, and for frames a 16-bit length and that many bytes.
 */
enum first {
	DIALECTS = 7,  /* a number: which dialect */
	SLOW = 8,      /* the share's work goes to workers */
	ENCRYPTS = 16, /* session A demands encryption */
	SIGNS = 32,    /* session A demands signatures */
};
enum step {
	WHICH = 3, /* a connection; 3: no frame but an event: enum event in the bits above */
	MENDED = 4, /* message ids, session, tree and protocol are made right */
	SEALED = 8, /* with the key of session A */
	HELD = 16,  /* jobs wait until a step without this bit */
	UNREAD = 32, /* replies are not read until a step without this bit */
	SIGNED = 64, /* with the key of session A */
};
enum event { RUN_ONE_JOB, FIRE_TIMER, CLOSE_0, CLOSE_1, CLOSE_2, DELIVER_ONE, LOG_OFF_B, BREAK_OFF, EVENTS };
enum { REACTORS = 2, CONNECTIONS = 3, SESSION_KEY_BYTE = 0x4B };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static void fail_at(int line)
{
	fprintf(stderr, "fuzz_server.c:%d does not hold\n", line);
	abort();
}
#define must(ok) ((ok) ? (void)0 : fail_at(__LINE__))

/* ---- core/random.h ---- */

static uint64_t random_state;

uint64_t random_u64(void)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return random_state ^ random_state >> 33;
}

void random_bytes(void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)random_u64();
}

/* ---- core/reactor.h ---- */

struct reactor {
	unsigned index;
	struct tevent_context *ev;
	void *user;
	struct list inbox;
};
struct reactors {
	char unused;
};

static struct reactor reactors[REACTORS];
static struct reactors all_reactors;
static struct reactor *current;

unsigned reactors_count(const struct reactors *all)
{
	return REACTORS;
}

struct reactor *reactors_get(struct reactors *all, unsigned index)
{
	must(index < REACTORS);
	return &reactors[index];
}

struct reactor *reactor_current(void)
{
	return current;
}

unsigned reactor_index(const struct reactor *r)
{
	return r->index;
}

struct tevent_context *reactor_ev(struct reactor *r)
{
	return r->ev;
}

void *reactor_user(const struct reactor *r)
{
	return r->user;
}

void reactor_post(struct reactor *to, struct message *m)
{
	list_append(&to->inbox, &m->link);
}

static bool deliver_one(void)
{
	for (int i = 0; i < REACTORS; i++) {
		struct list *item = list_pop(&reactors[i].inbox);
		if (!item)
			continue;
		struct message *m = container_of(item, struct message, link);
		list_init(&m->link);
		current = &reactors[i];
		m->deliver(&reactors[i], m);
		return true;
	}
	return false;
}

/* ---- core/workers.h ---- */

static struct list jobs;

static void job_comes_home(struct reactor *self, struct message *m)
{
	struct job *j = container_of(m, struct job, m);

	j->done(j, j->ran);
}

void workers_submit(struct workers *w, struct job *j)
{
	j->home = current;
	j->queued = true;
	list_append(&jobs, &j->m.link);
}

bool workers_cancel(struct workers *w, struct job *j)
{
	if (!j->queued)
		return false;
	list_remove(&j->m.link);
	j->queued = false;
	j->ran = false;
	j->m.deliver = job_comes_home;
	reactor_post(j->home, &j->m);
	return true;
}

static bool run_one_job(void)
{
	struct list *item = list_pop(&jobs);

	if (!item)
		return false;
	struct job *j = container_of(item, struct job, m.link);
	j->queued = false;
	current = NULL;
	j->run(j);
	j->ran = true;
	j->m.deliver = job_comes_home;
	reactor_post(j->home, &j->m);
	return true;
}

/* ---- timers: they fire when the input says so, the earliest first ---- */

struct tevent_timer {
	struct list link;
	struct tevent_context *ev;
	struct timeval due;
	tevent_timer_handler_t handler;
	void *arg;
	bool *freed;
};

static struct list timers;

static int timer_destructor(struct tevent_timer *t)
{
	list_remove(&t->link);
	if (t->freed)
		*t->freed = true;
	return 0;
}

struct tevent_timer *_tevent_add_timer(struct tevent_context *ev, TALLOC_CTX *mem, struct timeval due,
	tevent_timer_handler_t handler, void *arg, const char *handler_name, const char *location)
{
	struct tevent_timer *t = talloc_zero(mem, struct tevent_timer);

	must(t);
	*t = (struct tevent_timer){.ev = ev, .due = due, .handler = handler, .arg = arg};
	list_append(&timers, &t->link);
	talloc_set_destructor(t, timer_destructor);
	return t;
}

static void fire_timer(void)
{
	struct tevent_timer *first = NULL;
	bool freed = false;

	LIST_FOREACH(item, &timers) {
		struct tevent_timer *t = container_of(item, struct tevent_timer, link);
		if (!first || timercmp(&t->due, &first->due, <))
			first = t;
	}
	if (!first)
		return;
	for (int i = 0; i < REACTORS; i++)
		if (reactors[i].ev == first->ev)
			current = &reactors[i];
	list_remove(&first->link);
	first->freed = &freed;
	first->handler(first->ev, first, first->due, first->arg);
	if (!freed)
		talloc_free(first);
}

/* ---- smbd/share_cache.h and smbd/listen.h ---- */

static struct vfs_share *share;

struct share_cache *share_cache_new(TALLOC_CTX *mem)
{
	return talloc_zero_size(mem, 1);
}

int share_cache_open(struct share_cache *c, uint64_t generation, const struct conf_section *section, const char *root,
	const struct vfs_share_options *o, struct vfs_share **out, struct vfs_guard **guard)
{
	*out = vfs_share_ref(share);
	*guard = NULL;
	return 0;
}

void listen_connection_ended(struct server *s, const char *peer)
{
	atomic_fetch_sub(&s->stats.connections, 1);
}

/* ---- the world ---- */

static struct client {
	int fd;       /* the client's end; -1: closed */
	int far_fd;   /* the server's */
	uint64_t next_id;
	uint64_t session_id;
	uint8_t *got; /* bytes received that are no whole frame yet */
	size_t got_len;
} clients[CONNECTIONS];

static struct server *server;
static struct vfs_cred *cred;
static bool held, unread;

static const uint16_t dialects[] = {SMB2_DIALECT_0311, SMB2_DIALECT_0302, SMB2_DIALECT_0300, SMB2_DIALECT_0210,
	SMB2_DIALECT_0202};

static struct conf *configuration(void)
{
	static const char text[] = "[global]\nmap to guest = bad user\nguest account = root\nlog level = 0\n"
				   "private dir = /nonexistent\nmax opens per session = 64\nmax connection memory = 1M\n"
				   "[data]\npath = /data\nguest ok = yes\nread only = no\n"
				   "[sealed]\npath = /data\nserver smb encrypt = required\nread only = no\n"
				   "[readonly]\npath = /data\nguest ok = yes\n";
	static struct conf *conf;
	const char *error;

	if (!conf) {
		conf = conf_parse(NULL, text, sizeof(text) - 1, "fuzz", &error);
		must(conf && !conf_has_errors(conf));
		must(log_open("/dev/null") == 0);
	}
	return conf;
}

static void make_file(const char *path, bool directory)
{
	struct vfs_open_how how = {.path = path, .disposition = VFS_CREATE_NEW, .access = VFS_WRITE, .directory = directory};
	struct iovec iov = {(void *)(uintptr_t) "some content", 12};
	struct vfs_file *f;
	struct vfs_stat st;

	must(vfs_open(share, cred, &how, 0, &f, &st) == 0);
	if (!directory)
		must(vfs_pwrite(f, &iov, 1, 0, 0) == 12);
	vfs_file_unref(f);
}

static void make_share(bool slow)
{
	struct vfs_share_options o = {.create_mask = 0777, .directory_mask = 0777, .store_dos_attributes = true};

	must(vfs_share_open_memory(&o, &share) == 0);
	make_file("file", false);
	make_file("dir", true);
	make_file("dir/inner", false);
	share->memory_speed = !slow;
}

static struct conn *conn_of(const struct client *c)
{
	for (int i = 0; i < REACTORS; i++) {
		uint32_t cursor = 0;
		struct conn *conn;
		struct local *l = reactors[i].user;
		while ((conn = idtable_next(l->conns, &cursor)))
			if (conn->tcp.fd == c->far_fd)
				return conn;
	}
	return NULL;
}

static void connect_client(struct client *c, unsigned reactor)
{
	int fds[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
	*c = (struct client){.fd = fds[0], .far_fd = fds[1]};
	atomic_fetch_add(&server->stats.connections, 1);
	atomic_fetch_add(&server->stats.unauthenticated, 1);
	current = &reactors[reactor];
	must(conn_new(reactors[reactor].user, &conn_tcp, fds[1], "192.0.2.1"));
}

/* As if it had been negotiated. */
static void negotiate(struct client *c, uint16_t dialect)
{
	struct conn *conn = conn_of(c);

	conn->negotiated = true;
	conn->dialect = dialect;
	conn->multi_credit = dialect >= SMB2_DIALECT_0210;
	conn->cipher = dialect >= SMB2_DIALECT_0300 ? SMB2_CIPHER_AES128_CCM : 0;
	conn->signing_algorithm = dialect >= SMB2_DIALECT_0300 ? SMB2_SIGNING_AES_CMAC : SMB2_SIGNING_HMAC_SHA256;
	conn->server_capabilities = dialect >= SMB2_DIALECT_0300 ? SMB2_GLOBAL_CAP_MULTI_CHANNEL : 0;
	conn->client_guid[0] = 1;
	must(credits_consume(&conn->credits, 0, 1));
	must(credits_grant(&conn->credits, 512, 1) == 512);
	c->next_id = 1;
}

static struct channel *add_channel(struct client *c, struct session *s, bool keyed)
{
	struct conn *conn = conn_of(c);
	struct channel *ch = channel_new(conn, s);

	must(ch);
	ch->established = true;
	if (keyed)
		ch->signer = signer_new(ch, s->signing_algorithm, s->keys.signing);
	conn_authenticated(conn);
	return ch;
}

static void add_trees(struct session *s)
{
	struct tree *data = tree_new(s), *pipes = tree_new(s);

	must(data && pipes);
	data->share_name = "data";
	data->settings = settings_ref(s->local->settings);
	data->share = conf_find_share(server->conf, "data");
	data->vfs = vfs_share_ref(share);
	data->cred = vfs_cred_ref(cred);
	data->maximal_access = FILE_ALL_ACCESS;
	pipes->share_name = "IPC$";
	pipes->cred = vfs_cred_ref(cred);
	pipes->maximal_access = FILE_ALL_ACCESS;
	must(share_enter(server, data->share));
}

static struct session *add_session(struct client *c, bool guest)
{
	struct session *s = session_new(conn_of(c));

	must(s);
	s->state = SESSION_VALID;
	s->user = talloc_strdup(s, guest ? "root" : "somebody");
	s->domain = talloc_strdup(s, "");
	s->cred = vfs_cred_ref(cred);
	s->guest = guest;
	if (!guest) {
		memset(&s->keys, SESSION_KEY_BYTE, sizeof(s->keys));
		s->keys.cipher_key_size = 16;
		s->opener = s->cipher ? sealer_new(s, s->cipher, s->keys.server_in) : NULL;
		s->sealer = s->cipher ? sealer_new(s, s->cipher, s->keys.server_out) : NULL;
	}
	add_trees(s);
	c->session_id = s->id;
	return s;
}

static void set_up(uint8_t first)
{
	uint16_t dialect = dialects[(first & DIALECTS) % ARRAY_SIZE(dialects)];
	const char *error;

	random_state = 1;
	held = unread = false;
	list_init(&jobs);
	list_init(&timers);
	cred = vfs_cred_new(0, 0, NULL, 0);
	make_share(first & SLOW);
	server = server_new(NULL, configuration(), "fuzz", &error);
	must(server && cred);
	server->privileged = false;
	server->reactors = &all_reactors;
	for (unsigned i = 0; i < REACTORS; i++) {
		reactors[i] = (struct reactor){.index = i, .ev = tevent_context_init(NULL)};
		list_init(&reactors[i].inbox);
		reactors[i].user = local_start(&reactors[i], server);
		must(reactors[i].user);
	}
	for (unsigned i = 0; i < CONNECTIONS; i++)
		connect_client(&clients[i], i / 2);
	negotiate(&clients[0], dialect);
	negotiate(&clients[1], dialect);
	struct session *a = add_session(&clients[0], false);
	a->encrypt = a->sealer && (first & ENCRYPTS);
	a->signing_required = first & SIGNS;
	add_channel(&clients[0], a, true);
	if (dialect >= SMB2_DIALECT_0300)
		add_channel(&clients[1], a, true);
	add_channel(&clients[1], add_session(&clients[1], true), false);
}

/* ---- what comes back ---- */

/* Replies are well-formed chains whose lengths never get lost. The id of a session made by log-on is kept. */
static void check_frame(struct client *c, const uint8_t *p, size_t len)
{
	struct rd r = rd_over(BYTES(p, len));
	struct smb2_header h;

	if (rd_u32(&r) == SMB2_TRANSFORM_PROTOCOL_ID) {
		must(len > SMB2_TRANSFORM_HEADER_SIZE);
		return;
	}
	for (;;) {
		r = rd_over(BYTES(p, len));
		must(smb2_header_decode(&r, &h));
		must(h.flags & SMB2_FLAGS_SERVER_TO_REDIR);
		if (h.command == SMB2_SESSION_SETUP && h.session_id)
			c->session_id = h.session_id;
		if (!h.next_command)
			return;
		must(h.next_command % 8 == 0 && h.next_command >= SMB2_HEADER_SIZE && h.next_command < len);
		p += h.next_command;
		len -= h.next_command;
	}
}

static void check_frames(struct client *c)
{
	size_t at = 0;

	while (c->got_len - at >= 4) {
		struct rd r = rd_over(BYTES(c->got + at, 4));
		uint32_t len = rd_u32_be(&r);
		must(len < 1 << 24 && len >= SMB2_HEADER_SIZE);
		if (len > c->got_len - at - 4)
			break;
		check_frame(c, c->got + at + 4, len);
		at += 4 + len;
	}
	c->got_len -= at;
	memmove(c->got, c->got + at, c->got_len);
}

/* True if something came. */
static bool receive(struct client *c)
{
	uint8_t buf[65536];
	ssize_t n = c->fd < 0 ? -1 : recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n <= 0)
		return false;
	c->got = realloc(c->got, c->got_len + (size_t)n);
	must(c->got);
	memcpy(c->got + c->got_len, buf, (size_t)n);
	c->got_len += (size_t)n;
	check_frames(c);
	return true;
}

/* ---- going on ---- */

static void mark(struct tevent_context *ev, struct tevent_immediate *im, void *arg)
{
	*(bool *)arg = true;
}

/* Immediate events that are scheduled by now. */
static void run_immediates(struct reactor *r)
{
	struct tevent_immediate *im = tevent_create_immediate(r->ev);
	bool reached = false;

	tevent_schedule_immediate(im, r->ev, mark, &reached);
	current = r;
	while (!reached)
		tevent_loop_once(r->ev);
	talloc_free(im);
}

/* True if the connection had an event to handle. */
static bool handle_socket(struct client *c)
{
	struct conn *conn = conn_of(c);

	if (!conn)
		return false;
	uint16_t flags = tevent_fd_get_flags(conn->tcp.fde);
	struct pollfd p = {.fd = conn->tcp.fd, .events = (short)((flags & TEVENT_FD_READ ? POLLIN : 0) |
							     (flags & TEVENT_FD_WRITE ? POLLOUT : 0))};
	if (poll(&p, 1, 0) <= 0 || !(p.revents & p.events))
		return false;
	current = conn->local->reactor;
	tevent_loop_once(current->ev);
	return true;
}

/* What a connection counts is what there is. */
static void check_counts(const struct client *c)
{
	const struct conn *conn = conn_of(c);

	if (!conn)
		return;
	size_t queued = 0;
	unsigned requests = 0;
	LIST_FOREACH(item, &conn->out)
		queued += iobuf_left(container_of(item, struct iobuf, link));
	LIST_FOREACH(item, &conn->requests)
		requests++;
	must(conn->out_bytes == queued);
	must(conn->request_count == requests);
	must(requests || conn->held_bytes == 0);
}

static void settle(void)
{
	bool moved = true;

	while (moved) {
		moved = false;
		while (!held && (deliver_one() || run_one_job()))
			moved = true;
		for (int i = 0; i < REACTORS; i++)
			run_immediates(&reactors[i]);
		for (int i = 0; i < CONNECTIONS; i++) {
			moved |= handle_socket(&clients[i]);
			moved |= !unread && receive(&clients[i]);
		}
	}
	for (int i = 0; i < CONNECTIONS; i++)
		check_counts(&clients[i]);
}

static void close_client(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->got_len = 0;
}

/* ---- the input's steps ---- */

static void put(uint8_t *p, size_t size, size_t offset, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n && offset + i < size; i++)
		p[offset + i] = (uint8_t)(v >> 8 * i);
}

static uint32_t get(const uint8_t *p, size_t size, size_t offset, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n && offset + i < size; i++)
		v |= (uint32_t)p[offset + i] << 8 * i;
	return v;
}

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
	struct smb2_transform_header t = {.original_message_size = (uint32_t)size, .flags = 1, .session_id = clients[0].session_id};
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

static void tear_down(void)
{
	held = unread = false;
	settle();
	for (int i = 0; i < CONNECTIONS; i++) {
		struct conn *conn = conn_of(&clients[i]);
		if (conn) {
			current = conn->local->reactor;
			conn_close(conn, "the end");
		}
		close_client(&clients[i]);
		free(clients[i].got);
	}
	while (deliver_one() || run_one_job())
		;
	/* Nothing outlives its connection. */
	must(atomic_load(&server->stats.connections) == 0 && atomic_load(&server->stats.unauthenticated) == 0);
	must(atomic_load(&server->stats.sessions) == 0 && atomic_load(&server->stats.trees) == 0);
	must(atomic_load(&server->stats.opens) == 0);
	for (int i = 0; i < REACTORS; i++) {
		current = &reactors[i];
		local_stop(&reactors[i]);
		talloc_free(reactors[i].ev);
	}
	must(list_empty(&timers));
	close(server->stop_fd);
	talloc_free(server);
	vfs_share_unref(share);
	vfs_cred_unref(cred);
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

/* ---- mutations that know steps: most faults are a matter of order ---- */

enum { MOST_CUT = 256, STEP_HEAD = 3 };

/* Where the steps begin, and behind the last where they end; their number. */
static size_t cut_into_steps(const uint8_t *data, size_t size, size_t at[MOST_CUT + 1])
{
	size_t n = 0, pos = size ? 1 : 0;

	while (pos < size && n < MOST_CUT) {
		bool is_frame = (data[pos] & WHICH) < CONNECTIONS;
		size_t len = is_frame ? STEP_HEAD + get(data, size, pos + 1, 2) : 2;
		at[n++] = pos;
		pos = len < size - pos ? pos + len : size;
	}
	at[n] = pos;
	return n;
}

/* Puts len bytes in at pos; the new size. */
static size_t insert(uint8_t *data, size_t size, size_t max_size, size_t pos, const uint8_t *bytes, size_t len)
{
	if (len > max_size - size)
		return size;
	memmove(data + pos + len, data + pos, size - pos);
	memcpy(data + pos, bytes, len);
	return size + len;
}

static size_t mutate_frame(uint8_t *data, size_t size, size_t max_size, size_t from, size_t to)
{
	size_t head = from + STEP_HEAD, rest = size - to, room = max_size - head - rest;

	if (to <= head)
		return size;
	uint8_t *tail = malloc(rest + 1);
	must(tail);
	memcpy(tail, data + to, rest);
	size_t len = LLVMFuzzerMutate(data + head, to - head, room < UINT16_MAX ? room : UINT16_MAX);
	put(data, max_size, from + 1, len, 2);
	memcpy(data + head + len, tail, rest);
	free(tail);
	return head + len + rest;
}

static size_t copy_step(uint8_t *data, size_t size, size_t max_size, size_t from, size_t to, size_t pos)
{
	uint8_t *step = malloc(to - from + 1);

	must(step);
	memcpy(step, data + from, to - from);
	size = insert(data, size, max_size, pos, step, to - from);
	free(step);
	return size;
}

/* Two frames become one compound. */
static size_t join_steps(uint8_t *data, size_t size, size_t max_size, size_t from, size_t middle, size_t to)
{
	static const uint8_t zeros[8];
	size_t last = from + STEP_HEAD, len = middle - last;

	if (to - middle < STEP_HEAD || (data[middle] & WHICH) >= CONNECTIONS || len < SMB2_HEADER_SIZE ||
		to - from > UINT16_MAX / 2)
		return size;
	for (uint32_t n; (n = get(data, middle, last + 20, 4)) >= SMB2_HEADER_SIZE && n < middle - last;)
		last += n;
	size_t pad = (8 - len % 8) % 8, second = to - middle - STEP_HEAD;
	memmove(data + middle, data + middle + STEP_HEAD, size - middle - STEP_HEAD);
	size = insert(data, size - STEP_HEAD, max_size, middle, zeros, pad);
	put(data, size, last + 20, middle + pad - last, 4);
	put(data, size, from + 1, len + pad + second, 2);
	return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	size_t at[MOST_CUT + 1], n = cut_into_steps(data, size, at);
	uint8_t event[2] = {WHICH | (seed >> 20 & HELD), (uint8_t)(seed >> 12)};

	if (n == 0 || max_size < size)
		return LLVMFuzzerMutate(data, size, max_size);
	size_t i = seed / 16 % n, k = seed / 8192 % (n + 1);
	switch (seed % 10) {
	case 0:
		return insert(data, size, max_size, at[k], event, sizeof(event));
	case 1: /* another flag of the step */
		data[at[i]] ^= (uint8_t)(MENDED << seed / 64 % 5);
		return size;
	case 2:
		return copy_step(data, size, max_size, at[i], at[i + 1], at[k]);
	case 3:
		memmove(data + at[i], data + at[i + 1], size - at[i + 1]);
		return size - (at[i + 1] - at[i]);
	case 4: /* another connection says it */
		if ((data[at[i]] & WHICH) < CONNECTIONS)
			data[at[i]] ^= 1;
		return size;
	case 5:
		return LLVMFuzzerMutate(data, size, max_size);
	case 6:
		if ((data[at[i]] & WHICH) < CONNECTIONS && i + 1 < n)
			return join_steps(data, size, max_size, at[i], at[i + 1], at[i + 2]);
		return size;
	default:
		return mutate_frame(data, size, max_size, at[i], at[i + 1]);
	}
}
