/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/posix.h"

#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The kernel has no call for the extended attributes of an O_PATH descriptor; "/proc/self/fd/N" leads there,
 * at the cost of walking through /proc each time, which is more than all the rest of opening a file. So
 * threads other than the main one take a working directory of their own, /proc/self/fd, where the path is
 * just "N". Relative paths mean nothing else on them; the daemon uses none. The umask, which comes with the
 * working directory, stays 0.
 */
enum home { HOME_UNKNOWN, HOME_SHARED, HOME_DESCRIPTORS };
static _Thread_local enum home home;

/* In a child the directory would be the parent's. */
static void forget_home(void)
{
	home = HOME_SHARED;
}

static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, forget_home);
}

static enum home settle(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (syscall(SYS_gettid) == getpid() || unshare(CLONE_FS) < 0)
		return HOME_SHARED;
	umask(0);
	pthread_once(&once, watch_forks);
	return chdir("/proc/self/fd") < 0 ? HOME_SHARED : HOME_DESCRIPTORS;
}

static const char *prefix(void)
{
	if (home == HOME_UNKNOWN)
		home = settle();
	return home == HOME_DESCRIPTORS ? "" : "/proc/self/fd/";
}

struct fd_path posix_fd_path(int fd)
{
	struct fd_path p;

	snprintf(p.s, sizeof(p.s), "%s%d", prefix(), fd);
	return p;
}

struct fd_path posix_entry_path(int dir, const char *name)
{
	struct fd_path p;

	snprintf(p.s, sizeof(p.s), "%s%d/%s", prefix(), dir, name);
	return p;
}
