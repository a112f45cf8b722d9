/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/guard_core.h"

#include "core/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Pre-content events (Linux 6.14): the kernel asks before it reads, writes, truncates or allocates, and
 * whoever caused that waits for the answer. The event tells a range and not what is done to it; that is read
 * from /proc (guard_proc.c). What the kernel does not ask about:
 * - open() with O_TRUNC, for which FAN_OPEN_PERM is asked;
 * - all but truncation through descriptors that were opened when nobody watched the file (FMODE_NONOTIFY_PERM
 * is decided by open()): while another process has one that is open for writing, the watch does not begin.
 * Events are queued without limit: each stands for a thread that waits, so there are no more than threads.
 */

/* linux/fanotify.h since 6.14; Debian 12 has those of 6.1. */
#ifndef FAN_PRE_ACCESS
#define FAN_PRE_ACCESS 0x00100000
#endif
#ifndef FAN_EVENT_INFO_TYPE_RANGE
#define FAN_EVENT_INFO_TYPE_RANGE 6
#endif
/* struct fanotify_event_info_range of the same header. */
struct range_info {
	struct fanotify_event_info_header hdr;
	uint32_t pad;
	uint64_t offset, count;
};

enum {
	MASK = FAN_PRE_ACCESS | FAN_OPEN_PERM,
	SPINS = 20,               /* looks at a thread that is about to sleep, before others get their turn */
	RETRY_NS = 1000000,       /* between later looks */
	PATIENCE_NS = 1000000000, /* until it counts as changing the file */
};

/* What somebody wants to do, and whose thread waits. */
struct event {
	struct list link; /* in undecided */
	int fd;           /* stands for it in the answer */
	pid_t tid;
	bool opens;
	dev_t dev;
	ino_t ino;
	uint64_t offset, count;
	uint64_t since;
};

static int group = -1;
/* Events whose thread has not gone to sleep yet, so that /proc does not tell what it does. */
static struct list undecided = {&undecided, &undecided};

/* ---- beginning and end ---- */

int guard_fanotify_open(void)
{
	if (group < 0)
		group = fanotify_init(FAN_CLASS_PRE_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_TID |
					      FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS,
			O_RDONLY | O_LARGEFILE | O_CLOEXEC);
	return group < 0 ? -errno : 0;
}

/* The kernel lets everything go that waits for an answer. */
static void stop(void)
{
	struct list *l;

	while ((l = list_pop(&undecided))) {
		struct event *e = container_of(l, struct event, link);
		close(e->fd);
		free(e);
	}
	if (group >= 0)
		close(group);
	group = -1;
}

static bool may_trace(void)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &h, d) < 0)
		return false;
	return d[CAP_TO_INDEX(CAP_SYS_PTRACE)].effective & CAP_TO_MASK(CAP_SYS_PTRACE);
}

/* Of the group, so that it can be used without the lock. */
static int group_dup(void)
{
	pthread_mutex_lock(&guard_core.lock);
	int fd = guard_fanotify_open();
	if (fd == 0 && (fd = fcntl(group, F_DUPFD_CLOEXEC, 0)) < 0)
		fd = -errno;
	pthread_mutex_unlock(&guard_core.lock);
	return fd;
}

/* Without FAN_ONDIR a mark on a folder is asked about nothing. */
static int try_mark(int fd, const char *root)
{
	if (fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_PRE_ACCESS, AT_FDCWD, root) < 0)
		return -errno;
	fanotify_mark(fd, FAN_MARK_REMOVE, FAN_PRE_ACCESS, AT_FDCWD, root);
	return 0;
}

static int probe(const char *root, char *why, size_t size)
{
	int fd = group_dup(), rc;

	if (fd < 0) {
		snprintf(why, size, "fanotify_init: %s%s", strerror(-fd),
			fd == -EPERM ? " (CAP_SYS_ADMIN is needed)" : "");
		return -EOPNOTSUPP;
	}
	rc = try_mark(fd, root);
	close(fd);
	if (rc < 0) {
		snprintf(why, size,
			"%s: no pre-content events: %s (Linux 6.14 and ext4, xfs or btrfs are needed)", root,
			strerror(-rc));
		return -EOPNOTSUPP;
	}
	if (!may_trace()) {
		snprintf(why, size, "CAP_SYS_PTRACE is needed, to tell writing from reading");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int cover(struct watch *w, unsigned access)
{
	int rc = guard_fanotify_open();

	if (rc < 0)
		return rc;
	if (fanotify_mark(group, FAN_MARK_ADD, MASK, w->fd, NULL) < 0)
		return -errno;
	return guard_unnamed_watch(w);
}

static void end(struct watch *w)
{
	guard_unnamed_end(w);
	if (group >= 0)
		fanotify_mark(group, FAN_MARK_REMOVE, MASK, w->fd, NULL);
}

static int settle(const struct watch *w)
{
	return guard_open_for_writing_elsewhere(w->dev, w->ino) ? -EBUSY : 0;
}

/* ---- answers ---- */

static void answer(int fd, unsigned response)
{
	struct fanotify_response r = {.fd = fd, .response = response};

	/* ENOENT: who waited was killed. A group that died has let everything go. */
	if (group >= 0 && write(group, &r, sizeof(r)) < 0)
		response = FAN_ALLOW;
	close(fd);
}

static void let_go(struct watch *w, int event)
{
	answer(event, FAN_ALLOW);
}

static void died(const char *reason)
{
	guard_lose_all(&guard_fanotify, reason);
	stop();
}

/* ---- events ---- */

static bool is_own_thread(pid_t tid)
{
	return syscall(SYS_tgkill, getpid(), tid, 0) == 0;
}

/* A count of 0: all behind it. */
static uint64_t end_of(const struct event *e)
{
	return e->count && e->count < UINT64_MAX - e->offset ? e->offset + e->count : UINT64_MAX;
}

static void hold(struct watch *w, const struct event *e, uint64_t offset, uint64_t to)
{
	switch (guard_hold(w, e->fd, offset, to)) {
	case GUARD_PASS:
		answer(e->fd, FAN_ALLOW);
		break;
	case GUARD_REFUSED:
		answer(e->fd, FAN_DENY);
		break;
	case GUARD_HELD:
		break;
	}
}

static enum guard_effect effect_of(const struct event *e, const struct watch *w)
{
	enum guard_effect effect = GUARD_UNKNOWN_YET;

	for (int i = 0; i < SPINS && effect == GUARD_UNKNOWN_YET; i++) {
		if (i)
			sched_yield();
		effect = e->opens ? guard_open_effect(e->tid) : guard_access_effect(e->tid, w);
	}
	return effect;
}

/* False if it is too early to say. */
static bool decide(const struct event *e, uint64_t now)
{
	struct watch *w = guard_find_watch(&guard_fanotify, e->dev, e->ino);
	enum guard_effect effect = w ? effect_of(e, w) : GUARD_READS;

	if (effect == GUARD_UNKNOWN_YET && now - e->since < PATIENCE_NS)
		return false;
	if (effect == GUARD_READS)
		answer(e->fd, FAN_ALLOW);
	else
		hold(w, e, e->offset, effect == GUARD_CHANGES ? end_of(e) : UINT64_MAX);
	return true;
}

static void decide_later(const struct event *e)
{
	struct event *copy = malloc(sizeof(*copy));

	if (!copy) {
		answer(e->fd, FAN_DENY);
		return;
	}
	*copy = *e;
	list_append(&undecided, &copy->link);
}

static uint64_t tick(uint64_t now)
{
	LIST_FOREACH_SAFE (l, &undecided) {
		struct event *e = container_of(l, struct event, link);
		if (!decide(e, now))
			continue;
		list_remove(l);
		free(e);
	}
	return list_empty(&undecided) ? 0 : now + RETRY_NS;
}

/* The range, if the event has one; else all of the file. */
static void read_range(const struct fanotify_event_metadata *m, struct event *e)
{
	const char *p = (const char *)m + m->metadata_len, *past = (const char *)m + m->event_len;
	struct range_info info;

	while ((size_t)(past - p) >= sizeof(info.hdr)) {
		memcpy(&info.hdr, p, sizeof(info.hdr));
		if (info.hdr.len < sizeof(info.hdr) || info.hdr.len > past - p)
			return;
		if (info.hdr.info_type == FAN_EVENT_INFO_TYPE_RANGE && info.hdr.len >= sizeof(info)) {
			memcpy(&info, p, sizeof(info));
			e->offset = info.offset;
			e->count = info.count;
			return;
		}
		p += info.hdr.len;
	}
}

/* What this process does is answered first, and without a look at anything that it may have locked. */
static void take(const struct fanotify_event_metadata *m)
{
	struct event e = {.fd = m->fd, .tid = m->pid, .opens = m->mask & FAN_OPEN_PERM};
	struct stat st;

	if (m->mask & FAN_Q_OVERFLOW) {
		guard_lose_all(&guard_fanotify, "fanotify's queue overflowed: changes may have passed");
		return;
	}
	if (m->fd < 0)
		return;
	if (is_own_thread(m->pid) || fstat(m->fd, &st) < 0) {
		answer(m->fd, FAN_ALLOW);
		return;
	}
	e.dev = st.st_dev;
	e.ino = st.st_ino;
	read_range(m, &e);
	e.since = clock_now_ns();
	if (!decide(&e, e.since))
		decide_later(&e);
}

/*
 * An event whose descriptor cannot be made, by EMFILE and the like, has been refused by the kernel, and the
 * change did not happen.
 */
static bool is_fatal(ssize_t n)
{
	return n == 0 || errno == EBADF || errno == EINVAL || errno == EISDIR || errno == EIO ||
	       errno == EFAULT;
}

static void readable(void)
{
	_Alignas(struct fanotify_event_metadata) char buf[8192];
	ssize_t n = read(group, buf, sizeof(buf));

	if (n <= 0) {
		if (is_fatal(n))
			died("fanotify failed: changes may have passed");
		return;
	}
	const struct fanotify_event_metadata *m = (const void *)buf;
	for (; FAN_EVENT_OK(m, n); m = FAN_EVENT_NEXT(m, n)) {
		if (m->vers != FANOTIFY_METADATA_VERSION) {
			died("fanotify speaks another version");
			return;
		}
		take(m);
	}
}

static int descriptor(void)
{
	return group;
}

const struct guard_ops guard_fanotify = {
	.name = "fanotify",
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
