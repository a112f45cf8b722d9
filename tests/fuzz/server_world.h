/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_FUZZ_SERVER_WORLD_H
#define TESTS_FUZZ_SERVER_WORLD_H

/*
 * The server of fuzz_server and its clients, made anew for each input.
 *
 *   reactor 0   connection 0: session A; connection 1: a second channel of A, and session B, a guest
 *   reactor 1   connection 2: nothing, not even negotiated
 *
 * The share "data" is in memory, sessions A and B are connected to it (tree 1) and to IPC$ (tree 2).
 */

#include "server_doubles.h"

#include "core/log.h"
#include "smbd/bind.h"
#include "smbd/conn.h"
#include "smbd/setup.h"
#include "smbd/share.h"
#include "smbd/tree.h"
#include "vfs/backend.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct client {
	int fd;     /* the client's end; -1: closed */
	int far_fd; /* the server's */
	uint64_t next_id;
	uint64_t session_id;
	uint8_t *got; /* bytes received that are no whole frame yet */
	size_t got_len;
} clients[CONNECTIONS];

static struct server *server;
static struct vfs_cred *cred;
static bool held, unread;

static const uint16_t dialects[] = {
	SMB2_DIALECT_0311, SMB2_DIALECT_0302, SMB2_DIALECT_0300, SMB2_DIALECT_0210, SMB2_DIALECT_0202};

static struct conf *configuration(void)
{
	static const char text[] =
		"[global]\nmap to guest = bad user\nguest account = root\nlog level = 0\n"
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
	struct vfs_open_how how = {
		.path = path, .disposition = VFS_CREATE_NEW, .access = VFS_WRITE, .directory = directory};
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
	struct vfs_share_options o = {
		.create_mask = 0777, .directory_mask = 0777, .store_dos_attributes = true};

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
	conn->signing_algorithm =
		dialect >= SMB2_DIALECT_0300 ? SMB2_SIGNING_AES_CMAC : SMB2_SIGNING_HMAC_SHA256;
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
	struct pollfd p = {.fd = conn->tcp.fd,
		.events = (short)((flags & TEVENT_FD_READ ? POLLIN : 0) |
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
	LIST_FOREACH (item, &conn->out)
		queued += iobuf_left(container_of(item, struct iobuf, link));
	LIST_FOREACH (item, &conn->requests)
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
	must(atomic_load(&server->stats.connections) == 0 &&
		atomic_load(&server->stats.unauthenticated) == 0);
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

#endif
