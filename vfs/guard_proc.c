/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/guard_core.h"

#include "core/bytes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/*
 * What other processes do, as proc(5) tells: /proc/TID/syscall is the call that a waiting thread is in and
 * its arguments, /proc/PID/fd what it has open. What cannot be read, io_uring and kernel threads
 * among it, may change files.
 *
 * A call of the 32-bit ABI cannot be told from one of the native ABI. On x86 the numbers below that stand for
 * reading are there break, lseek, link, rmdir and other calls that raise no event; openat (295) has been
 * asked about as an open.
 */

enum kind {
	READS,
	STORES,
	MOVES,     /* from one descriptor to another: argument `arg` is the one that is written to */
	CLONES,    /* likewise, and the two files may come to share blocks */
	ALLOCATES, /* fallocate: argument `arg` is the mode */
	SUBMITS,   /* reads and writes through any of its descriptors */
	OPENS,     /* argument `arg` has the flags */
	TRUNCATES,
};

struct call_row {
	long nr;
	enum kind kind;
	unsigned arg;
};

static const struct call_row accesses[] = {
	{SYS_read, READS, 0},
	{SYS_pread64, READS, 0},
	{SYS_readv, READS, 0},
	{SYS_preadv, READS, 0},
	{SYS_preadv2, READS, 0},
	{SYS_mmap, READS, 0}, /* stores through a mapping change no allocated block */
	{SYS_execve, READS, 0},
	{SYS_execveat, READS, 0},
	{SYS_write, STORES, 0},
	{SYS_pwrite64, STORES, 0},
	{SYS_writev, STORES, 0},
	{SYS_pwritev, STORES, 0},
	{SYS_pwritev2, STORES, 0},
	{SYS_truncate, TRUNCATES, 0}, /* the event tells a page */
	{SYS_ftruncate, TRUNCATES, 0},
	{SYS_sendfile, MOVES, 0},
	{SYS_splice, MOVES, 2},
	{SYS_copy_file_range, CLONES, 2},
	{SYS_fallocate, ALLOCATES, 1},
	{SYS_io_submit, SUBMITS, 0},
};

static const struct call_row opens[] = {
#ifdef SYS_open
	{SYS_open, OPENS, 1},
	{SYS_creat, TRUNCATES, 0},
#endif
	{SYS_openat, OPENS, 2},
	{SYS_open_by_handle_at, OPENS, 2},
	{SYS_execve, READS, 0},
	{SYS_execveat, READS, 0},
};

struct call {
	long nr;
	unsigned long args[6];
};

static ssize_t read_proc(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, buf, size - 1);
	int rc = n < 0 ? -errno : 0;
	close(fd);
	buf[n < 0 ? 0 : n] = '\0';
	return rc < 0 ? rc : n;
}

/* 0, -EAGAIN while the thread runs, or another -errno. */
static int read_call(pid_t tid, struct call *out)
{
	char path[64], text[256], *p = text;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	ssize_t n = read_proc(path, text, sizeof(text));
	if (n < 0)
		return (int)n;
	if (strncmp(text, "running", 7) == 0)
		return -EAGAIN;
	out->nr = strtol(p, &p, 10);
	for (size_t i = 0; i < ARRAY_SIZE(out->args); i++)
		out->args[i] = strtoul(p, &p, 16);
	return 0;
}

enum same { SAME, OTHER, NO_ANSWER };

/* What is open there may be on a network: it is not asked for anything that it would have to ask a server
 * for. */
static enum same compare(int dir, const char *path, dev_t dev, ino_t ino)
{
	struct statx x;

	if (statx(dir, path, AT_STATX_DONT_SYNC, STATX_INO, &x) < 0)
		return NO_ANSWER;
	return x.stx_ino == ino && makedev(x.stx_dev_major, x.stx_dev_minor) == dev ? SAME : OTHER;
}

static bool is_another_file(pid_t tid, unsigned long fd, const struct watch *w)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", tid, (int)fd);
	return compare(AT_FDCWD, path, w->dev, w->ino) == OTHER;
}

static bool descriptor_writes(const char *pid, const char *fd)
{
	char path[300], text[256];

	snprintf(path, sizeof(path), "/proc/%.16s/fdinfo/%.16s", pid, fd);
	ssize_t n = read_proc(path, text, sizeof(text));
	if (n < 0)
		return n != -ENOENT && n != -ESRCH; /* closed meanwhile */
	const char *flags = strstr(text, "flags:");
	unsigned long f = flags ? strtoul(flags + 6, NULL, 8) : O_RDWR;
	return !(f & O_PATH) && (f & O_ACCMODE) != O_RDONLY;
}

/* A process that ends while it is looked at writes no more. */
static bool process_writes(const char *pid, dev_t dev, ino_t ino)
{
	char path[64];
	struct dirent *e;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	DIR *d = opendir(path);
	if (!d)
		return errno != ENOENT && errno != ESRCH;
	while (!found && (e = readdir(d)))
		if (*e->d_name != '.' && compare(dirfd(d), e->d_name, dev, ino) == SAME)
			found = descriptor_writes(pid, e->d_name);
	closedir(d);
	return found;
}

static bool has_open_for_writing(pid_t tid, const struct watch *w)
{
	char name[16];

	snprintf(name, sizeof(name), "%d", tid);
	return process_writes(name, w->dev, w->ino);
}

static enum guard_effect effect_of(
	const struct call_row *row, const struct call *c, pid_t tid, const struct watch *w)
{
	unsigned long arg = c->args[row->arg];

	switch (row->kind) {
	case READS:
		return GUARD_READS;
	case STORES:
		return GUARD_CHANGES;
	case MOVES:
		return is_another_file(tid, arg, w) ? GUARD_READS : GUARD_MAY_CHANGE;
	case CLONES:
		return !w->shares_blocks && is_another_file(tid, arg, w) ? GUARD_READS : GUARD_MAY_CHANGE;
	case ALLOCATES: /* these two move all that is behind the range */
		return arg & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE) ? GUARD_MAY_CHANGE
										 : GUARD_CHANGES;
	case SUBMITS:
		return has_open_for_writing(tid, w) ? GUARD_MAY_CHANGE : GUARD_READS;
	case OPENS:
		return arg & O_TRUNC ? GUARD_MAY_CHANGE : GUARD_READS;
	case TRUNCATES:
		break;
	}
	return GUARD_MAY_CHANGE;
}

static enum guard_effect look_up(const struct call_row *rows, size_t n, pid_t tid, const struct watch *w)
{
	struct call c = {.nr = -1};
	int rc = read_call(tid, &c);

	if (rc < 0)
		return rc == -EAGAIN ? GUARD_UNKNOWN_YET : GUARD_MAY_CHANGE;
	for (size_t i = 0; i < n; i++)
		if (rows[i].nr == c.nr)
			return effect_of(&rows[i], &c, tid, w);
	return GUARD_MAY_CHANGE;
}

enum guard_effect guard_access_effect(pid_t tid, const struct watch *w)
{
	return look_up(accesses, ARRAY_SIZE(accesses), tid, w);
}

/* openat2 has its flags in memory that its process may change meanwhile: it may truncate. */
enum guard_effect guard_open_effect(pid_t tid)
{
	return look_up(opens, ARRAY_SIZE(opens), tid, NULL);
}

/* ---- who has a file open ---- */

bool guard_open_for_writing_elsewhere(dev_t dev, ino_t ino)
{
	pid_t self = getpid();
	struct dirent *e;
	bool found = false;
	DIR *d = opendir("/proc");

	if (!d)
		return true;
	while (!found && (e = readdir(d))) {
		int pid = atoi(e->d_name);
		if (pid > 0 && pid != self)
			found = process_writes(e->d_name, dev, ino);
	}
	closedir(d);
	return found;
}
