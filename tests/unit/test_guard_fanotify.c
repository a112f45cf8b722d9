/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "guard_rig.h"

#include <stdatomic.h>
#include <sys/fanotify.h>
#include <sys/syscall.h>

/*
 * The limit of the group's queue is taken away by FAN_UNLIMITED_QUEUE, and its events stand for threads that wait. To overflow
 * it nevertheless, one case has both otherwise: these functions take the place of the C library's.
 */
static unsigned drop_init_flags;
static uint64_t add_mask;

int fanotify_init(unsigned flags, unsigned event_flags)
{
	return (int)syscall(SYS_fanotify_init, flags & ~drop_init_flags, event_flags);
}

int fanotify_mark(int fd, unsigned flags, uint64_t mask, int dir, const char *path)
{
	return (int)syscall(SYS_fanotify_mark, fd, flags, mask | (flags & FAN_MARK_ONLYDIR ? 0 : add_mask), dir, path);
}

enum { HELPERS = 3, FIRST = 4 * PAGE, PAST = 8 * PAGE }; /* the range that is guarded */

static const char waits[] = "fanotify";

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
	make_folder("guard_fanotify");
	make_file("file", w->path, sizeof(w->path));
	w->fd = open(w->path, O_RDWR | O_CLOEXEC);
	vfs_guard_open(folder, VFS_GUARD_FANOTIFY, &w->guard, no_guard, sizeof(no_guard));
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
		print_message("SKIPPED: no fanotify guard here: %s\n", no_guard);
		skip();
	}
	return w;
}

static int add(struct world *w, uint64_t offset, uint64_t len, struct owner *o, struct vfs_guarded **out)
{
	int rc = vfs_guard_add(w->guard, w->fd, offset, len, VFS_READ | VFS_WRITE, &owner_events, o, out);

	if (rc == 0)
		vfs_guard_arm(*out);
	return rc;
}

/* With its range guarded. */
static struct world *guarded(void **state)
{
	struct world *w = need_guard(state);

	assert_int_equal(add(w, FIRST, PAST - FIRST, &w->owner, &w->range), 0);
	return w;
}

static struct vfs_guard_facts facts(struct world *w)
{
	struct vfs_guard_facts f;

	vfs_guard_facts(w->guard, &f);
	return f;
}

/* Size, storage and text of the file: what an effect would change. */
struct look {
	off_t size;
	blkcnt_t blocks;
	char text[FILE_SIZE];
};

static void look_at(const struct world *w, struct look *l)
{
	struct stat st;

	memset(l, 0, sizeof(*l));
	assert_int_equal(fstat(w->fd, &st), 0);
	l->size = st.st_size;
	l->blocks = st.st_blocks;
	assert_true(pread(w->fd, l->text, sizeof(l->text), 0) >= 0);
}

static bool has_changed(const struct world *w, const struct look *before)
{
	static struct look now;

	look_at(w, &now);
	return now.size != before->size || now.blocks != before->blocks || memcmp(now.text, before->text, FILE_SIZE);
}

/* ---- what is held ---- */

struct change {
	enum act act;
	int64_t a, b;
	uint64_t offset, length; /* that are told */
	int64_t answer;
};

static void expect_held(struct world *w, const struct change *c)
{
	const struct helper *h = &w->helpers[0];
	static struct look before;

	look_at(w, &before);
	helper_tell(h, c->act, w->path, c->a, c->b);
	struct told t = next_conflict(&w->owner);
	assert_waits_in(h, waits);
	assert_false(has_changed(w, &before));
	assert_int_equal(t.offset, c->offset);
	assert_int_equal(t.length, c->length);
	assert_int_equal(facts(w).held, 1);
	vfs_guard_release(t.token);
	assert_int_equal(helper_answer(h), c->answer);
	assert_true(has_changed(w, &before));
	assert_int_equal(facts(w).held, 0);
}

static void change_waits_until_it_is_released(void **state, const struct change *c)
{
	struct world *w = guarded(state);

	assert_int_equal(helper_do(&w->helpers[0], ACT_OPEN, w->path, O_RDWR, 0), 0);
	expect_held(w, c);
	assert_int_equal(facts(w).held_total, 1);
	assert_int_equal(count_of(&w->owner.lost), 0);
}

#define HELD(name, ...)                                                                                       \
	static void name(void **state)                                                                        \
	{                                                                                                     \
		static const struct change c = {__VA_ARGS__};                                                 \
		change_waits_until_it_is_released(state, &c);                                                 \
	}

HELD(write_is_held, ACT_WRITE, FIRST + PAGE, 0, FIRST + PAGE, PAGE, PAGE)
HELD(write_across_the_ranges_begin_is_held, ACT_WRITE, FIRST - 100, 0, FIRST, PAGE, PAGE)
HELD(ftruncate_is_held, ACT_FTRUNCATE, FIRST + PAGE, 0, FIRST + PAGE, 3 * PAGE, 0)
HELD(truncate_is_held, ACT_TRUNCATE, 0, 0, FIRST, PAST - FIRST, 0)
HELD(punched_hole_is_held, ACT_FALLOCATE, FIRST, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FIRST, PAGE, 0)
HELD(zeroed_range_is_held, ACT_FALLOCATE, FIRST, FALLOC_FL_ZERO_RANGE, FIRST, PAGE, 0)
HELD(range_that_collapses_before_is_held, ACT_FALLOCATE, 0, FALLOC_FL_COLLAPSE_RANGE, FIRST, PAST - FIRST, 0)
HELD(range_that_is_inserted_before_is_held, ACT_FALLOCATE, PAGE, FALLOC_FL_INSERT_RANGE, FIRST, PAST - FIRST, 0)
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

	assert_int_equal(vfs_guard_add(w->guard, w->fd, FIRST, PAGE, VFS_READ, &owner_events, &w->owner, &w->range), 0);
	helper_tell(&w->helpers[0], ACT_TRUNCATE, w->path, 0, 0);
	assert_waits_in(&w->helpers[0], waits);
	/* The thread takes events in their order: when it has seen the second, it has had the first. */
	assert_int_equal(helper_do(&w->helpers[1], ACT_OPEN, w->path, O_RDONLY, 0), 0);
	assert_int_equal(count_of(&w->owner.n), 0);
	vfs_guard_arm(w->range);
	vfs_guard_release(next_conflict(&w->owner).token);
	assert_int_equal(helper_answer(&w->helpers[0]), 0);
}

/* Each costs the server a descriptor. What is too much fails, and changes nothing. */
static void more_than_can_be_held_is_refused(void **state)
{
	enum { HELD_MOST = 1024 };
	struct world *w = guarded(state);
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

static void release_in_callback(void *arg, uint64_t offset, uint64_t length, uint64_t token)
{
	vfs_guard_release(token);
}

/* ---- the end of a guard ---- */

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
	assert_int_equal(vfs_guard_add(w->guard, w->fd, FIRST, PAGE, VFS_READ, &blocking, &w->owner, &w->range), 0);
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
		CASE(write_is_held),
		CASE(write_across_the_ranges_begin_is_held),
		CASE(ftruncate_is_held),
		CASE(truncate_is_held),
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
