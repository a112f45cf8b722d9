/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_VFS_POSIX_RIG_H
#define TESTS_VFS_POSIX_RIG_H

/* Shares in a folder of TMPDIR, for the tests of the POSIX backend. */

#include "vfs_rig.h"

#include <ftw.h>
#include <pthread.h>

static char share_root[256]; /* of the share that was opened last */

static struct vfs_share *open_share(const struct vfs_share_options *o)
{
	const char *tmp = getenv("TMPDIR");
	struct vfs_share *s;

	snprintf(share_root, sizeof(share_root), "%s/vfs-test-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(share_root));
	assert_int_equal(chmod(share_root, 0755), 0);
	assert_int_equal(vfs_share_open(share_root, o, &s), 0);
	return s;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void close_share(struct vfs_share *s)
{
	vfs_share_unref(s);
	vfs_act_as_process();
	nftw(share_root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline const char *local(const char *path)
{
	return local_path(share_root, path);
}

static inline void make_local(const char *path, const char *text)
{
	int fd = open(local(path), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

struct second_run {
	int (*run)(void);
	int failed;
};

static inline void *run_on_a_thread(void *arg)
{
	struct second_run *r = arg;

	r->failed = r->run();
	return NULL;
}

/*
 * Runs the tests twice: threads other than the main one reach descriptors by a shorter path. Returns the
 * count of failures.
 */
static inline int run_twice(int (*run)(void))
{
	struct second_run again = {.run = run, .failed = 1};
	pthread_t thread;
	int failed = run();

	if (pthread_create(&thread, NULL, run_on_a_thread, &again) == 0)
		pthread_join(thread, NULL);
	return failed + again.failed;
}

#endif
