/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The options of the socket under iWARP: on one host TCP does not pace, and elsewhere is as it was. */
#include "rdma/iwarp_conn.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { UNTOUCHED = 12345 };

static int connected(const char *text, int *peer)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(text)};
	socklen_t len = sizeof(to);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0), unsent = UNTOUCHED;

	assert_int_equal(bind(listener, (struct sockaddr *)&to, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&to, &len), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, len), 0);
	*peer = accept(listener, NULL, NULL);
	assert_true(*peer >= 0);
	close(listener);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent)), 0);
	return fd;
}

static int unsent_of(int fd)
{
	int unsent = 0;
	socklen_t len = sizeof(unsent);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, &len), 0);
	return unsent;
}

static void on_one_host_tcp_does_not_pace_or_hoard(void **state)
{
	int peer, fd = connected("127.0.0.1", &peer);
	char name[16] = "";
	socklen_t len = sizeof(name);

	iwarp_socket_prepare(fd);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
	assert_string_equal(name, "reno");
	assert_true(unsent_of(fd) > 0 && unsent_of(fd) != UNTOUCHED);
	close(peer);
	close(fd);
}

static void between_two_addresses_tcp_stays_as_it_was(void **state)
{
	int peer, fd = connected("127.0.0.2", &peer);
	char before[16] = "", after[16] = "";
	socklen_t before_len = sizeof(before), after_len = sizeof(after);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, before, &before_len), 0);
	iwarp_socket_prepare(fd);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, after, &after_len), 0);
	assert_string_equal(before, after);
	assert_int_equal(unsent_of(fd), UNTOUCHED);
	close(peer);
	close(fd);
}

static void a_socket_without_addresses_is_taken_as_it_is(void **state)
{
	int fd[2], flags;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	iwarp_socket_prepare(fd[0]);
	flags = fcntl(fd[0], F_GETFL);
	assert_true(flags >= 0 && flags & O_NONBLOCK);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_one_host_tcp_does_not_pace_or_hoard),
		cmocka_unit_test(between_two_addresses_tcp_stays_as_it_was),
		cmocka_unit_test(a_socket_without_addresses_is_taken_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
