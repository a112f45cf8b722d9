/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/guard_core.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * IN_ATTRIB comes when a file's link count changes: unlink, and rename over it. IN_DELETE_SELF would wait for
 * the last descriptor, which is ours. All with guard_core.lock held.
 */

static int notes = -1;

int guard_unnamed_watch(struct watch *w)
{
	char path[64];

	if (w->name_watch >= 0)
		return 0;
	if (notes < 0)
		notes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (notes < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", w->fd);
	w->name_watch = inotify_add_watch(notes, path, IN_ATTRIB);
	if (w->name_watch >= 0)
		return 0;
	return errno == ENOSPC ? -EMFILE : -errno; /* the limit of watches is not the disk's space */
}

struct users {
	int name_watch;
	unsigned count;
};

static void count_user(struct watch *w, void *arg)
{
	struct users *u = arg;

	u->count += w->name_watch == u->name_watch;
}

/* An inode has one watch, which watches of two kinds share. */
void guard_unnamed_end(struct watch *w)
{
	struct users u = {.name_watch = w->name_watch};

	if (w->name_watch < 0)
		return;
	guard_each_watch(count_user, &u);
	if (u.count == 1 && notes >= 0)
		inotify_rm_watch(notes, w->name_watch);
	w->name_watch = -1;
}

static void look(struct watch *w, void *arg)
{
	const int *name_watch = arg;
	struct stat st;

	if (w->unnamed || w->name_watch < 0 || (*name_watch >= 0 && w->name_watch != *name_watch))
		return;
	if (fstat(w->fd, &st) < 0 || st.st_nlink > 0)
		return;
	w->unnamed = true;
	LIST_FOREACH (l, &w->ranges) {
		struct vfs_guarded *r = container_of(l, struct vfs_guarded, link);
		r->unnamed_due = true;
		guard_due(r);
	}
}

int guard_unnamed_descriptor(void)
{
	return notes;
}

/* An overflow has the watch -1: all are looked at. */
void guard_unnamed_readable(void)
{
	_Alignas(struct inotify_event) char buf[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
	ssize_t n = read(notes, buf, sizeof(buf));

	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *e = (const void *)(buf + at);
		int name_watch = e->wd;
		guard_each_watch(look, &name_watch);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
}

static void forget(struct watch *w, void *arg)
{
	w->name_watch = -1;
}

void guard_unnamed_stop(void)
{
	guard_each_watch(forget, NULL);
	if (notes >= 0)
		close(notes);
	notes = -1;
}
