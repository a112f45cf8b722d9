/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_DAX_RIG_H
#define TESTS_DAX_RIG_H

/* Mapped shares in a folder, for the tests of the DAX backend: TMPDIR, and a tmpfs besides. */

#include "core/fault.h"
#include "vfs/dax.h"

/* The cases come with helpers that tests which do not run them use, too. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include "vfs_cases.h"
#pragma GCC diagnostic pop

#include <ftw.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

enum { PAGE = 4096, MIB = 1 << 20 };

static const char *folder; /* where the shares of this run are */
static char root[256];     /* of the share that was opened last */

static void make_root(void)
{
	snprintf(root, sizeof(root), "%s/dax-test-XXXXXX", folder);
	assert_non_null(mkdtemp(root));
	assert_int_equal(chmod(root, 0755), 0);
}

static struct vfs_share *open_share(const struct vfs_share_options *o)
{
	struct vfs_share_options mapped = *o;
	struct vfs_share *s;

	mapped.mapped = VFS_MAPPED_YES;
	make_root();
	assert_int_equal(vfs_share_open(root, &mapped, &s), 0);
	assert_true(vfs_share_is_mapped(s));
	assert_int_equal(fault_install(), 0);
	return s;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void remove_root(void)
{
	char small[sizeof(root) + 16];

	vfs_act_as_process();
	snprintf(small, sizeof(small), "%s/small", root);
	umount2(small, MNT_DETACH); /* of a test that failed */
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void close_share(struct vfs_share *s)
{
	vfs_share_unref(s);
	remove_root();
}

/* cmocka has a handler of SIGBUS of its own for the time of each test. */
#define CATCH_FAULTS() assert_int_equal(fault_install(), 0)

static inline const char *local(const char *path)
{
	return local_path(root, path);
}

static inline struct vfs_window window_of(struct vfs_file *f, uint64_t offset, size_t len, unsigned access)
{
	struct vfs_window w;

	assert_int_equal(vfs_window_open(f, offset, len, access, &w), 0);
	return w;
}

/* A file of `size` bytes, all `c`, that is mapped from now on. */
static inline struct vfs_file *mapped_file(const char *path, char c, size_t size)
{
	struct vfs_file *f = new_file(path);
	char *data = malloc(size);

	memset(data, c, size);
	assert_int_equal(put(f, data, size, 0), size);
	free(data);
	struct vfs_window w = window_of(f, 0, size, VFS_READ);
	assert_int_equal(w.len, size);
	vfs_window_close(&w);
	return f;
}

static inline bool all_are(const void *data, char c, size_t len)
{
	const char *p = data;

	for (size_t i = 0; i < len; i++)
		if (p[i] != c)
			return false;
	return true;
}

static inline bool file_holds(struct vfs_file *f, uint64_t offset, char c, size_t len)
{
	char *data = malloc(len);
	bool same = get(f, data, len, offset) == (ssize_t)len && all_are(data, c, len);

	free(data);
	return same;
}

/* The cases want user attributes, which tmpfs has only since Linux 6.6. */
static inline bool is_tmpfs_with_attributes(const char *path)
{
	char name[256];
	struct statfs fs;

	snprintf(name, sizeof(name), "%s/dax-test-XXXXXX", path);
	int fd = statfs(path, &fs) == 0 && fs.f_type == TMPFS_MAGIC ? mkstemp(name) : -1;
	bool has = fd >= 0 && fsetxattr(fd, "user.test", "", 0, 0) == 0;
	if (fd >= 0) {
		close(fd);
		unlink(name);
	}
	return has;
}

/* Runs the tests in TMPDIR, and where that is no tmpfs on one too. The count of failures. */
static inline int run_in_folders(int (*run)(void))
{
	static const char memory[] = "/dev/shm";
	const char *tmp = getenv("TMPDIR");
	struct statfs fs;

	folder = tmp ? tmp : "/tmp";
	print_message("in %s\n", folder);
	int failed = run();
	if (statfs(folder, &fs) < 0 || fs.f_type == TMPFS_MAGIC || !is_tmpfs_with_attributes(memory))
		return failed;
	folder = memory;
	print_message("in %s\n", folder);
	return failed + run();
}

#endif
