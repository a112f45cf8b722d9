/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef VFS_GUARD_CORE_H
#define VFS_GUARD_CORE_H

/*
 * What the kinds of guards share.
 *
 *    guard (share) <--ref-- range --> watch (inode, kind) --> held change
 *                             |                                   |
 *                             +------------- notice --------------+
 *
 * One notice for each range that a held change waits for.
 * A watch lives as long as it has ranges, a held change as long as it has notices. All of it is protected by
 * guard_core.lock, which is held briefly, by reactors too: inside it no system call that waits for the
 * guard's thread. That excludes every open(), read and write of files, since they may be guarded. Fine
 * are fanotify_mark, fcntl, fstat, close, inotify_add_watch and writing to fanotify.
 */

#include "core/idtable.h"
#include "core/list.h"
#include "vfs/guard.h"

#include <pthread.h>
#include <stdbool.h>

struct watch;

/* A kind of guard. All but `probe` and `settle` are called with the lock held. */
struct guard_ops {
	const char *name;
	/* Tries the kind in a folder. 0, or -EOPNOTSUPP and why. May open files. */
	int (*probe)(const char *root, char *why, size_t size);
	/* Makes the watch cover this access also. 0 or -errno. */
	int (*cover)(struct watch *w, unsigned access);
	void (*end)(struct watch *w);
	/* Whether somebody can change the file unseen, from before the watch: 0 or -EBUSY. Without the lock.
	 */
	int (*settle)(const struct watch *w);
	/* What was held goes on. */
	void (*let_go)(struct watch *w, int event);
	/* The descriptor that the thread polls, or -1, and what is done when it is readable. */
	int (*descriptor)(void);
	void (*readable)(void);
	/* What is due; returns when to be called again, in clock_now_ns time, 0 for never. */
	uint64_t (*tick)(uint64_t now);
	void (*stop)(void);
};
extern const struct guard_ops guard_fanotify, guard_lease, guard_exclusive;

struct vfs_guard {
	const struct guard_ops *ops;
	unsigned refs;
	struct vfs_guard_facts facts;
};

struct watch {
	struct list link; /* in guard_core.watches */
	const struct guard_ops *ops;
	dev_t dev;
	ino_t ino;
	int fd; /* a duplicate of the first range's */
	struct list ranges, held;
	int name_watch; /* inotify's, or -1 */
	bool unnamed;   /* has no name left */
	bool settled;   /* nobody can change the file unseen */
	bool lost;
	bool shares_blocks; /* its file system knows reflinks */
	int lease;          /* guard_lease: F_RDLCK or F_WRLCK, F_UNLCK when given up */
	uint64_t deadline;  /* guard_lease: when the kernel takes it away, 0 if nobody wants it */
};

struct vfs_guarded {
	struct list link; /* in watch->ranges */
	struct list due;  /* in guard_core.due: something is to be told */
	struct watch *watch;
	struct vfs_guard *guard; /* one ref */
	uint64_t offset, end;
	const struct vfs_guard_events *ev;
	void *arg;
	struct list untold, told; /* notices */
	bool armed, closing, lost_told, unnamed_due;
	const char *lost; /* the reason; static */
};

struct held {
	struct list link; /* in watch->held */
	struct watch *watch;
	struct vfs_guard *guard; /* whose facts count it; one ref */
	int event;               /* as the kind calls it, or -1 */
	uint64_t offset, end;
	struct list notices;
};

struct notice {
	struct list by_range, by_held;
	struct vfs_guarded *range;
	struct held *held;
	uint64_t token;
};

/* More is refused: the change fails, where the kind can make it fail, and nothing passes. */
enum { GUARD_HELD_MAX = 1024, GUARD_NOTICES_MAX = 1 << 16, GUARD_BUCKETS = 256 };

struct guard_core {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* telling, starting */
	struct list watches[GUARD_BUCKETS];
	struct list due;
	struct vfs_guarded *telling; /* whose callback runs */
	struct idtable *notices;     /* by token */
	unsigned held;
	pthread_t thread;
	pid_t tid;
	bool starting, running, stop;
	int wake; /* eventfd */
};
extern struct guard_core guard_core;

/* guard.c */
void guard_unref_locked(struct vfs_guard *g);
/* Calls fn for each watch; fn must not end any. */
void guard_each_watch(void (*fn)(struct watch *w, void *arg), void *arg);
struct watch *guard_find_watch(const struct guard_ops *ops, dev_t dev, ino_t ino);

/* guard_fanotify.c: begins, where it has not. 0 or -errno. */
int guard_fanotify_open(void);

/* guard_held.c */
enum guard_verdict { GUARD_PASS, GUARD_HELD, GUARD_REFUSED };
/* Holds a change of [offset, end) where it touches a range. REFUSED: it touches one and cannot be held. */
enum guard_verdict guard_hold(struct watch *w, int event, uint64_t offset, uint64_t end);
void guard_notice_end(struct notice *n);
/* True if a held change touches it. */
bool guard_is_held(const struct watch *w, uint64_t offset, uint64_t end);
/* Every range of the watch has lost its guard. */
void guard_lose(struct watch *w, const char *reason);
void guard_lose_all(const struct guard_ops *ops, const char *reason); /* NULL: of every kind */

/* guard_thread.c */
int guard_thread_start(void);
/* The descriptors to poll may have become others. */
void guard_thread_wake(void);
/* Something is to be told about r. */
void guard_due(struct vfs_guarded *r);

/* guard_unnamed.c: notices that a file lost its last name. */
int guard_unnamed_watch(struct watch *w);
void guard_unnamed_end(struct watch *w);
int guard_unnamed_descriptor(void);
void guard_unnamed_readable(void);
void guard_unnamed_stop(void);

/* guard_proc.c: what /proc tells of other processes. */
enum guard_effect {
	GUARD_READS,      /* and changes nothing */
	GUARD_CHANGES,    /* the range that the event tells */
	GUARD_MAY_CHANGE, /* all behind the event's offset */
	GUARD_UNKNOWN_YET,
};
enum guard_effect guard_access_effect(pid_t tid, const struct watch *w);
enum guard_effect guard_open_effect(pid_t tid);
/* True if another process has the file open for writing, or may have: it cannot be looked at. */
bool guard_open_for_writing_elsewhere(dev_t dev, ino_t ino);

#endif
