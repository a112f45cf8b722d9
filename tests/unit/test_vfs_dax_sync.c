/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "dax_rig.h"

#include "vfs/dax_inode.h"
#include "vfs/pin.h"

#include <pthread.h>
#include <sys/syscall.h>

/* The files of an inode have one open file description between them; an error of write-back is told to each once, as if not. */

static atomic_int failures; /* of the next calls of fsync, which tell it once each */
static atomic_uint calls;

int fsync(int fd)
{
	atomic_fetch_add(&calls, 1);
	if (atomic_load(&failures) > 0) {
		atomic_fetch_sub(&failures, 1);
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

static int open_strict(void **state)
{
	struct vfs_share_options o = usual;

	atomic_store(&failures, 0);
	if (open_usual(state) < 0)
		return -1;
	close_share(share);
	o.strict_sync = true;
	share = open_share(&o);
	return 0;
}

static void change(struct vfs_file *f)
{
	assert_int_equal(vfs_truncate(f, (uint64_t)stat_of(f).size + 1, 0), 0);
}

static void each_open_is_told_of_an_error_once(void **state)
{
	struct vfs_file *a = mapped_file("a", 'a', MIB), *b = opened("a", VFS_READ | VFS_WRITE), *c = opened("a", VFS_READ);

	change(a);
	atomic_store(&failures, 1);
	assert_int_equal(vfs_flush(a, 0), -EIO);
	assert_int_equal(vfs_flush(a, 0), 0);
	assert_int_equal(vfs_flush(b, 0), -EIO);
	assert_int_equal(vfs_flush(c, 0), -EIO);
	assert_int_equal(vfs_flush(b, 0), 0);
	assert_int_equal(vfs_flush(c, 0), 0);
	vfs_file_unref(a);
	vfs_file_unref(b);
	vfs_file_unref(c);
}

static void who_opens_later_is_not_told(void **state)
{
	struct vfs_file *a = mapped_file("a", 'a', MIB);

	change(a);
	atomic_store(&failures, 1);
	assert_int_equal(vfs_flush(a, 0), -EIO);
	struct vfs_file *b = opened("a", VFS_READ | VFS_WRITE);
	assert_int_equal(vfs_flush(b, 0), 0);
	change(b);
	atomic_store(&failures, 1);
	assert_int_equal(vfs_flush(b, 0), -EIO);
	assert_int_equal(vfs_flush(a, 0), -EIO);
	assert_int_equal(vfs_flush(a, 0), 0);
	vfs_file_unref(a);
	vfs_file_unref(b);
}

static void a_window_is_told_as_its_file(void **state)
{
	struct vfs_file *a = mapped_file("a", 'a', MIB), *b = opened("a", VFS_READ | VFS_WRITE);
	struct vfs_window w = window_of(b, 0, MIB, VFS_WRITE);

	change(a);
	atomic_store(&failures, 1);
	assert_int_equal(vfs_flush(a, 0), -EIO);
	assert_int_equal(vfs_window_written(&w, 0, MIB), 0);
	assert_int_equal(vfs_window_flush(&w), -EIO);
	assert_int_equal(vfs_window_flush(&w), 0);
	assert_int_equal(vfs_flush(b, 0), 0);
	vfs_window_close(&w);
	vfs_file_unref(a);
	vfs_file_unref(b);
}

static void a_guarded_window_whose_file_is_behind_is_not_clean(void **state)
{
	struct vfs_file *a = mapped_file("a", 'a', MIB), *b = opened("a", VFS_READ | VFS_WRITE);
	struct vfs_window w = window_of(b, 0, MIB, VFS_WRITE);

	change(a);
	atomic_store(&failures, 1);
	assert_int_equal(vfs_flush(a, 0), -EIO);
	assert_int_equal(vfs_flush(a, 0), 0);
	w.guarded = true;
	assert_false(dax_window_is_clean(&w));
	assert_int_equal(vfs_window_flush(&w), -EIO);
	assert_int_equal(dax_window_is_clean(&w), w.map->sync);
	vfs_window_close(&w);
	vfs_file_unref(a);
	vfs_file_unref(b);
}

static void an_error_while_storage_is_given_is_told_to_those_who_have_the_file_open(void **state)
{
	struct vfs_file *a = mapped_file("a", 'a', MIB);
	struct dax_inode *i = dax_inode_of(a);
	unsigned before = atomic_load(&calls);

	atomic_store(&failures, 1);
	assert_int_equal(vfs_truncate(a, 2 * MIB, 0), 0);
	int rc = dax_allocate(i, MIB, MIB);
	if (atomic_load(&calls) == before)
		skip(); /* nothing had to be made durable here */
	assert_int_equal(rc, -EIO);
	assert_int_equal(vfs_flush(a, 0), -EIO);
	assert_int_equal(vfs_flush(a, 0), 0);
	vfs_file_unref(a);
}

/* ---- threads ---- */

enum { FLUSHERS = 4, ROUNDS = 200 };

struct flusher {
	struct vfs_file *file;
	pthread_t thread;
	pthread_barrier_t *begin;
	int errors;
};

static void *flush_once(void *arg)
{
	struct flusher *t = arg;

	pthread_barrier_wait(t->begin);
	t->errors = vfs_flush(t->file, 0) == -EIO;
	return NULL;
}

/* One of them gets the kernel's word, and the others, whose fsync goes well, hear of it all the same. */
static void flushers_at_the_same_time_are_all_told(void **state)
{
	struct vfs_file *a = mapped_file("a", 'a', MIB);
	struct flusher t[FLUSHERS];
	pthread_barrier_t begin;

	pthread_barrier_init(&begin, NULL, FLUSHERS);
	for (int i = 0; i < FLUSHERS; i++)
		t[i] = (struct flusher){.file = opened("a", VFS_READ | VFS_WRITE), .begin = &begin};
	for (int round = 0; round < ROUNDS; round++) {
		change(a);
		atomic_store(&failures, 1);
		for (int i = 0; i < FLUSHERS; i++)
			assert_int_equal(pthread_create(&t[i].thread, NULL, flush_once, &t[i]), 0);
		for (int i = 0; i < FLUSHERS; i++)
			pthread_join(t[i].thread, NULL);
		for (int i = 0; i < FLUSHERS; i++)
			assert_int_equal(t[i].errors + (vfs_flush(t[i].file, 0) == -EIO), 1);
	}
	for (int i = 0; i < FLUSHERS; i++)
		vfs_file_unref(t[i].file);
	vfs_file_unref(a);
	pthread_barrier_destroy(&begin);
}

#define STRICT(name) cmocka_unit_test_setup_teardown(name, open_strict, close_usual)

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		STRICT(each_open_is_told_of_an_error_once),
		STRICT(who_opens_later_is_not_told),
		STRICT(a_window_is_told_as_its_file),
		STRICT(a_guarded_window_whose_file_is_behind_is_not_clean),
		STRICT(an_error_while_storage_is_given_is_told_to_those_who_have_the_file_open),
		STRICT(flushers_at_the_same_time_are_all_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_in_folders(run_all);
}
