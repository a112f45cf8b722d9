/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/fault.h"
#include "pin_rig.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

static void make_sparse(const struct world *w, off_t size)
{
	int fd = open(w->path, O_RDWR | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(pwrite(fd, "some", 4, 5 * PAGE), 4);
	assert_int_equal(fallocate(fd, 0, 2 * PAGE, PAGE), 0); /* allocated, not initialised */
	close(fd);
}

/* ---- storage ---- */

/* Bytes of [from, to) that are mapped, initialised and not shared. */
static uint64_t stored(const struct vfs_file *f, uint64_t from, uint64_t to)
{
	enum { MOST = 256 };
	struct fiemap *m = calloc(1, sizeof(*m) + MOST * sizeof(struct fiemap_extent));
	uint64_t sum = 0;

	*m = (struct fiemap){.fm_start = from, .fm_length = to - from, .fm_extent_count = MOST};
	assert_int_equal(ioctl(vfs_file_fd(f), FS_IOC_FIEMAP, m), 0);
	for (unsigned i = 0; i < m->fm_mapped_extents; i++) {
		const struct fiemap_extent *x = &m->fm_extents[i];
		uint64_t begin = x->fe_logical > from ? x->fe_logical : from;
		uint64_t end = x->fe_logical + x->fe_length < to ? x->fe_logical + x->fe_length : to;
		if (!(x->fe_flags &
			    (FIEMAP_EXTENT_UNWRITTEN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_SHARED)))
			sum += end - begin;
	}
	free(m);
	return sum;
}

static void range_is_given_storage_and_keeps_its_bytes(void **state)
{
	struct world *w = need_guard(state);
	struct vfs_file *f = open_in(w->share, "file", VFS_READ | VFS_WRITE);
	char page[PAGE];

	make_sparse(w, 64 * PAGE);
	assert_true(stored(f, 0, 16 * PAGE) < 16 * PAGE);
	assert_int_equal(pin(w, f, PAGE, 15 * PAGE, VFS_READ | VFS_WRITE), 0);
	assert_int_equal(stored(f, PAGE, 16 * PAGE), 15 * PAGE);
	assert_true(stored(f, 16 * PAGE, 64 * PAGE) < 48 * PAGE); /* the rest is as it was */
	assert_int_equal(vfs_pread(f, &(struct iovec){page, PAGE}, 1, 5 * PAGE, 0), PAGE);
	assert_memory_equal(page, "some\0\0\0\0", 8);
	assert_memory_equal(vfs_pin_window(w->pin)->base + 4 * PAGE, page, PAGE);
	vfs_file_unref(f);
}

static void set_time(const char *path, time_t seconds)
{
	const struct timespec t[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = seconds}};

	assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
}

/* Until the clock that inodes are stamped with has moved on. */
static void next_tick(void)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_REALTIME_COARSE, &begin);
	do
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	while (now.tv_sec == begin.tv_sec && now.tv_nsec == begin.tv_nsec);
}

static time_t write_time(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mtim.tv_sec;
}

static void the_first_store_of_each_tick_sets_the_time_of_the_file(void **state)
{
	struct world *w = pinned(state);
	struct vfs_window *window = vfs_pin_window(w->pin);

	for (time_t t = 1; t < 4; t++) {
		set_time(w->path, t);
		next_tick();
		assert_int_equal(vfs_window_written(window, 10, 10), 0);
		assert_true(write_time(w->path) > 3);
	}
}

static void what_is_cut_under_a_window_that_is_not_guarded_is_an_error_in_any_tick(void **state)
{
	struct world *w = pinned(state);
	struct vfs_window *window = vfs_pin_window(w->pin);

	window->guarded = false;
	assert_int_equal(vfs_window_written(window, FILE_SIZE - 10, 10), 0);
	assert_int_equal(vfs_truncate(window->file, FILE_SIZE - 5, 0), 0);
	assert_int_equal(vfs_window_written(window, FILE_SIZE - 10, 10), -EFAULT);
	window->guarded = true;
}

/* As if it were mapped synchronously. A store that faults changes the times, and this backend does once in a tick. */
static void what_leaves_a_pinned_range_to_be_flushed_is_what_the_server_has_changed(void **state)
{
	struct world *w = pinned(state);
	struct vfs_window *window = vfs_pin_window(w->pin);

	assert_int_equal(dax_inode_flush(dax_inode_of(window->file), NULL), 0);
	assert_false(vfs_pin_is_clean(w->pin));
	window->map->sync = true;
	assert_true(vfs_pin_is_clean(w->pin));
	for (time_t t = 1; t < 4; t++) {
		set_time(w->path, t);
		next_tick();
		assert_int_equal(vfs_window_written(window, 10, 10), 0);
		assert_true(vfs_pin_is_clean(w->pin));
	}
	assert_int_equal(vfs_truncate(window->file, 2 * FILE_SIZE, 0), 0);
	assert_false(vfs_pin_is_clean(w->pin));
	assert_int_equal(dax_inode_flush(dax_inode_of(window->file), NULL), 0);
	assert_true(vfs_pin_is_clean(w->pin));
	/* What is not guarded is flushed once more when others have changed something. */
	window->guarded = false;
	set_time(w->path, 5);
	assert_int_equal(vfs_window_written(window, 10, 10), 0);
	window->guarded = true;
	assert_false(vfs_pin_is_clean(w->pin));
	window->map->sync = false;
}

static void range_beyond_the_end_is_refused_and_the_file_does_not_grow(void **state)
{
	struct world *w = need_guard(state);
	struct vfs_file *f = open_in(w->share, "file", VFS_READ | VFS_WRITE);
	struct vfs_stat st;

	assert_int_equal(pin(w, f, FILE_SIZE - PAGE, PAGE + 1, VFS_READ | VFS_WRITE), -ERANGE);
	assert_int_equal(pin(w, f, FILE_SIZE, 1, VFS_READ | VFS_WRITE), -ERANGE);
	assert_int_equal(pin(w, f, 1ull << 60, PAGE, VFS_READ), -ERANGE);
	assert_int_equal(vfs_fstat(f, 0, &st), 0);
	assert_int_equal(st.size, FILE_SIZE);
	assert_int_equal(facts_of(w, false), 0);
	assert_int_equal(pin(w, f, FILE_SIZE - 5, 5, VFS_READ | VFS_WRITE), 0);
	vfs_file_unref(f);
}

static void odd_ranges_are_refused(void **state)
{
	struct world *w = need_guard(state);
	struct vfs_file *f = open_in(w->share, "file", VFS_READ | VFS_WRITE);

	assert_int_equal(pin(w, f, 0, 0, VFS_READ), -EINVAL);
	assert_int_equal(pin(w, f, UINT64_MAX, 2, VFS_READ), -EINVAL);
	assert_int_equal(pin(w, f, 2, UINT64_MAX, VFS_READ), -EINVAL);
	assert_int_equal(pin(w, f, 0, 1, VFS_NONE), -EINVAL);
	assert_int_equal(pin(w, f, 0, 1, VFS_WRITE), -EINVAL);
	vfs_file_unref(f);
}

static void right_that_the_handle_lacks_is_refused(void **state)
{
	struct world *w = need_guard(state);
	struct vfs_file *reader = open_in(w->share, "file", VFS_READ),
			*none = open_in(w->share, "file", VFS_NONE);

	assert_int_equal(pin(w, reader, 0, PAGE, VFS_READ | VFS_WRITE), -EACCES);
	assert_int_equal(pin(w, none, 0, PAGE, VFS_READ), -EACCES);
	assert_int_equal(pin(w, reader, 0, PAGE, VFS_READ), 0);
	vfs_file_unref(reader);
	vfs_file_unref(none);
}

static void file_that_is_not_mapped_is_refused(void **state)
{
	const struct vfs_share_options o = {.mapped = VFS_MAPPED_NO};
	struct world *w = need_guard(state);
	struct vfs_share *plain;

	assert_int_equal(vfs_share_open(folder, &o, &plain), 0);
	struct vfs_file *f = open_in(plain, "file", VFS_READ | VFS_WRITE);
	assert_int_equal(pin(w, f, 0, PAGE, VFS_READ), -EOPNOTSUPP);
	vfs_file_unref(f);
	vfs_share_unref(plain);
}

static void storage_cannot_be_given_in_a_share_for_reading(void **state)
{
	const struct vfs_share_options o = {.mapped = VFS_MAPPED_YES, .read_only = true};
	struct world *w = need_guard(state);
	struct vfs_share *readers;

	assert_int_equal(vfs_share_open(folder, &o, &readers), 0);
	struct vfs_file *f = open_in(readers, "file", VFS_READ);
	assert_int_equal(pin(w, f, 0, FILE_SIZE, VFS_READ), 0);
	assert_int_equal(vfs_pin_window(w->pin)->base[FILE_SIZE - 1], 'f');
	vfs_unpin(w->pin);
	w->pin = NULL;
	make_sparse(w, 16 * PAGE);
	assert_int_equal(pin(w, f, 2 * PAGE, 1, VFS_READ), -EACCES); /* not initialised */
	assert_int_equal(pin(w, f, 8 * PAGE, PAGE, VFS_READ), -EACCES);
	assert_int_equal(pin(w, f, 5 * PAGE, PAGE, VFS_READ), 0);
	vfs_file_unref(f);
	vfs_share_unref(readers);
}

/* A file system of a megabyte, in a mount namespace that ends with its process. */
static int pin_where_there_is_no_room(void)
{
	const struct vfs_share_options o = {.mapped = VFS_MAPPED_YES};
	struct vfs_guard *g;
	struct vfs_share *s;
	struct vfs_file *f;
	struct vfs_stat st;
	struct vfs_pin *p;
	struct owner owner = {0};
	char path[200];

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", folder, "tmpfs", 0, "size=1m") < 0)
		return 2;
	snprintf(path, sizeof(path), "%s/large", folder);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, 4 << 20) < 0 || close(fd) < 0 || vfs_share_open(folder, &o, &s) < 0)
		return 3;
	struct vfs_open_how how = {.path = "large", .access = VFS_READ | VFS_WRITE};
	if (vfs_open(s, NULL, &how, 0, &f, &st) < 0 ||
		vfs_guard_open(folder, VFS_GUARD_EXCLUSIVE, &g, why, sizeof(why)) < 0)
		return 4;
	if (vfs_pin(g, f, 0, 4 << 20, VFS_READ | VFS_WRITE, &owner_events, &owner, &p) != -ENOSPC)
		return 5;
	if (vfs_pin(g, f, 0, 64 << 10, VFS_READ | VFS_WRITE, &owner_events, &owner, &p) != 0)
		return 6;
	vfs_unpin(p);
	vfs_file_unref(f);
	vfs_share_unref(s);
	vfs_guard_unref(g);
	vfs_guards_stop();
	return 0;
}

static void lack_of_room_is_told_by_the_pin(void **state)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(pin_where_there_is_no_room());
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 2) {
		print_message("SKIPPED: no file system can be mounted here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- the window ---- */

static void window_and_calls_reach_the_same_bytes(void **state)
{
	struct world *w = pinned(state);
	struct vfs_window *window = vfs_pin_window(w->pin);
	struct vfs_file *f = open_in(w->share, "file", VFS_READ | VFS_WRITE);
	char text[8] = "", written[] = "written";

	assert_int_equal(window->len, FILE_SIZE);
	assert_int_equal(vfs_pwrite(f, &(struct iovec){written, 7}, 1, 2 * PAGE, 0), 7);
	assert_memory_equal(window->base + 2 * PAGE, "written", 7);
	assert_int_equal(fault_copy(window->base + 3 * PAGE, "stored!", 7), 0);
	assert_int_equal(vfs_window_written(window, 3 * PAGE, 7), 0);
	assert_int_equal(vfs_window_flush(window), 0);
	assert_int_equal(vfs_pread(f, &(struct iovec){text, 7}, 1, 3 * PAGE, 0), 7);
	assert_string_equal(text, "stored!");
	int fd = open(w->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0) { /* under a lease this is an opener like others */
		assert_int_equal(pread(fd, text, 7, 3 * PAGE), 7);
		assert_string_equal(text, "stored!");
		close(fd);
	}
	vfs_file_unref(f);
}

static unsigned descriptors_of(const char *path)
{
	struct stat want, st;
	unsigned n = 0;

	assert_int_equal(stat(path, &want), 0);
	for (int fd = 0; fd < 1024; fd++)
		n += fstat(fd, &st) == 0 && st.st_ino == want.st_ino && st.st_dev == want.st_dev;
	return n;
}

static void pins_of_a_file_share_what_they_need(void **state)
{
	enum { PINS = 50 };
	struct world *w = pinned(state);
	struct vfs_file *f = open_in(w->share, "file", VFS_READ | VFS_WRITE);
	unsigned before = descriptors_of(w->path);
	struct vfs_pin *p[PINS];
	struct owner o = {0};

	for (unsigned i = 0; i < PINS; i++) {
		assert_int_equal(
			vfs_pin(w->guard, f, i * 100, 4000, VFS_READ | VFS_WRITE, &owner_events, &o, &p[i]),
			0);
		assert_ptr_equal(vfs_pin_window(p[i])->base, vfs_pin_window(w->pin)->base + i * 100);
	}
	assert_int_equal(descriptors_of(w->path), before);
	assert_int_equal(facts_of(w, false), PINS + 1);
	for (unsigned i = 0; i < PINS; i++)
		vfs_unpin(p[i]);
	assert_int_equal(facts_of(w, false), 1);
	vfs_file_unref(f);
	vfs_unpin(w->pin);
	w->pin = NULL;
	assert_int_equal(descriptors_of(w->path), 0);
}

/* ---- the guard ---- */

static void local_truncation_waits_for_the_pin(void **state)
{
	struct world *w = pinned(state);
	struct vfs_window *window = vfs_pin_window(w->pin);
	struct stat st;

	helper_tell(&w->helper, ACT_TRUNCATE, w->path, PAGE, 0);
	struct told t = next_conflict(&w->owner);
	assert_waits_in(&w->helper, waits);
	assert_true(t.offset <= PAGE);
	assert_int_equal(t.offset + t.length, FILE_SIZE);
	assert_int_equal(facts_of(w, true), 1);
	assert_int_equal(window->base[FILE_SIZE - 1], 'f');
	vfs_unpin(w->pin);
	w->pin = NULL;
	assert_int_equal(helper_answer(&w->helper), 0);
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_size, PAGE);
	assert_int_equal(facts_of(w, true), 0);
}

static void file_that_is_open_elsewhere_is_not_pinned(void **state)
{
	struct world *w = need_guard(state);
	struct vfs_file *f = open_in(w->share, "file", VFS_READ | VFS_WRITE);

	assert_int_equal(helper_do(&w->helper, ACT_OPEN, w->path, O_RDWR, 0), 0);
	assert_int_equal(pin(w, f, 0, PAGE, VFS_READ | VFS_WRITE), -EBUSY);
	assert_int_equal(facts_of(w, false), 0);
	assert_int_equal(helper_do(&w->helper, ACT_CLOSE, w->path, 0, 0), 0);
	assert_int_equal(pin(w, f, 0, PAGE, VFS_READ | VFS_WRITE), 0);
	vfs_file_unref(f);
}

/* What the server does for its other clients goes its way, and the handle that was open before is no other
 * process. */
static void own_calls_on_a_pinned_file_go_on(void **state)
{
	struct world *w = pinned(state);
	struct vfs_file *f = open_in(w->share, "file", VFS_READ | VFS_WRITE);
	char page[PAGE] = "";

	assert_int_equal(vfs_pwrite(f, &(struct iovec){page, PAGE}, 1, 0, 0), PAGE);
	assert_int_equal(vfs_pread(f, &(struct iovec){page, PAGE}, 1, 0, 0), PAGE);
	assert_int_equal(vfs_flush(f, 0), 0);
	assert_int_equal(vfs_zero_range(f, PAGE, PAGE), 0);
	assert_int_equal(vfs_truncate(f, FILE_SIZE + PAGE, 0), 0);
	assert_int_equal(count_of(&w->owner.n), 0);
	vfs_file_unref(f);
}

/* Should the guard not have reached it, the access fails, not the process. */
static void access_to_what_was_cut_off_is_an_error(void **state)
{
	struct world *w = pinned(state);
	struct vfs_file *f = open_in(w->share, "file", VFS_READ | VFS_WRITE);
	char byte;

	assert_int_equal(fault_install(), 0); /* cmocka has a handler of its own for the time of each test */
	assert_int_equal(vfs_truncate(f, PAGE, 0), 0);
	assert_int_equal(fault_copy(&byte, vfs_pin_window(w->pin)->base + 2 * PAGE, 1), -EIO);
	assert_int_equal(fault_copy(&byte, vfs_pin_window(w->pin)->base, 1), 0);
	vfs_file_unref(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(range_is_given_storage_and_keeps_its_bytes),
		CASE(the_first_store_of_each_tick_sets_the_time_of_the_file),
		CASE(what_is_cut_under_a_window_that_is_not_guarded_is_an_error_in_any_tick),
		CASE(what_leaves_a_pinned_range_to_be_flushed_is_what_the_server_has_changed),
		CASE(range_beyond_the_end_is_refused_and_the_file_does_not_grow),
		CASE(odd_ranges_are_refused),
		CASE(right_that_the_handle_lacks_is_refused),
		CASE(file_that_is_not_mapped_is_refused),
		CASE(storage_cannot_be_given_in_a_share_for_reading),
		CASE(lack_of_room_is_told_by_the_pin),
		CASE(window_and_calls_reach_the_same_bytes),
		CASE(pins_of_a_file_share_what_they_need),
		CASE(local_truncation_waits_for_the_pin),
		CASE(file_that_is_open_elsewhere_is_not_pinned),
		CASE(own_calls_on_a_pinned_file_go_on),
		CASE(access_to_what_was_cut_off_is_an_error),
		LEASE_CASE(range_is_given_storage_and_keeps_its_bytes),
		LEASE_CASE(right_that_the_handle_lacks_is_refused),
		LEASE_CASE(storage_cannot_be_given_in_a_share_for_reading),
		LEASE_CASE(window_and_calls_reach_the_same_bytes),
		LEASE_CASE(pins_of_a_file_share_what_they_need),
		LEASE_CASE(local_truncation_waits_for_the_pin),
		LEASE_CASE(file_that_is_open_elsewhere_is_not_pinned),
		LEASE_CASE(own_calls_on_a_pinned_file_go_on),
		LEASE_CASE(access_to_what_was_cut_off_is_an_error),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
