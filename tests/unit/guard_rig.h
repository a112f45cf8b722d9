/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_GUARD_RIG_H
#define TESTS_GUARD_RIG_H

/*
 * Another process that does to a file what it is told, and an owner of ranges that counts what it is told.
 * cmocka's asserts belong to the main thread: callbacks only record.
 */

#include "core/bytes.h"
#include "vfs/guard.h"
#include "vfs/vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_SECONDS = 60, PAGE = 4096, FILE_SIZE = 16 * PAGE };

/* ---- the other process ---- */

enum act {
	ACT_OPEN, /* a: flags */
	ACT_CLOSE,
	ACT_WRITE, /* a: offset; one page of 'x' */
	ACT_APPEND,
	ACT_READ,      /* a: offset; a page */
	ACT_FTRUNCATE, /* a: size */
	ACT_TRUNCATE,
	ACT_FALLOCATE, /* a: offset, b: mode; a page */
	ACT_MAP_READ,  /* a: offset */
	ACT_MAP_WRITE,
	ACT_SEND_FROM,   /* a: offset; to a pipe */
	ACT_COPY_FROM,   /* a: offset; to another file */
	ACT_SUBMIT_READ, /* a: offset; by io_submit */
	ACT_COPY_TO,
	ACT_SEND_TO,
	ACT_CREAT,
	ACT_RENAME_OVER,
	ACT_UNLINK,
	ACT_CHMOD,
	ACT_CROWD, /* a: processes that each truncate to 0; how many of them were refused with EPERM */
};

struct order {
	enum act act;
	int64_t a, b;
	char path[256];
};

struct helper {
	pid_t pid;
	int orders, answers;
};

static inline int64_t copy_between(int from, int to, off_t from_offset, off_t to_offset)
{
	return copy_file_range(from, &from_offset, to, &to_offset, PAGE, 0);
}

static inline int64_t map_and_touch(int fd, off_t offset, bool write)
{
	int prot = write ? PROT_READ | PROT_WRITE : PROT_READ;
	volatile char *p = mmap(NULL, PAGE, prot, MAP_SHARED, fd, offset);

	if (p == MAP_FAILED)
		return -1;
	char c = *p;
	if (write)
		*p = c;
	return munmap((void *)(uintptr_t)p, PAGE);
}

static inline int64_t send_to_pipe(int fd, off_t offset)
{
	int p[2];

	if (pipe(p) < 0)
		return -1;
	int64_t n = sendfile(p[1], fd, &offset, PAGE);
	close(p[0]);
	close(p[1]);
	return n;
}

static inline int64_t submit_read(int fd, off_t offset)
{
	static _Alignas(PAGE) char page[PAGE];
	aio_context_t ctx = 0;
	struct iocb cb = {.aio_fildes = (uint32_t)fd,
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_buf = (uintptr_t)page,
		.aio_nbytes = PAGE,
		.aio_offset = offset};
	struct iocb *list[] = {&cb};
	struct io_event done = {.res = -1};

	if (syscall(SYS_io_setup, 1, &ctx) < 0)
		return -1;
	if (syscall(SYS_io_submit, ctx, 1, list) == 1)
		syscall(SYS_io_getevents, ctx, 1, 1, &done, NULL);
	syscall(SYS_io_destroy, ctx);
	return done.res;
}

/* A file of a page beside the other. */
static inline int open_beside(const char *path)
{
	char beside[300], page[PAGE];

	memset(page, 'x', sizeof(page));
	snprintf(beside, sizeof(beside), "%s.beside.%d", path, getpid());
	int fd = open(beside, O_RDWR | O_CREAT | O_TRUNC, 0600);
	unlink(beside);
	return fd >= 0 && pwrite(fd, page, PAGE, 0) == PAGE ? fd : -1;
}

static inline int64_t with_file_beside(int fd, const struct order *o)
{
	int beside = open_beside(o->path);
	int64_t rc;

	if (o->act == ACT_COPY_FROM)
		rc = copy_between(fd, beside, o->a, 0);
	else if (o->act == ACT_COPY_TO)
		rc = copy_between(beside, fd, 0, o->a);
	else
		rc = lseek(fd, o->a, SEEK_SET) < 0 ? -1 : sendfile(fd, beside, NULL, PAGE);
	close(beside);
	return rc;
}

static inline int64_t rename_over(const char *path)
{
	char from[300];

	snprintf(from, sizeof(from), "%s.new", path);
	int fd = open(from, O_RDWR | O_CREAT, 0600);
	close(fd);
	return rename(from, path);
}

static inline int64_t crowd(const char *path, int64_t n)
{
	int64_t refused = 0;
	int status;

	for (int64_t i = 0; i < n; i++)
		if (fork() == 0)
			_exit(truncate(path, 0) == 0 ? 0 : errno);
	for (int64_t i = 0; i < n; i++)
		refused += wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EPERM;
	return refused;
}

static inline int64_t on_descriptor(int fd, const struct order *o)
{
	char page[PAGE];

	memset(page, 'x', sizeof(page));
	switch (o->act) {
	case ACT_CLOSE:
		return close(fd);
	case ACT_WRITE:
		return pwrite(fd, page, PAGE, o->a);
	case ACT_APPEND:
		return fcntl(fd, F_SETFL, O_APPEND) < 0 ? -1 : write(fd, page, PAGE);
	case ACT_READ:
		return pread(fd, page, PAGE, o->a);
	case ACT_FTRUNCATE:
		return ftruncate(fd, o->a);
	case ACT_FALLOCATE:
		return fallocate(fd, (int)o->b, o->a, PAGE);
	case ACT_MAP_READ:
	case ACT_MAP_WRITE:
		return map_and_touch(fd, o->a, o->act == ACT_MAP_WRITE);
	case ACT_SUBMIT_READ:
		return submit_read(fd, o->a);
	case ACT_SEND_FROM:
		return send_to_pipe(fd, o->a);
	default:
		return with_file_beside(fd, o);
	}
}

static inline int64_t obey(int *fd, const struct order *o)
{
	switch (o->act) {
	case ACT_OPEN:
	case ACT_CREAT:
		*fd = o->act == ACT_CREAT ? creat(o->path, 0600) : open(o->path, (int)o->a);
		return *fd < 0 ? -1 : 0;
	case ACT_TRUNCATE:
		return truncate(o->path, o->a);
	case ACT_RENAME_OVER:
		return rename_over(o->path);
	case ACT_UNLINK:
		return unlink(o->path);
	case ACT_CHMOD:
		return chmod(o->path, 0640);
	case ACT_CROWD:
		return crowd(o->path, o->a);
	default:
		return on_descriptor(*fd, o);
	}
}

static inline void helper_main(int orders, int answers)
{
	struct order o;
	int fd = -1;

	while (read(orders, &o, sizeof(o)) == sizeof(o)) {
		int64_t rc = obey(&fd, &o);
		if (rc < 0)
			rc = -errno;
		if (write(answers, &rc, sizeof(rc)) != sizeof(rc))
			break;
	}
	_exit(0);
}

/* Before anything is open that it should not have, and before there are threads. */
static inline struct helper helper_start(void)
{
	int orders[2], answers[2];

	assert_int_equal(pipe2(orders, O_CLOEXEC), 0);
	assert_int_equal(pipe2(answers, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(orders[1]);
		close(answers[0]);
		helper_main(orders[0], answers[1]);
	}
	close(orders[0]);
	close(answers[1]);
	return (struct helper){pid, orders[1], answers[0]};
}

static inline void helper_end(struct helper *h)
{
	close(h->orders);
	close(h->answers);
	kill(h->pid, SIGKILL);
	waitpid(h->pid, NULL, 0);
}

static inline void helper_tell(const struct helper *h, enum act act, const char *path, int64_t a, int64_t b)
{
	struct order o = {.act = act, .a = a, .b = b};

	snprintf(o.path, sizeof(o.path), "%s", path);
	assert_int_equal(write(h->orders, &o, sizeof(o)), sizeof(o));
}

static inline bool helper_has_answered(const struct helper *h, int timeout)
{
	struct pollfd p = {.fd = h->answers, .events = POLLIN};

	return poll(&p, 1, timeout) > 0;
}

static inline int64_t helper_answer(const struct helper *h)
{
	int64_t rc;

	if (!helper_has_answered(h, PATIENCE_SECONDS * 1000))
		fail_msg("the other process does not go on");
	assert_int_equal(read(h->answers, &rc, sizeof(rc)), sizeof(rc));
	return rc;
}

static inline int64_t helper_do(const struct helper *h, enum act act, const char *path, int64_t a, int64_t b)
{
	helper_tell(h, act, path, a, b);
	return helper_answer(h);
}

/* Sleeps in the function of the kernel that is named so. */
static inline bool is_waiting_in(const struct helper *h, const char *function)
{
	char path[64], text[128] = "";

	snprintf(path, sizeof(path), "/proc/%d/wchan", h->pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 && strstr(text, function);
}

static inline void assert_waits_in(const struct helper *h, const char *function)
{
	time_t until = time(NULL) + PATIENCE_SECONDS;

	while (!is_waiting_in(h, function)) {
		if (helper_has_answered(h, 1))
			fail_msg("the other process went on");
		if (time(NULL) > until)
			fail_msg("the other process does not wait in %s", function);
	}
	assert_false(helper_has_answered(h, 0));
}

/* ---- an owner ---- */

enum { TOLD_MOST = 64 };

struct told {
	uint64_t offset, length, token;
};

struct owner {
	struct told conflicts[TOLD_MOST];
	unsigned n, lost, unnamed, taken; /* taken: conflicts that a test has looked at */
	char reason[128];
};

static pthread_mutex_t owners_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t owners_told = PTHREAD_COND_INITIALIZER;

static inline void on_conflict(void *arg, uint64_t offset, uint64_t length, uint64_t token)
{
	struct owner *o = arg;

	pthread_mutex_lock(&owners_lock);
	if (o->n < TOLD_MOST)
		o->conflicts[o->n] = (struct told){offset, length, token};
	o->n++;
	pthread_cond_broadcast(&owners_told);
	pthread_mutex_unlock(&owners_lock);
}

static inline void on_lost(void *arg, const char *reason)
{
	struct owner *o = arg;

	pthread_mutex_lock(&owners_lock);
	o->lost++;
	snprintf(o->reason, sizeof(o->reason), "%s", reason);
	pthread_cond_broadcast(&owners_told);
	pthread_mutex_unlock(&owners_lock);
}

static inline void on_unnamed(void *arg)
{
	struct owner *o = arg;

	pthread_mutex_lock(&owners_lock);
	o->unnamed++;
	pthread_cond_broadcast(&owners_told);
	pthread_mutex_unlock(&owners_lock);
}

static const struct vfs_guard_events owner_events = {on_conflict, on_lost, on_unnamed};

/* Waits until *count, which a callback changes, is more than `above`. */
static inline void wait_until_above(const unsigned *count, unsigned above, const char *what)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_SECONDS;
	pthread_mutex_lock(&owners_lock);
	while (*count <= above && rc == 0)
		rc = pthread_cond_timedwait(&owners_told, &owners_lock, &until);
	pthread_mutex_unlock(&owners_lock);
	if (rc)
		fail_msg("the owner was not told of %s", what);
}

/* The next conflict that the owner is told of. */
static inline struct told next_conflict(struct owner *o)
{
	wait_until_above(&o->n, o->taken, "a conflict");
	assert_true(o->taken < TOLD_MOST);
	return o->conflicts[o->taken++];
}

static inline unsigned count_of(const unsigned *count)
{
	pthread_mutex_lock(&owners_lock);
	unsigned n = *count;
	pthread_mutex_unlock(&owners_lock);
	return n;
}

/* ---- a folder ---- */

static char folder[128];

/* On a file system with pre-content events if there is one; `base` may be given by the environment (the VM's
 * DAX mount). */
static inline void make_folder(const char *name)
{
	const char *base = getenv("GUARD_TEST_FOLDER");

	snprintf(folder, sizeof(folder), "%s/%s.XXXXXX", base ? base : "/var/tmp", name);
	if (!mkdtemp(folder))
		fail_msg("%s: %s", folder, strerror(errno));
}

static inline void remove_folder(void)
{
	char cmd[200];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", folder);
	if (system(cmd) != 0)
		fail_msg("%s is left behind", folder);
}

/* A new file of FILE_SIZE times the letter f, with storage. */
static inline void make_file(const char *name, char *path, size_t size)
{
	char *text = malloc(FILE_SIZE);

	snprintf(path, size, "%s/%s", folder, name);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	memset(text, 'f', FILE_SIZE);
	assert_int_equal(write(fd, text, FILE_SIZE), FILE_SIZE);
	assert_int_equal(fsync(fd), 0);
	close(fd);
	free(text);
}

#endif
