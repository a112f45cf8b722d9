/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/guard_core.h"

#include "core/clock.h"
#include "vfs/vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/*
 * fcntl(F_SETLEASE): an open or a truncation of another process waits until the lease is given up, or until
 * the kernel takes it away, /proc/sys/fs/lease-break-time seconds later. A signal to the guard's thread
 * tells. What has the kernel do:
 * - a lease is not given for a file that somebody has open: for writing (F_RDLCK) or at all (F_WRLCK). Where
 * the descriptor is open for writing itself, only F_WRLCK is to be had, which openers for reading break as
 * well;
 * - it belongs to the open file description, and opens of this process break it too: the caller has one per
 * inode;
 * - it cannot be kept while the breaker goes on.
 */

static int signals = -1;

/* Above those that glibc keeps. Directed to the guard's thread, which has all signals blocked. */
static int lease_signal(void)
{
	return SIGRTMIN + 3;
}

static int set_lease(int fd, int type)
{
	return fcntl(fd, F_SETLEASE, type) < 0 ? -errno : 0;
}

/* ---- whether it works here ---- */

static int probe(const char *root, char *why, size_t size)
{
	int fd = open(root, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0) {
		snprintf(why, size, "%s: no file to try a lease on: %s", root, strerror(errno));
		return -EOPNOTSUPP;
	}
	int rc = set_lease(fd, F_WRLCK);
	close(fd);
	if (rc < 0) {
		snprintf(why, size, "%s: no leases: %s", root, strerror(-rc));
		return -EOPNOTSUPP;
	}
	return 0;
}

/* ---- beginning and end ---- */

/* A full queue of real-time signals turns them into SIGIO, fcntl(2). */
static int open_signals(void)
{
	sigset_t set;

	if (signals >= 0)
		return 0;
	sigemptyset(&set);
	sigaddset(&set, lease_signal());
	sigaddset(&set, SIGIO);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return signals < 0 ? -errno : 0;
}

static int direct_signals(int fd)
{
	struct f_owner_ex owner = {.type = F_OWNER_TID, .pid = guard_core.tid};

	if (fcntl(fd, F_SETSIG, lease_signal()) < 0 || fcntl(fd, F_SETOWN_EX, &owner) < 0)
		return -errno;
	return 0;
}

static int lease_for(int fd, unsigned access)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	if ((flags & O_ACCMODE) != O_RDONLY)
		return F_WRLCK;
	return access & VFS_WRITE ? -EBADF : F_RDLCK;
}

static int cover(struct watch *w, unsigned access)
{
	int type = lease_for(w->fd, access);

	if (type < 0 || w->deadline)
		return type < 0 ? type : -EBUSY;
	if (w->lease == type)
		return 0;
	int rc = open_signals();
	if (rc == 0)
		rc = direct_signals(w->fd);
	if (rc == 0)
		rc = guard_unnamed_watch(w);
	if (rc == 0)
		rc = set_lease(w->fd, type);
	if (rc < 0)
		return rc == -EAGAIN ? -EBUSY : rc;
	w->lease = type;
	return 0;
}

static void give_up(struct watch *w)
{
	set_lease(w->fd, F_UNLCK);
	w->lease = F_UNLCK;
	w->deadline = 0;
}

static void end(struct watch *w)
{
	guard_unnamed_end(w);
	if (w->lease != F_UNLCK)
		give_up(w);
}

/* A lease is not given while others could come unseen. */
static int settle(const struct watch *w)
{
	return 0;
}

static void let_go(struct watch *w, int event)
{
	give_up(w);
	guard_lose(w, "the lease was given up to another process");
}

/* ---- breaks ---- */

/*
 * Leaves owners an eighth of the time, so that they are told before the other process goes on. UINT64_MAX if
 * the kernel waits for ever.
 */
static uint64_t break_deadline(uint64_t now)
{
	char text[32] = "";
	int fd = open("/proc/sys/fs/lease-break-time", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	uint64_t seconds = n > 0 ? strtoul(text, NULL, 10) : 1;
	return seconds ? now + seconds * 875000000u : UINT64_MAX;
}

/* The kernel tells the lease that a breaker leaves: the same as ever if nobody waits. */
static void look(struct watch *w, void *arg)
{
	const int *fd = arg;

	if (w->ops != &guard_lease || w->lease == F_UNLCK || w->deadline || (*fd >= 0 && *fd != w->fd))
		return;
	if (fcntl(w->fd, F_GETLEASE) == w->lease)
		return;
	w->deadline = break_deadline(clock_now_ns());
	if (guard_hold(w, -1, 0, UINT64_MAX) == GUARD_HELD)
		return;
	guard_lose(w, "a process that wants the lease cannot be held");
}

static int descriptor(void)
{
	return signals;
}

static void readable(void)
{
	struct signalfd_siginfo s[16];
	ssize_t n = read(signals, s, sizeof(s));

	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(*s); i++) {
		int fd = s[i].ssi_signo == SIGIO ? -1 : s[i].ssi_fd;
		guard_each_watch(look, &fd);
	}
}

struct ticking {
	uint64_t now, next;
};

static void check_deadline(struct watch *w, void *arg)
{
	struct ticking *t = arg;

	if (w->ops != &guard_lease || w->lost || !w->deadline || w->deadline == UINT64_MAX)
		return;
	if (w->deadline <= t->now)
		guard_lose(w, "the kernel takes the lease away: it was not given up in time");
	else if (!t->next || w->deadline < t->next)
		t->next = w->deadline;
}

static uint64_t tick(uint64_t now)
{
	struct ticking t = {.now = now};

	guard_each_watch(check_deadline, &t);
	return t.next;
}

static void stop(void)
{
	if (signals >= 0)
		close(signals);
	signals = -1;
}

const struct guard_ops guard_lease = {
	.name = "lease",
	.probe = probe,
	.cover = cover,
	.end = end,
	.settle = settle,
	.let_go = let_go,
	.descriptor = descriptor,
	.readable = readable,
	.tick = tick,
	.stop = stop,
};
