/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/fault.h"
#include "vfs/dax.h"
#include "vfs_cases.h"

#include <ftw.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/wait.h>

static const char *folder; /* where the shares of this run are */
static char root[256];     /* of the share that was opened last */
static struct vfs_share_options mapped;

/* The cases that all backends have in common run on mapped shares, too. */
static struct vfs_share *open_share(const struct vfs_share_options *o)
{
	struct vfs_share *s;

	mapped = *o;
	mapped.mapped = VFS_MAPPED_YES;
	snprintf(root, sizeof(root), "%s/dax-test-XXXXXX", folder);
	assert_non_null(mkdtemp(root));
	assert_int_equal(chmod(root, 0755), 0);
	assert_int_equal(vfs_share_open(root, &mapped, &s), 0);
	assert_true(vfs_share_is_mapped(s));
	assert_int_equal(fault_install(), 0); /* cmocka has a handler of its own for the time of each test */
	return s;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void close_share(struct vfs_share *s)
{
	vfs_share_unref(s);
	vfs_act_as_process();
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VFS_CASES,
	};
	const char *tmp = getenv("TMPDIR");

	folder = tmp ? tmp : "/tmp";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
