/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/req.h"
#include "client/transport.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct tcp_connect_state {
	struct tevent_context *ev;
	struct addrinfo *all, *next;
	int fd;
	struct tevent_fd *fde;
	int last_error; /* -errno */
};

static int tcp_connect_destructor(struct tcp_connect_state *s)
{
	TALLOC_FREE(s->fde);
	if (s->fd >= 0)
		close(s->fd);
	if (s->all)
		freeaddrinfo(s->all);
	return 0;
}

static void tcp_connect_try(struct tevent_req *req);

static void tcp_connect_outcome(struct tevent_req *req, int err)
{
	struct tcp_connect_state *s = tevent_req_data(req, struct tcp_connect_state);

	TALLOC_FREE(s->fde);
	if (err == 0) {
		tevent_req_done(req);
		return;
	}
	close(s->fd);
	s->fd = -1;
	s->last_error = err;
	tcp_connect_try(req);
}

static void tcp_connect_writable(struct tevent_context *ev, struct tevent_fd *fde, uint16_t flags, void *arg)
{
	struct tevent_req *req = talloc_get_type_abort(arg, struct tevent_req);
	struct tcp_connect_state *s = tevent_req_data(req, struct tcp_connect_state);
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;
	tcp_connect_outcome(req, -err);
}

/* Starts with the next address; without one the request fails with what the last one said. */
static void tcp_connect_try(struct tevent_req *req)
{
	struct tcp_connect_state *s = tevent_req_data(req, struct tcp_connect_state);
	struct addrinfo *a = s->next;

	if (!a) {
		tevent_req_error(req, status_from_errno(s->last_error));
		return;
	}
	s->next = a->ai_next;
	s->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0) {
		tevent_req_error(req, status_from_errno(-errno));
		return;
	}
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	if (connect(s->fd, a->ai_addr, a->ai_addrlen) == 0) {
		tevent_req_done(req);
	} else if (errno == EINPROGRESS) {
		/* tevent tells of an error only where reading is waited for as well. */
		s->fde = tevent_add_fd(
			s->ev, s, s->fd, TEVENT_FD_READ | TEVENT_FD_WRITE, tcp_connect_writable, req);
		tevent_req_nomem(s->fde, req);
	} else {
		tcp_connect_outcome(req, -errno);
	}
}

struct tevent_req *client_tcp_connect_send(
	TALLOC_CTX *mem, struct tevent_context *ev, const char *host, uint16_t port)
{
	struct tcp_connect_state *s;
	struct tevent_req *req = tevent_req_create(mem, &s, struct tcp_connect_state);
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	char service[8];

	if (!req)
		return NULL;
	s->ev = ev;
	s->fd = -1;
	s->last_error = -ENETUNREACH;
	tevent_req_defer_callback(req, ev);
	talloc_set_destructor(s, tcp_connect_destructor);
	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(host, service, &hints, &s->all)) {
		tevent_req_error(req, STATUS_BAD_NETWORK_NAME);
		return req;
	}
	s->next = s->all;
	tcp_connect_try(req);
	return req;
}

ntstatus_t client_tcp_connect_recv(struct tevent_req *req, int *fd)
{
	struct tcp_connect_state *s = tevent_req_data(req, struct tcp_connect_state);
	ntstatus_t status = req_status(req);

	if (status_is_ok(status)) {
		*fd = s->fd;
		s->fd = -1;
	}
	return status;
}
