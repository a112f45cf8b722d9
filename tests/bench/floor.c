/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the machine itself needs, in microseconds at the median: one round trip of TCP over loopback, asked for
 * with 48 bytes and answered with 4 KiB, by programs that sleep until something comes and by such that look
 * again and again; the same with 16 questions and answers at once, each side's in one piece; and fdatasync of
 * a page that was stored to through a mapping. floor FOLDER prints JSON.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_US 500e3

enum { ASK = 48, ANSWER = 4118, MOST = 16, TRIPS = 100000, SYNCS = 10000, FILE_SIZE = 64 << 20, PAGE = 4096 };

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return d < 0 ? -1 : d > 0;
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_size);
	return v[n / 2];
}

static void receive(int fd, size_t n, bool look)
{
	static char buf[1 << 16];

	while (n) {
		struct pollfd p = {fd, POLLIN, 0};
		ssize_t got;

		if (!look)
			poll(&p, 1, -1);
		got = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (got < 0 && errno == EAGAIN)
			continue;
		if (got <= 0)
			_exit(0);
		n -= (size_t)got;
	}
}

static void answer_all(int listener, bool look, size_t at_once)
{
	static char buf[MOST * ANSWER];
	int fd = accept(listener, NULL, NULL), on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	for (;;) {
		receive(fd, at_once * ASK, look);
		send(fd, buf, at_once * ANSWER, MSG_NOSIGNAL);
	}
}

static double round_trip(bool look, size_t at_once)
{
	static double took[TRIPS];
	static char buf[MOST * ASK];
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	double end = now_us() + PATIENCE_US;
	size_t n = 0;
	pid_t child;

	if (bind(listener, (struct sockaddr *)&a, len) < 0 || listen(listener, 1) < 0 ||
		getsockname(listener, (struct sockaddr *)&a, &len) < 0)
		return 0;
	child = fork();
	if (child == 0)
		answer_all(listener, look, at_once);
	if (child < 0 || connect(fd, (struct sockaddr *)&a, len) < 0)
		return 0;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	for (double begin = now_us(); n < TRIPS && begin < end; begin = now_us()) {
		send(fd, buf, at_once * ASK, MSG_NOSIGNAL);
		receive(fd, at_once * ANSWER, look);
		took[n++] = now_us() - begin;
	}
	shutdown(fd, SHUT_RDWR);
	close(fd);
	close(listener);
	waitpid(child, NULL, 0);
	return median(took, n);
}

static double sync_page(const char *folder)
{
	static double took[SYNCS];
	char path[4096], *p;
	double end;
	size_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/floor-XXXXXX", folder);
	fd = mkstemp(path);
	if (fd < 0 || unlink(path) < 0 || posix_fallocate(fd, 0, FILE_SIZE) != 0)
		return 0;
	p = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return 0;
	memset(p, 1, FILE_SIZE);
	fsync(fd);
	end = now_us() + PATIENCE_US;
	while (n < SYNCS && now_us() < end) {
		double begin;

		memset(p + (size_t)rand() % (FILE_SIZE / PAGE) * PAGE, (int)n, PAGE);
		begin = now_us();
		if (fdatasync(fd) < 0)
			return 0;
		took[n++] = now_us() - begin;
	}
	return median(took, n);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	printf("{\"sleeping\": %.1f, \"looking\": %.1f, ", round_trip(false, 1), round_trip(true, 1));
	printf("\"sleeping_16\": %.1f, \"looking_16\": %.1f, ", round_trip(false, MOST), round_trip(true, MOST));
	printf("\"fdatasync\": %.1f}\n", sync_page(argv[1]));
	return 0;
}
