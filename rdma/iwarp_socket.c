/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/iwarp_conn.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* Bytes that TCP has not sent yet, tcp(7): less stays in the cache, and leaves from the sender's processor. */
enum { UNSENT = 64 << 10 };

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Both ends have the same address: what is sent goes through no network. */
static bool on_one_host(int fd)
{
	union address a = {0}, b = {0};
	socklen_t a_len = sizeof(a), b_len = sizeof(b);

	if (getsockname(fd, &a.any, &a_len) < 0 || getpeername(fd, &b.any, &b_len) < 0)
		return false;
	if (a.any.sa_family == AF_INET)
		return a.v4.sin_addr.s_addr == b.v4.sin_addr.s_addr;
	return a.any.sa_family == AF_INET6 &&
	       memcmp(&a.v6.sin6_addr, &b.v6.sin6_addr, sizeof(a.v6.sin6_addr)) == 0;
}

/* A congestion control that paces (BBR) arms a timer for every segment: without a network there is no congestion. */
static void tune_for_one_host(int fd)
{
	static const char unpaced[] = "reno"; /* every kernel has it, and lets everybody use it */
	int unsent = UNSENT;

	setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, unpaced, sizeof(unpaced) - 1);
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
}

void iwarp_socket_prepare(int fd)
{
	int on = 1;

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	/* Messages leave when they are complete. Other sockets, in tests, know no such thing. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (on_one_host(fd))
		tune_for_one_host(fd);
}
