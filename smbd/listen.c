/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/listen.h"

#include "conf/hosts.h"
#include "core/log.h"
#include "smbd/conn.h"
#include "smbd/interfaces.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

/*
 * Accepting, on reactor 0. It alone knows how many connections each address has; the ends of connections come to it
 * as messages. Connections go to the reactors in turn.
 */

enum { MAX_SOCKETS = 64, BUCKETS = 1024, BACKLOG = 512, ACCEPTS_PER_EVENT = 64 };

struct address_count {
	struct list link;
	unsigned count;
	char text[64];
};

struct listener {
	struct server *server;
	int fds[MAX_SOCKETS];
	const struct conn_transport *transports[MAX_SOCKETS]; /* of the connections to each */
	struct tevent_fd *fdes[MAX_SOCKETS];
	unsigned n, next_reactor;
	struct list addresses[BUCKETS];
	char *description;
	struct message start;
};

static int listener_destructor(struct listener *l)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->fds[i] >= 0)
			close(l->fds[i]);
	for (int b = 0; b < BUCKETS; b++)
		while (!list_empty(&l->addresses[b]))
			free(container_of(list_pop(&l->addresses[b]), struct address_count, link));
	return 0;
}

/* ---- counts per address ---- */

static struct list *bucket(struct listener *l, const char *address)
{
	unsigned h = 5381;

	for (const char *p = address; *p; p++)
		h = h * 33 + (unsigned char)*p;
	return &l->addresses[h % BUCKETS];
}

static struct address_count *find_count(struct listener *l, const char *address)
{
	LIST_FOREACH(item, bucket(l, address)) {
		struct address_count *a = container_of(item, struct address_count, link);
		if (strcmp(a->text, address) == 0)
			return a;
	}
	return NULL;
}

static bool count_up(struct listener *l, const char *address)
{
	struct address_count *a = find_count(l, address);

	if (!a) {
		a = calloc(1, sizeof(*a));
		if (!a)
			return false;
		snprintf(a->text, sizeof(a->text), "%s", address);
		list_append(bucket(l, address), &a->link);
	}
	if (a->count >= l->server->max_per_address)
		return false;
	a->count++;
	return true;
}

static void count_down(struct listener *l, const char *address)
{
	struct address_count *a = find_count(l, address);

	if (a && --a->count == 0) {
		list_remove(&a->link);
		free(a);
	}
}

struct ended {
	struct message m;
	struct server *server;
	char peer[64];
};

static void deliver_ended(struct reactor *self, struct message *m)
{
	struct ended *e = container_of(m, struct ended, m);

	struct server *s = e->server;
	uint64_t one = 1;
	count_down(s->listener, e->peer);
	if (atomic_load(&s->draining) && !atomic_load(&s->stats.connections) &&
		write(s->stop_fd, &one, sizeof(one)) < 0)
		log_error(core, "eventfd: %s", strerror(errno));
	free(e);
}

void listen_connection_ended(struct server *s, const char *peer)
{
	struct ended *e = calloc(1, sizeof(*e));

	atomic_fetch_sub(&s->stats.connections, 1);
	if (!e)
		return;
	e->m.deliver = deliver_ended;
	e->server = s;
	snprintf(e->peer, sizeof(e->peer), "%s", peer);
	reactor_post(reactors_get(s->reactors, 0), &e->m);
}

/* ---- accepting ---- */

struct arrival {
	struct message m;
	int fd;
	const struct conn_transport *transport;
	char peer[64];
};

static void deliver_arrival(struct reactor *self, struct message *m)
{
	struct arrival *a = container_of(m, struct arrival, m);

	struct conn *c = conn_new(reactor_user(self), a->transport, a->fd, a->peer);

	if (c && atomic_load(&c->local->server->draining))
		conn_close(c, "the server stops");
	free(a);
}

static void address_text(const struct sockaddr_storage *sa, char *out, size_t size)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;

	*out = '\0';
	if (sa->ss_family == AF_INET)
		inet_ntop(AF_INET, &in->sin_addr, out, (socklen_t)size);
	else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], out, (socklen_t)size);
	else
		inet_ntop(AF_INET6, &in6->sin6_addr, out, (socklen_t)size);
}

/* NULL, or why this connection is not taken. */
static const char *refusal(struct listener *l, const char *peer)
{
	struct server *s = l->server;
	const struct local *here = reactor_user(reactor_current());
	const struct conf_section *g = conf_global(here->settings->conf);

	if (!conf_hosts_allowed(conf_list(g, P_HOSTS_ALLOW), conf_list(g, P_HOSTS_DENY), peer, NULL))
		return "hosts allow/deny";
	if (atomic_load(&s->stats.connections) >= s->max_connections)
		return "too many connections";
	if (atomic_load(&s->stats.unauthenticated) >= s->max_unauthenticated)
		return "too many connections without a log-on";
	return count_up(l, peer) ? NULL : "too many connections from this address";
}

static void take(struct listener *l, const struct conn_transport *transport, int fd, const struct sockaddr_storage *sa)
{
	struct arrival *a = calloc(1, sizeof(*a));
	int one = 1, unacknowledged_ms = 120000; /* then the peer counts as gone */

	if (!a) {
		close(fd);
		return;
	}
	address_text(sa, a->peer, sizeof(a->peer));
	const char *why = refusal(l, a->peer);
	if (why) {
		log_warning(audit, "connection from %s refused: %s", a->peer, why);
		close(fd);
		free(a);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof(unacknowledged_ms));
	atomic_fetch_add(&l->server->stats.connections, 1);
	atomic_fetch_add(&l->server->stats.unauthenticated, 1);
	a->fd = fd;
	a->transport = transport;
	a->m.deliver = deliver_arrival;
	struct reactors *all = l->server->reactors;
	reactor_post(reactors_get(all, l->next_reactor++ % reactors_count(all)), &a->m);
}

struct pause {
	struct listener *l;
	unsigned socket;
};

static void accept_again(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *priv)
{
	struct pause *p = priv;

	if (p->l->fdes[p->socket])
		tevent_fd_set_flags(p->l->fdes[p->socket], TEVENT_FD_READ);
	talloc_free(p);
}

/* No descriptor is free: the backlog waits a while, instead of waking this reactor without end. */
static void pause_accepting(struct listener *l, unsigned socket)
{
	enum { PAUSE_US = 100000 };
	struct tevent_context *ev = reactor_ev(reactor_current());
	struct pause *p = talloc(ev, struct pause);

	if (!p)
		return;
	*p = (struct pause){l, socket};
	if (tevent_add_timer(ev, p, tevent_timeval_current_ofs(0, PAUSE_US), accept_again, p))
		tevent_fd_set_flags(l->fdes[socket], 0);
}

static void acceptable(struct tevent_context *ev, struct tevent_fd *fde, uint16_t flags, void *priv)
{
	struct listener *l = priv;

	for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
		for (unsigned k = 0; k < l->n; k++) {
			struct sockaddr_storage sa;
			socklen_t len = sizeof(sa);
			if (l->fdes[k] != fde)
				continue;
			int fd = accept4(l->fds[k], (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
			if (fd < 0) {
				if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
					pause_accepting(l, k);
				return;
			}
			take(l, l->transports[k], fd, &sa);
		}
	}
}

static void deliver_start(struct reactor *self, struct message *m)
{
	struct listener *l = container_of(m, struct listener, start);

	for (unsigned i = 0; i < l->n; i++)
		l->fdes[i] = tevent_add_fd(reactor_ev(self), reactor_ev(self), l->fds[i], TEVENT_FD_READ, acceptable, l);
}

void listen_start(struct listener *l)
{
	l->start.deliver = deliver_start;
	reactor_post(reactors_get(l->server->reactors, 0), &l->start);
}

void listen_stop(struct server *s)
{
	struct listener *l = s->listener;

	for (unsigned i = 0; i < l->n; i++) {
		TALLOC_FREE(l->fdes[i]);
		if (l->fds[i] >= 0)
			close(l->fds[i]);
		l->fds[i] = -1;
	}
}

/* ---- sockets ---- */

static int open_socket(struct listener *l, const struct conn_transport *transport, const struct sockaddr *sa, socklen_t len,
	const char *text)
{
	int one = 1;
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (sa->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (l->n == MAX_SOCKETS || bind(fd, sa, len) < 0 || listen(fd, BACKLOG) < 0) {
		int rc = l->n == MAX_SOCKETS ? -EMFILE : -errno;
		log_error(smb, "cannot listen on %s: %s", text, strerror(-rc));
		close(fd);
		return rc;
	}
	l->transports[l->n] = transport;
	l->fds[l->n++] = fd;
	l->description = talloc_asprintf_append(l->description, "%s%s%s", *l->description ? " " : "", text,
		transport == &conn_tcp ? "" : "/iwarp");
	return 0;
}

static int open_address(struct listener *l, const struct conn_transport *transport, const struct interface_address *a,
	unsigned port)
{
	char text[INET6_ADDRSTRLEN + 16], ip[INET6_ADDRSTRLEN];

	inet_ntop(a->ipv6 ? AF_INET6 : AF_INET, a->address, ip, sizeof(ip));
	snprintf(text, sizeof(text), a->ipv6 ? "[%s]:%u" : "%s:%u", ip, port);
	if (a->ipv6) {
		struct sockaddr_in6 in6 = {
			.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_scope_id = a->scope_id};
		memcpy(&in6.sin6_addr, a->address, 16);
		return open_socket(l, transport, (struct sockaddr *)&in6, sizeof(in6), text);
	}
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	memcpy(&in.sin_addr, a->address, 4);
	return open_socket(l, transport, (struct sockaddr *)&in, sizeof(in), text);
}

struct opening {
	struct listener *l;
	const struct conn_transport *transport;
	unsigned port;
	int rc;
	unsigned opened;
};

static bool open_one(void *arg, const struct interface_address *a)
{
	struct opening *o = arg;
	int rc = open_address(o->l, o->transport, a, o->port);

	if (rc == 0)
		o->opened++;
	else
		o->rc = rc;
	return true;
}

static int open_port(struct listener *l, const struct conn_transport *transport, unsigned port)
{
	const struct conf *conf = l->server->conf;

	if (!conf_bool(conf_global(conf), P_BIND_INTERFACES_ONLY)) {
		struct interface_address any4 = {0}, any6 = {.ipv6 = true};
		int rc = open_address(l, transport, &any4, port);
		if (rc == 0)
			open_address(l, transport, &any6, port); /* a machine without IPv6 is fine */
		return rc;
	}
	struct opening o = {l, transport, port, -EADDRNOTAVAIL, 0};
	interfaces_walk(conf, open_one, &o);
	return o.opened ? 0 : o.rc;
}

static int open_smb_ports(struct listener *l, unsigned port)
{
	const char *const *p = conf_list(conf_global(l->server->conf), P_SMB_PORTS);
	int rc = 0;

	if (port)
		return open_port(l, &conn_tcp, port);
	for (; *p && rc == 0; p++)
		rc = open_port(l, &conn_tcp, (unsigned)strtoul(*p, NULL, 10));
	return rc;
}

/* A port that another program has is no reason not to serve at all. */
static void open_rdma_port(struct listener *l, const struct listen_ports *ports)
{
	const struct conf_section *g = conf_global(l->server->conf);
	unsigned port = ports->rdma ? ports->rdma : (unsigned)conf_int(g, P_RDMA_PORT);
	bool wanted = ports->rdma || !ports->smb;

	for (const char *const *t = conf_list(g, P_RDMA_TRANSPORTS); *t && wanted; t++) {
		if (strcasecmp(*t, "iwarp") != 0)
			continue;
		l->server->rdma_listening = open_port(l, &conn_smbdirect, port) == 0;
		if (!l->server->rdma_listening)
			log_warning(rdma, "port %u is not to be had: no SMB Direct", port);
		return;
	}
}

int listen_open(TALLOC_CTX *mem, struct server *s, const struct listen_ports *ports, struct listener **out)
{
	struct listener *l = talloc_zero(mem, struct listener);
	int rc = l ? 0 : -ENOMEM;

	if (!l)
		return rc;
	l->server = s;
	l->description = talloc_strdup(l, "");
	for (int i = 0; i < BUCKETS; i++)
		list_init(&l->addresses[i]);
	talloc_set_destructor(l, listener_destructor);
	rc = open_smb_ports(l, ports->smb);
	if (rc < 0 || !l->n) {
		talloc_free(l);
		return rc < 0 ? rc : -EADDRNOTAVAIL;
	}
	open_rdma_port(l, ports);
	*out = l;
	return 0;
}

const char *listen_describe(const struct listener *l)
{
	return l->description;
}
