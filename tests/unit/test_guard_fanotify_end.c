/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "guard_fanotify_rig.h"

#include <stdatomic.h>
#include <sys/fanotify.h>
#include <sys/syscall.h>

/*
 * The limit of the group's queue is taken away by FAN_UNLIMITED_QUEUE, and its events stand for threads that
 * wait. To overflow it nevertheless, one case has both otherwise: these functions take the place of the C
 * library's.
 */
static unsigned drop_init_flags;
static uint64_t add_mask;

int fanotify_init(unsigned flags, unsigned event_flags)
{
	return (int)syscall(SYS_fanotify_init, flags & ~drop_init_flags, event_flags);
}

int fanotify_mark(int fd, unsigned flags, uint64_t mask, int dir, const char *path)
{
	return (int)syscall(
		SYS_fanotify_mark, fd, flags, mask | (flags & FAN_MARK_ONLYDIR ? 0 : add_mask), dir, path);
}

static void guards_that_stop_let_all_go_and_tell(void **state)
{
	struct world *w = guarded(state);

	helper_tell(&w->helpers[0], ACT_TRUNCATE, w->path, 0, 0);
	next_conflict(&w->owner);
	assert_waits_in(&w->helpers[0], waits);
	vfs_guards_stop();
	assert_int_equal(helper_answer(&w->helpers[0]), 0);
	assert_int_equal(count_of(&w->owner.lost), 1);
	assert_int_equal(facts(w).held, 0);
	assert_int_equal(facts(w).lost, 1);
}

static void guards_begin_again_after_they_stopped(void **state)
{
	struct world *w = guarded(state);
	static const struct change c = {ACT_TRUNCATE, FIRST, 0, FIRST, PAST - FIRST, 0};

	vfs_guard_remove(w->range);
	w->range = NULL;
	vfs_guards_stop();
	guarded(state);
	expect_held(w, &c);
}

/* The descriptor of the group, found by its name in /proc. */
static int find_group(void)
{
	char path[64], link[64];

	for (int fd = 0; fd < 1024; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, link, sizeof(link) - 1);
		link[n < 0 ? 0 : n] = '\0';
		if (strcmp(link, "anon_inode:[fanotify]") == 0)
			return fd;
	}
	return -1;
}

static void descriptor_that_fails_is_noticed(void **state)
{
	struct world *w = guarded(state);
	struct owner other = {0};
	struct vfs_guarded *r;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), group = find_group();

	assert_int_equal(add(w, 0, PAGE, &other, &r), 0);
	assert_true(group >= 0);
	assert_int_equal(dup3(null, group, O_CLOEXEC), group);
	close(null);
	/* The thread polls the old descriptor until something wakes it. */
	vfs_guard_arm(w->range);
	helper_do(&w->helpers[0], ACT_UNLINK, w->path, 0, 0);
	wait_until_above(&w->owner.lost, 0, "the loss");
	wait_until_above(&other.lost, 0, "the loss");
	assert_int_equal(count_of(&w->owner.lost), 1);
	assert_int_equal(facts(w).lost, 2);
	struct vfs_guarded *again;
	assert_int_equal(add(w, 0, PAGE, &other, &again), -EBUSY); /* until those that are lost are gone */
	vfs_guard_remove(r);
}

static atomic_bool hold_thread;

static void block_in_callback(void *arg, uint64_t offset, uint64_t length, uint64_t token)
{
	on_conflict(arg, offset, length, token);
	while (atomic_load(&hold_thread))
		usleep(1000);
}

/* Through a descriptor from before the watch, so that nobody is asked first. */
static void *read_one(void *arg)
{
	struct world *w = arg;
	char c;

	return pread(w->fd, &c, 1, 0) == 1 ? NULL : w;
}

/* Threads that each leave an event: those of one thread would be merged. */
static void leave_events(struct world *w, unsigned n)
{
	pthread_t t;

	while (n-- > 0) {
		assert_int_equal(pthread_create(&t, NULL, read_one, w), 0);
		pthread_join(t, NULL);
	}
}

static unsigned queue_limit(void)
{
	unsigned n = 0;
	FILE *f = fopen("/proc/sys/fs/fanotify/max_queued_events", "re");

	if (f && fscanf(f, "%u", &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	return n;
}

/* A group with a limit and with events that nobody waits for. */
static int setup_for_overflow(void **state)
{
	drop_init_flags = FAN_UNLIMITED_QUEUE;
	add_mask = FAN_ACCESS;
	return setup(state);
}

static int teardown_of_overflow(void **state)
{
	int rc = teardown(state);

	drop_init_flags = 0;
	add_mask = 0;
	return rc;
}

static void queue_that_overflows_is_noticed(void **state)
{
	static const struct vfs_guard_events blocking = {block_in_callback, on_lost, NULL};
	struct world *w = need_guard(state);
	unsigned limit = queue_limit();

	if (!limit || limit > 20000) {
		print_message("SKIPPED: a queue of %u events is not overflowed here\n", limit);
		skip();
	}
	atomic_store(&hold_thread, true);
	assert_int_equal(
		vfs_guard_add(w->guard, w->fd, FIRST, PAGE, VFS_READ, &blocking, &w->owner, &w->range), 0);
	vfs_guard_arm(w->range);
	helper_tell(&w->helpers[0], ACT_TRUNCATE, w->path, 0, 0);
	struct told t = next_conflict(&w->owner);
	leave_events(w, limit + 1);
	atomic_store(&hold_thread, false);
	wait_until_above(&w->owner.lost, 0, "the loss");
	assert_non_null(strstr(w->owner.reason, "overflow"));
	assert_waits_in(&w->helpers[0], waits); /* what was held stays held */
	vfs_guard_release(t.token);
	assert_int_equal(helper_answer(&w->helpers[0]), 0);
	assert_int_equal(count_of(&w->owner.lost), 1);
}

/* ---- many at a time ---- */

static void release_in_callback(void *arg, uint64_t offset, uint64_t length, uint64_t token)
{
	vfs_guard_release(token);
}

enum { ROUNDS = 200, FILES = 2 };

struct changer {
	struct world *w;
	char *path;
	int fd, failures;
};

static void *guard_over_and_over(void *arg)
{
	static const struct vfs_guard_events letting = {release_in_callback, on_lost, NULL};
	struct changer *c = arg;
	struct owner nobody = {0};

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct vfs_guarded *r[4];
		for (unsigned k = 0; k < ARRAY_SIZE(r); k++) {
			int rc = vfs_guard_add(
				c->w->guard, c->fd, k * PAGE, 2 * PAGE, VFS_READ, &letting, &nobody, &r[k]);
			if (rc < 0)
				r[k] = NULL;
			else
				vfs_guard_arm(r[k]);
			c->failures += rc < 0 && rc != -EBUSY;
		}
		for (unsigned k = 0; k < ARRAY_SIZE(r); k++)
			vfs_guard_remove(r[k]);
	}
	return NULL;
}

static void two_files_many_ranges_and_writers_at_once(void **state)
{
	struct world *w = need_guard(state);
	char second[200];
	struct changer c[FILES * 2];
	pthread_t t[FILES * 2];
	unsigned writes = 0;

	make_file("second", second, sizeof(second));
	int fds[FILES] = {w->fd, open(second, O_RDWR | O_CLOEXEC)};
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		c[i] = (struct changer){w, i % FILES ? second : w->path, fds[i % FILES], 0};
		assert_int_equal(pthread_create(&t[i], NULL, guard_over_and_over, &c[i]), 0);
	}
	for (unsigned i = 0; i < 100; i++)
		for (size_t k = 0; k < HELPERS; k++) {
			char *path = k % FILES ? second : w->path;
			writes += helper_do(&w->helpers[k], ACT_TRUNCATE, path, FILE_SIZE - (i % 2), 0) == 0;
			writes += helper_do(&w->helpers[k], ACT_TRUNCATE, path, PAGE * (i % 4), 0) == 0;
		}
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(c[i].failures, 0);
	}
	assert_int_equal(writes, 2 * 100 * HELPERS);
	assert_int_equal(facts(w).ranges, 0);
	assert_int_equal(facts(w).held, 0);
	close(fds[1]);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(guards_that_stop_let_all_go_and_tell),
		CASE(guards_begin_again_after_they_stopped),
		CASE(descriptor_that_fails_is_noticed),
		cmocka_unit_test_setup_teardown(
			queue_that_overflows_is_noticed, setup_for_overflow, teardown_of_overflow),
		CASE(two_files_many_ranges_and_writers_at_once),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
