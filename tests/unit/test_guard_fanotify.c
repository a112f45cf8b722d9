/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "guard_fanotify_rig.h"

#include <sys/resource.h>

/* ---- what is held ---- */

static void change_waits_until_it_is_released(void **state, const struct change *c)
{
	struct world *w = guarded(state);

	assert_int_equal(helper_do(&w->helpers[0], ACT_OPEN, w->path, O_RDWR, 0), 0);
	expect_held(w, c);
	assert_int_equal(facts(w).held_total, 1);
	assert_int_equal(count_of(&w->owner.lost), 0);
}

#define HELD(name, ...) \
	static void name(void **state) \
	{ \
		static const struct change c = {__VA_ARGS__}; \
		change_waits_until_it_is_released(state, &c); \
	}

HELD(write_is_held, ACT_WRITE, FIRST + PAGE, 0, FIRST + PAGE, PAGE, PAGE)
HELD(write_across_the_ranges_begin_is_held, ACT_WRITE, FIRST - 100, 0, FIRST, PAGE, PAGE)
HELD(ftruncate_is_held, ACT_FTRUNCATE, FIRST + PAGE, 0, FIRST + PAGE, 3 * PAGE, 0)
HELD(truncate_is_held, ACT_TRUNCATE, 0, 0, FIRST, PAST - FIRST, 0)
HELD(truncate_within_a_page_before_is_held, ACT_TRUNCATE, 10, 0, FIRST, PAST - FIRST, 0)
HELD(ftruncate_within_a_page_before_is_held, ACT_FTRUNCATE, 10, 0, FIRST, PAST - FIRST, 0)
HELD(punched_hole_is_held, ACT_FALLOCATE, FIRST, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FIRST, PAGE, 0)
HELD(zeroed_range_is_held, ACT_FALLOCATE, FIRST, FALLOC_FL_ZERO_RANGE, FIRST, PAGE, 0)
HELD(range_that_collapses_before_is_held, ACT_FALLOCATE, 0, FALLOC_FL_COLLAPSE_RANGE, FIRST, PAST - FIRST, 0)
HELD(range_that_is_inserted_before_is_held, ACT_FALLOCATE, PAGE, FALLOC_FL_INSERT_RANGE, FIRST, PAST - FIRST,
	0)
HELD(open_that_truncates_is_held, ACT_OPEN, O_RDWR | O_TRUNC, 0, FIRST, PAST - FIRST, 0)
HELD(creat_is_held, ACT_CREAT, 0, 0, FIRST, PAST - FIRST, 0)
HELD(copy_into_it_is_held, ACT_COPY_TO, FIRST, 0, FIRST, PAST - FIRST, PAGE)
HELD(sendfile_into_it_is_held, ACT_SEND_TO, FIRST, 0, FIRST, PAST - FIRST, PAGE)

static void truncation_through_a_descriptor_from_before_is_held(void **state)
{
	struct world *w = need_guard(state);
	static const struct change c = {ACT_TRUNCATE, FIRST, 0, FIRST, PAST - FIRST, 0};

	/* One for reading is no reason to refuse the range, and sees nothing of it. */
	assert_int_equal(helper_do(&w->helpers[0], ACT_OPEN, w->path, O_RDONLY, 0), 0);
	guarded(state);
	expect_held(w, &c);
}

static void file_that_another_process_has_open_for_writing_is_refused(void **state)
{
	struct world *w = need_guard(state);

	assert_int_equal(helper_do(&w->helpers[0], ACT_OPEN, w->path, O_WRONLY, 0), 0);
	assert_int_equal(add(w, FIRST, PAGE, &w->owner, &w->range), -EBUSY);
	assert_int_equal(facts(w).ranges, 0);
	assert_int_equal(helper_do(&w->helpers[0], ACT_CLOSE, w->path, 0, 0), 0);
	assert_int_equal(add(w, FIRST, PAGE, &w->owner, &w->range), 0);
	assert_int_equal(facts(w).ranges, 1);
}

/* Once a range is guarded, those who come are seen, and are no reason to refuse the next. */
static void writer_who_came_under_guard_does_not_keep_others_out(void **state)
{
	struct world *w = guarded(state);
	struct owner other = {0};
	struct vfs_guarded *r;

	assert_int_equal(helper_do(&w->helpers[0], ACT_OPEN, w->path, O_RDWR, 0), 0);
	assert_int_equal(add(w, 0, PAGE, &other, &r), 0);
	helper_tell(&w->helpers[0], ACT_WRITE, w->path, 0, 0);
	next_conflict(&other);
	assert_waits_in(&w->helpers[0], waits);
	vfs_guard_remove(r);
	assert_int_equal(helper_answer(&w->helpers[0]), PAGE);
}

/* ---- what is not held ---- */

static void expect_passes(struct world *w, enum act act, int64_t a, int64_t b, int64_t answer)
{
	assert_int_equal(helper_do(&w->helpers[0], act, w->path, a, b), answer);
	assert_int_equal(facts(w).held_total, 0);
}

static void reading_is_not_held(void **state)
{
	struct world *w = guarded(state);

	expect_passes(w, ACT_OPEN, O_RDWR, 0, 0);
	expect_passes(w, ACT_READ, FIRST, 0, PAGE);
	expect_passes(w, ACT_MAP_READ, FIRST, 0, 0);
	expect_passes(w, ACT_MAP_WRITE, FIRST, 0, 0);
	expect_passes(w, ACT_SEND_FROM, FIRST, 0, PAGE);
	expect_passes(w, ACT_COPY_FROM, FIRST, 0, PAGE);
	expect_passes(w, ACT_CHMOD, 0, 0, 0);
	assert_int_equal(count_of(&w->owner.n), 0);
}

/* io_submit does not tell which of its process's descriptors it uses. */
static void submitted_reading_is_held_where_the_process_could_write(void **state)
{
	struct world *w = guarded(state);

	expect_passes(w, ACT_OPEN, O_RDONLY, 0, 0);
	expect_passes(w, ACT_SUBMIT_READ, FIRST, 0, PAGE);
	assert_int_equal(helper_do(&w->helpers[1], ACT_OPEN, w->path, O_RDWR, 0), 0);
	helper_tell(&w->helpers[1], ACT_SUBMIT_READ, w->path, FIRST, 0);
	struct told t = next_conflict(&w->owner);
	assert_waits_in(&w->helpers[1], waits);
	assert_int_equal(t.length, PAST - FIRST);
	vfs_guard_release(t.token);
	assert_int_equal(helper_answer(&w->helpers[1]), PAGE);
}

static void what_lies_beside_is_not_held(void **state)
{
	struct world *w = guarded(state);

	expect_passes(w, ACT_OPEN, O_RDWR, 0, 0);
	expect_passes(w, ACT_WRITE, 0, 0, PAGE);
	expect_passes(w, ACT_WRITE, FIRST - PAGE, 0, PAGE);
	expect_passes(w, ACT_WRITE, PAST, 0, PAGE);
	expect_passes(w, ACT_FALLOCATE, PAST, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0);
	expect_passes(w, ACT_FTRUNCATE, FILE_SIZE * 2, 0, 0);
	expect_passes(w, ACT_TRUNCATE, PAST, 0, 0);
}

static void what_this_process_does_is_not_held(void **state)
{
	struct world *w = guarded(state);
	char page[PAGE] = "";
	int fd = open(w->path, O_RDWR | O_CLOEXEC);

	assert_int_equal(pwrite(fd, page, PAGE, FIRST), PAGE);
	assert_int_equal(pread(fd, page, PAGE, FIRST), PAGE);
	assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FIRST, PAGE), 0);
	assert_int_equal(ftruncate(fd, FIRST), 0);
	close(fd);
	fd = open(w->path, O_RDWR | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(facts(w).held_total, 0);
	assert_int_equal(count_of(&w->owner.n), 0);
}

static void name_that_goes_is_told_and_not_held(void **state, enum act act)
{
	struct world *w = guarded(state);
	char page[PAGE];

	assert_int_equal(helper_do(&w->helpers[0], act, w->path, 0, 0), 0);
	wait_until_above(&w->owner.unnamed, 0, "the name");
	assert_int_equal(pread(w->fd, page, PAGE, FIRST), PAGE);
	assert_int_equal(page[0], 'f');
	assert_int_equal(facts(w).held_total, 0);
	assert_int_equal(count_of(&w->owner.unnamed), 1);
}

static void unlink_is_told(void **state)
{
	name_that_goes_is_told_and_not_held(state, ACT_UNLINK);
}

static void rename_over_it_is_told(void **state)
{
	name_that_goes_is_told_and_not_held(state, ACT_RENAME_OVER);
}

static void file_with_another_name_left_is_not_unnamed(void **state)
{
	struct world *w = guarded(state);
	char second[256];

	snprintf(second, sizeof(second), "%s.second", w->path);
	assert_int_equal(link(w->path, second), 0);
	assert_int_equal(helper_do(&w->helpers[0], ACT_UNLINK, w->path, 0, 0), 0);
	assert_int_equal(helper_do(&w->helpers[0], ACT_CHMOD, second, 0, 0), 0);
	assert_int_equal(helper_do(&w->helpers[0], ACT_UNLINK, second, 0, 0), 0);
	wait_until_above(&w->owner.unnamed, 0, "the name");
	assert_int_equal(count_of(&w->owner.unnamed), 1);
}

/* ---- several ---- */

static void many_wait_at_once_and_go_on_each_at_its_time(void **state)
{
	struct world *w = guarded(state);
	struct told t[HELPERS];

	for (size_t i = 0; i < HELPERS; i++) {
		assert_int_equal(helper_do(&w->helpers[i], ACT_OPEN, w->path, O_RDWR, 0), 0);
		helper_tell(&w->helpers[i], ACT_WRITE, w->path, FIRST + (int64_t)i * PAGE, 0);
		t[i] = next_conflict(&w->owner);
		assert_int_equal(t[i].offset, FIRST + i * PAGE);
	}
	assert_int_equal(facts(w).held, HELPERS);
	for (size_t i = HELPERS; i-- > 0;) {
		for (size_t k = 0; k <= i; k++)
			assert_waits_in(&w->helpers[k], waits);
		vfs_guard_release(t[i].token);
		assert_int_equal(helper_answer(&w->helpers[i]), PAGE);
	}
	assert_int_equal(facts(w).held_total, HELPERS);
}

static void change_of_two_ranges_waits_for_both(void **state)
{
	struct world *w = guarded(state);
	struct owner other = {0};
	struct vfs_guarded *r;

	assert_int_equal(add(w, PAST, PAGE, &other, &r), 0);
	helper_tell(&w->helpers[0], ACT_TRUNCATE, w->path, 0, 0);
	struct told a = next_conflict(&w->owner), b = next_conflict(&other);
	assert_true(a.token != b.token);
	assert_int_equal(b.offset, PAST);
	assert_int_equal(b.length, PAGE);
	assert_int_equal(facts(w).held, 1);
	vfs_guard_release(a.token);
	vfs_guard_release(a.token); /* not known any more */
	assert_waits_in(&w->helpers[0], waits);
	assert_int_equal(facts(w).held, 1);
	vfs_guard_remove(r);
	assert_int_equal(helper_answer(&w->helpers[0]), 0);
}

static void range_that_goes_lets_go_what_waited_for_it(void **state)
{
	struct world *w = guarded(state);

	helper_tell(&w->helpers[0], ACT_TRUNCATE, w->path, 0, 0);
	next_conflict(&w->owner);
	assert_waits_in(&w->helpers[0], waits);
	vfs_guard_remove(w->range);
	w->range = NULL;
	assert_int_equal(helper_answer(&w->helpers[0]), 0);
	assert_int_equal(facts(w).ranges, 0);
	assert_int_equal(helper_do(&w->helpers[1], ACT_TRUNCATE, w->path, 1, 0), 0);
}

static void range_that_a_change_waits_for_cannot_be_guarded_again(void **state)
{
	struct world *w = guarded(state);
	struct owner other = {0};
	struct vfs_guarded *r;

	assert_int_equal(helper_do(&w->helpers[0], ACT_OPEN, w->path, O_RDWR, 0), 0);
	helper_tell(&w->helpers[0], ACT_WRITE, w->path, FIRST, 0);
	struct told t = next_conflict(&w->owner);
	assert_int_equal(add(w, FIRST, PAGE, &other, &r), -EBUSY);
	assert_int_equal(add(w, FIRST + PAGE, PAGE, &other, &r), 0);
	vfs_guard_remove(r);
	vfs_guard_release(t.token);
	assert_int_equal(helper_answer(&w->helpers[0]), PAGE);
	assert_int_equal(add(w, FIRST, PAGE, &other, &r), 0);
	vfs_guard_remove(r);
}

static void nothing_is_told_before_the_range_is_armed_but_all_is_held(void **state)
{
	struct world *w = need_guard(state);

	assert_int_equal(
		vfs_guard_add(w->guard, w->fd, FIRST, PAGE, VFS_READ, &owner_events, &w->owner, &w->range),
		0);
	helper_tell(&w->helpers[0], ACT_TRUNCATE, w->path, 0, 0);
	assert_waits_in(&w->helpers[0], waits);
	/* The thread takes events in their order: when it has seen the second, it has had the first. */
	assert_int_equal(helper_do(&w->helpers[1], ACT_OPEN, w->path, O_RDONLY, 0), 0);
	assert_int_equal(count_of(&w->owner.n), 0);
	vfs_guard_arm(w->range);
	vfs_guard_release(next_conflict(&w->owner).token);
	assert_int_equal(helper_answer(&w->helpers[0]), 0);
}

static void need_descriptors(rlim_t n)
{
	struct rlimit r;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	if (r.rlim_cur >= n)
		return;
	r.rlim_cur = r.rlim_max;
	if (r.rlim_max < n || setrlimit(RLIMIT_NOFILE, &r) < 0) {
		print_message("SKIPPED: %lu descriptors are not enough\n", (unsigned long)r.rlim_max);
		skip();
	}
}

/* Each costs the server a descriptor. What is too much fails, and changes nothing. */
static void more_than_can_be_held_is_refused(void **state)
{
	enum { HELD_MOST = 1024 };
	struct world *w = guarded(state);

	need_descriptors(2 * HELD_MOST);
	struct look *before = malloc(sizeof(*before));

	look_at(w, before);
	helper_tell(&w->helpers[0], ACT_CROWD, w->path, HELD_MOST, 0);
	wait_until_above(&w->owner.n, HELD_MOST - 1, "all that wait");
	assert_int_equal(helper_do(&w->helpers[1], ACT_TRUNCATE, w->path, 0, 0), -EPERM);
	assert_false(has_changed(w, before));
	assert_int_equal(facts(w).held, HELD_MOST);
	assert_int_equal(helper_do(&w->helpers[1], ACT_OPEN, w->path, O_RDONLY, 0), 0);
	assert_int_equal(helper_do(&w->helpers[1], ACT_READ, w->path, FIRST, 0), PAGE);
	vfs_guard_remove(w->range);
	w->range = NULL;
	assert_int_equal(helper_answer(&w->helpers[0]), 0);
	free(before);
}

static void killed_waiter_leaves_nothing_behind(void **state)
{
	struct world *w = guarded(state);

	helper_tell(&w->helpers[0], ACT_TRUNCATE, w->path, 0, 0);
	struct told t = next_conflict(&w->owner);
	assert_waits_in(&w->helpers[0], waits);
	kill(w->helpers[0].pid, SIGKILL);
	assert_int_equal(waitpid(w->helpers[0].pid, NULL, 0), w->helpers[0].pid);
	vfs_guard_release(t.token);
	assert_int_equal(facts(w).held, 0);
	w->helpers[0].pid = 0;
	close(w->helpers[0].orders);
	close(w->helpers[0].answers);
	w->helpers[0] = helper_start();
	helper_tell(&w->helpers[1], ACT_TRUNCATE, w->path, 0, 0);
	vfs_guard_release(next_conflict(&w->owner).token);
	assert_int_equal(helper_answer(&w->helpers[1]), 0);
}

/* ---- callbacks ---- */

struct leaver {
	struct vfs_guarded *range;
	unsigned told;
};

static void remove_in_callback(void *arg, uint64_t offset, uint64_t length, uint64_t token)
{
	struct leaver *l = arg;

	pthread_mutex_lock(&owners_lock);
	struct vfs_guarded *r = l->range;
	pthread_mutex_unlock(&owners_lock);
	vfs_guard_remove(r);
	pthread_mutex_lock(&owners_lock);
	l->told++;
	pthread_cond_broadcast(&owners_told);
	pthread_mutex_unlock(&owners_lock);
}

static void callback_may_remove_its_range(void **state)
{
	static const struct vfs_guard_events leaving = {remove_in_callback, on_lost, NULL};
	struct world *w = need_guard(state);
	struct leaver l = {0};

	assert_int_equal(vfs_guard_add(w->guard, w->fd, 0, PAGE, VFS_READ, &leaving, &l, &l.range), 0);
	vfs_guard_arm(l.range);
	helper_tell(&w->helpers[0], ACT_TRUNCATE, w->path, 0, 0);
	assert_int_equal(helper_answer(&w->helpers[0]), 0);
	wait_until_above(&l.told, 0, "the conflict");
	assert_int_equal(facts(w).ranges, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(write_is_held),
		CASE(write_across_the_ranges_begin_is_held),
		CASE(ftruncate_is_held),
		CASE(truncate_is_held),
		CASE(truncate_within_a_page_before_is_held),
		CASE(ftruncate_within_a_page_before_is_held),
		CASE(punched_hole_is_held),
		CASE(zeroed_range_is_held),
		CASE(range_that_collapses_before_is_held),
		CASE(range_that_is_inserted_before_is_held),
		CASE(open_that_truncates_is_held),
		CASE(creat_is_held),
		CASE(copy_into_it_is_held),
		CASE(sendfile_into_it_is_held),
		CASE(truncation_through_a_descriptor_from_before_is_held),
		CASE(file_that_another_process_has_open_for_writing_is_refused),
		CASE(writer_who_came_under_guard_does_not_keep_others_out),
		CASE(reading_is_not_held),
		CASE(submitted_reading_is_held_where_the_process_could_write),
		CASE(what_lies_beside_is_not_held),
		CASE(what_this_process_does_is_not_held),
		CASE(unlink_is_told),
		CASE(rename_over_it_is_told),
		CASE(file_with_another_name_left_is_not_unnamed),
		CASE(many_wait_at_once_and_go_on_each_at_its_time),
		CASE(change_of_two_ranges_waits_for_both),
		CASE(range_that_goes_lets_go_what_waited_for_it),
		CASE(range_that_a_change_waits_for_cannot_be_guarded_again),
		CASE(nothing_is_told_before_the_range_is_armed_but_all_is_held),
		CASE(more_than_can_be_held_is_refused),
		CASE(killed_waiter_leaves_nothing_behind),
		CASE(callback_may_remove_its_range),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
