/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "guard_rig.h"

#include <sys/resource.h>

enum { HELPERS = 2 };

static const char waits[] = "break_lease";

struct world {
	struct helper helpers[HELPERS];
	struct vfs_guard *guard;
	char path[200];
	int fd;
	struct owner owner;
	struct vfs_guarded *range;
};

static char no_guard[200]; /* why */

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	*state = w;
	for (size_t i = 0; i < HELPERS; i++)
		w->helpers[i] = helper_start();
	make_folder("guard_lease");
	make_file("file", w->path, sizeof(w->path));
	w->fd = open(w->path, O_RDWR | O_CLOEXEC);
	vfs_guard_open(folder, VFS_GUARD_LEASE, &w->guard, no_guard, sizeof(no_guard));
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	vfs_guard_remove(w->range);
	vfs_guards_stop();
	vfs_guard_unref(w->guard);
	for (size_t i = 0; i < HELPERS; i++)
		helper_end(&w->helpers[i]);
	close(w->fd);
	remove_folder();
	free(w);
	return 0;
}

static struct world *need_guard(void **state)
{
	struct world *w = *state;

	if (!w->guard) {
		print_message("SKIPPED: no lease guard here: %s\n", no_guard);
		skip();
	}
	return w;
}

static int add(struct world *w, uint64_t offset, unsigned access, struct owner *o, struct vfs_guarded **out)
{
	int rc = vfs_guard_add(w->guard, w->fd, offset, PAGE, access, &owner_events, o, out);

	if (rc == 0)
		vfs_guard_arm(*out);
	return rc;
}

static struct world *guarded(void **state)
{
	struct world *w = need_guard(state);

	assert_int_equal(add(w, PAGE, VFS_READ | VFS_WRITE, &w->owner, &w->range), 0);
	return w;
}

/* For reading only, and so is its descriptor. */
static struct world *guarded_for_reading(void **state)
{
	struct world *w = need_guard(state);

	close(w->fd);
	w->fd = open(w->path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(add(w, PAGE, VFS_READ, &w->owner, &w->range), 0);
	return w;
}

static struct vfs_guard_facts facts(struct world *w)
{
	struct vfs_guard_facts f;

	vfs_guard_facts(w->guard, &f);
	return f;
}

static off_t size_of(const struct world *w)
{
	struct stat st;

	assert_int_equal(fstat(w->fd, &st), 0);
	return st.st_size;
}

static void end_range(struct world *w)
{
	vfs_guard_remove(w->range);
	w->range = NULL;
}

static void expect_held(struct world *w, enum act act, int64_t a, off_t size_afterwards)
{
	const struct helper *h = &w->helpers[0];

	helper_tell(h, act, w->path, a, 0);
	struct told t = next_conflict(&w->owner);
	assert_waits_in(h, waits);
	assert_int_equal(t.offset, PAGE);
	assert_int_equal(t.length, PAGE);
	assert_int_equal(size_of(w), FILE_SIZE);
	assert_int_equal(facts(w).held, 1);
	end_range(w);
	assert_int_equal(helper_answer(h), 0);
	assert_int_equal(size_of(w), size_afterwards);
	assert_int_equal(facts(w).held, 0);
	assert_int_equal(facts(w).held_total, 1);
	assert_int_equal(count_of(&w->owner.lost), 0);
}

static void open_for_writing_is_held(void **state)
{
	expect_held(guarded(state), ACT_OPEN, O_WRONLY, FILE_SIZE);
}

static void open_that_truncates_is_held(void **state)
{
	expect_held(guarded(state), ACT_OPEN, O_RDWR | O_TRUNC, 0);
}

static void truncate_is_held(void **state)
{
	expect_held(guarded(state), ACT_TRUNCATE, 5, 5);
}

static void open_for_reading_is_held_where_the_server_may_write(void **state)
{
	expect_held(guarded(state), ACT_OPEN, O_RDONLY, FILE_SIZE);
}

static void reader_passes_where_the_server_only_reads(void **state)
{
	struct world *w = guarded_for_reading(state);

	assert_int_equal(helper_do(&w->helpers[1], ACT_OPEN, w->path, O_RDONLY, 0), 0);
	assert_int_equal(facts(w).held_total, 0);
	expect_held(w, ACT_OPEN, O_WRONLY, FILE_SIZE);
}

static void truncation_is_held_where_the_server_only_reads(void **state)
{
	expect_held(guarded_for_reading(state), ACT_TRUNCATE, 0, 0);
}

static void opener_that_does_not_wait_is_refused_and_told(void **state)
{
	struct world *w = guarded(state);

	assert_int_equal(helper_do(&w->helpers[0], ACT_OPEN, w->path, O_RDWR | O_NONBLOCK, 0), -EAGAIN);
	next_conflict(&w->owner);
	end_range(w);
	assert_int_equal(helper_do(&w->helpers[0], ACT_OPEN, w->path, O_RDWR | O_NONBLOCK, 0), 0);
}

static void range_for_writing_needs_a_descriptor_for_writing(void **state)
{
	struct world *w = guarded_for_reading(state);
	struct owner other = {0};
	struct vfs_guarded *r;

	assert_int_equal(add(w, 0, VFS_READ | VFS_WRITE, &other, &r), -EBADF);
	assert_int_equal(facts(w).ranges, 1);
}

static void file_that_is_open_elsewhere_is_refused(void **state)
{
	struct world *w = need_guard(state);

	assert_int_equal(helper_do(&w->helpers[0], ACT_OPEN, w->path, O_RDONLY, 0), 0);
	assert_int_equal(add(w, 0, VFS_READ | VFS_WRITE, &w->owner, &w->range), -EBUSY);
	assert_int_equal(facts(w).ranges, 0);
	assert_int_equal(helper_do(&w->helpers[0], ACT_CLOSE, w->path, 0, 0), 0);
	assert_int_equal(add(w, 0, VFS_READ | VFS_WRITE, &w->owner, &w->range), 0);
}

static void change_waits_for_every_range_and_then_another_is_refused(void **state)
{
	struct world *w = guarded(state);
	struct owner other = {0}, third = {0};
	struct vfs_guarded *r, *more;

	assert_int_equal(add(w, 5 * PAGE, VFS_READ, &other, &r), 0);
	assert_int_equal(facts(w).ranges, 2);
	helper_tell(&w->helpers[0], ACT_OPEN, w->path, O_RDWR, 0);
	next_conflict(&w->owner);
	assert_int_equal(next_conflict(&other).offset, 5 * PAGE);
	assert_int_equal(facts(w).held, 1);
	assert_int_equal(add(w, 9 * PAGE, VFS_READ, &third, &more), -EBUSY);
	vfs_guard_remove(r);
	assert_waits_in(&w->helpers[0], waits);
	end_range(w);
	assert_int_equal(helper_answer(&w->helpers[0]), 0);
}

static void two_processes_wait_and_go_on_together(void **state)
{
	struct world *w = guarded(state);

	for (size_t i = 0; i < HELPERS; i++)
		helper_tell(&w->helpers[i], ACT_OPEN, w->path, O_RDWR, 0);
	next_conflict(&w->owner);
	for (size_t i = 0; i < HELPERS; i++)
		assert_waits_in(&w->helpers[i], waits);
	end_range(w);
	for (size_t i = 0; i < HELPERS; i++)
		assert_int_equal(helper_answer(&w->helpers[i]), 0);
}

static void range_that_stays_when_the_change_goes_on_is_lost(void **state)
{
	struct world *w = guarded(state);

	helper_tell(&w->helpers[0], ACT_OPEN, w->path, O_RDWR, 0);
	struct told t = next_conflict(&w->owner);
	vfs_guard_release(t.token);
	assert_int_equal(helper_answer(&w->helpers[0]), 0);
	wait_until_above(&w->owner.lost, 0, "the loss");
	vfs_guard_release(t.token);
	assert_int_equal(helper_do(&w->helpers[0], ACT_WRITE, w->path, PAGE, 0), PAGE);
	assert_int_equal(count_of(&w->owner.lost), 1);
	assert_int_equal(facts(w).lost, 1);
}

/* Without room for queued signals the kernel sends SIGIO, which says nothing and would end the process. */
static void break_is_told_when_signals_cannot_be_queued(void **state)
{
	struct world *w = guarded(state);
	struct rlimit before, none;

	assert_int_equal(getrlimit(RLIMIT_SIGPENDING, &before), 0);
	none = (struct rlimit){0, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_SIGPENDING, &none), 0);
	helper_tell(&w->helpers[0], ACT_OPEN, w->path, O_RDWR, 0);
	next_conflict(&w->owner);
	assert_int_equal(setrlimit(RLIMIT_SIGPENDING, &before), 0);
	assert_waits_in(&w->helpers[0], waits);
	end_range(w);
	assert_int_equal(helper_answer(&w->helpers[0]), 0);
}

static unsigned break_time(void)
{
	unsigned n = 0;
	FILE *f = fopen("/proc/sys/fs/lease-break-time", "re");

	if (f && fscanf(f, "%u", &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	return n;
}

static void lease_that_the_kernel_takes_away_is_lost_before(void **state)
{
	enum { SECONDS_MOST = 10 };
	struct world *w = need_guard(state);
	unsigned seconds = break_time();

	/* It belongs to the whole system; tests/vm has a system of its own. */
	if (!seconds || seconds > SECONDS_MOST) {
		print_message("SKIPPED: the kernel takes leases away after %u s here\n", seconds);
		skip();
	}
	guarded(state);
	helper_tell(&w->helpers[0], ACT_OPEN, w->path, O_RDWR, 0);
	next_conflict(&w->owner);
	wait_until_above(&w->owner.lost, 0, "the loss");
	assert_waits_in(&w->helpers[0], waits); /* not taken away yet */
	assert_int_equal(helper_answer(&w->helpers[0]), 0);
	assert_int_equal(count_of(&w->owner.lost), 1);
	struct owner other = {0};
	struct vfs_guarded *r;
	assert_int_equal(add(w, 0, VFS_READ, &other, &r), -EBUSY);
	end_range(w);
	assert_int_equal(facts(w).held, 0);
}

static void unlink_is_told_and_not_held(void **state)
{
	struct world *w = guarded(state);

	assert_int_equal(helper_do(&w->helpers[0], ACT_UNLINK, w->path, 0, 0), 0);
	wait_until_above(&w->owner.unnamed, 0, "the name");
	assert_int_equal(facts(w).held_total, 0);
}

static void guards_that_stop_let_all_go_and_tell(void **state)
{
	struct world *w = guarded(state);

	helper_tell(&w->helpers[0], ACT_OPEN, w->path, O_RDWR, 0);
	next_conflict(&w->owner);
	assert_waits_in(&w->helpers[0], waits);
	vfs_guards_stop();
	assert_int_equal(helper_answer(&w->helpers[0]), 0);
	assert_int_equal(count_of(&w->owner.lost), 1);
	assert_int_equal(facts(w).held, 0);
}

static void lease_of_one_file_leaves_others_alone(void **state)
{
	struct world *w = guarded(state);
	struct owner other = {0};
	struct vfs_guarded *r;
	char second[200];

	make_file("second", second, sizeof(second));
	int fd = open(second, O_RDWR | O_CLOEXEC);
	assert_int_equal(vfs_guard_add(w->guard, fd, 0, PAGE, VFS_READ, &owner_events, &other, &r), 0);
	vfs_guard_arm(r);
	close(fd); /* the guard has its own */
	helper_tell(&w->helpers[0], ACT_TRUNCATE, second, 0, 0);
	next_conflict(&other);
	assert_int_equal(count_of(&w->owner.n), 0);
	helper_tell(&w->helpers[1], ACT_TRUNCATE, w->path, 0, 0);
	next_conflict(&w->owner);
	assert_int_equal(facts(w).held, 2);
	vfs_guard_remove(r);
	assert_int_equal(helper_answer(&w->helpers[0]), 0);
	assert_waits_in(&w->helpers[1], waits);
	end_range(w);
	assert_int_equal(helper_answer(&w->helpers[1]), 0);
}

static void range_over_and_over_and_an_opener_at_once(void **state)
{
	struct world *w = need_guard(state);
	unsigned added = 0;

	for (unsigned i = 0; i < 300; i++) {
		struct owner o = {0};
		struct vfs_guarded *r;
		helper_tell(&w->helpers[0], ACT_TRUNCATE, w->path, FILE_SIZE, 0);
		int rc = add(w, 0, VFS_READ, &o, &r);
		assert_true(rc == 0 || rc == -EBUSY); /* it is truncating right now */
		if (rc == 0)
			vfs_guard_remove(r);
		added += rc == 0;
		assert_int_equal(helper_answer(&w->helpers[0]), 0);
	}
	assert_true(added > 0);
	assert_int_equal(facts(w).ranges, 0);
	assert_int_equal(facts(w).held, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(open_for_writing_is_held),
		CASE(open_that_truncates_is_held),
		CASE(truncate_is_held),
		CASE(open_for_reading_is_held_where_the_server_may_write),
		CASE(reader_passes_where_the_server_only_reads),
		CASE(truncation_is_held_where_the_server_only_reads),
		CASE(opener_that_does_not_wait_is_refused_and_told),
		CASE(range_for_writing_needs_a_descriptor_for_writing),
		CASE(file_that_is_open_elsewhere_is_refused),
		CASE(change_waits_for_every_range_and_then_another_is_refused),
		CASE(two_processes_wait_and_go_on_together),
		CASE(range_that_stays_when_the_change_goes_on_is_lost),
		CASE(break_is_told_when_signals_cannot_be_queued),
		CASE(lease_that_the_kernel_takes_away_is_lost_before),
		CASE(unlink_is_told_and_not_held),
		CASE(guards_that_stop_let_all_go_and_tell),
		CASE(lease_of_one_file_leaves_others_alone),
		CASE(range_over_and_over_and_an_opener_at_once),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
