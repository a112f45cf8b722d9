/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Pins of one file that come and go, with the handles they are of, on many threads. */
#include "pin_rig.h"

#include <sys/statvfs.h>

enum { THREADS = 3, ROUNDS = 100 };

struct pinner {
	struct world *w;
	struct vfs_file *f;
	unsigned pins, bad;
};

static void release_at_once(void *arg, uint64_t offset, uint64_t length, uint64_t token)
{
	vfs_guard_release(token);
}

static void *pin_over_and_over(void *arg)
{
	static const struct vfs_guard_events letting = {release_at_once, on_lost, on_unnamed};
	struct pinner *p = arg;
	struct owner o = {0};

	for (unsigned i = 0; i < ROUNDS || !p->pins; i++) {
		struct vfs_pin *pin;
		int rc = vfs_pin(
			p->w->guard, p->f, i % 8 * PAGE, 4 * PAGE, VFS_READ | VFS_WRITE, &letting, &o, &pin);
		if (rc == 0)
			vfs_unpin(pin);
		p->pins += rc == 0;
		p->bad += rc < 0 && rc != -EBUSY;
	}
	return NULL;
}

static void pins_come_and_go_on_many_threads_while_others_change_the_file(void **state)
{
	struct world *w = need_guard(state);
	struct pinner p[THREADS];
	pthread_t t[THREADS];

	for (size_t i = 0; i < THREADS; i++) {
		p[i] = (struct pinner){.w = w, .f = open_in(w->share, "file", VFS_READ | VFS_WRITE)};
		assert_int_equal(pthread_create(&t[i], NULL, pin_over_and_over, &p[i]), 0);
	}
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(helper_do(&w->helper, ACT_TRUNCATE, w->path, FILE_SIZE - PAGE + i, 0), 0);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(p[i].bad, 0);
		vfs_file_unref(p[i].f);
	}
	assert_int_equal(facts_of(w, false), 0);
	assert_int_equal(facts_of(w, true), 0);
}

enum { LARGE = 8 << 20 };

/* All of it in the mapping, which so takes a while to go. */
static void *open_and_pin_over_and_over(void *arg)
{
	struct pinner *p = arg;
	struct owner o = {0};
	uint8_t *own = malloc(LARGE);

	for (unsigned i = 0; i < 2 * ROUNDS; i++) {
		memset(own, (int)i, LARGE); /* so that each has it to itself at times */
		struct vfs_file *f = open_in(p->w->share, "file", VFS_READ | VFS_WRITE);
		struct vfs_pin *pin;
		int rc = vfs_pin(p->w->guard, f, 0, LARGE, VFS_READ | VFS_WRITE, &owner_events, &o, &pin);

		if (rc == 0) {
			memset(vfs_pin_window(pin)->base, (int)i, LARGE);
			vfs_unpin(pin);
		}
		p->bad += rc < 0;
		vfs_file_unref(f);
	}
	free(own);
	return NULL;
}

/* A lease is refused where the inode has a second descriptor for a moment. */
static void who_opens_a_file_while_another_closes_it_can_pin_it(void **state)
{
	struct world *w = need_guard(state);
	struct pinner p[2] = {{.w = w}, {.w = w}};
	pthread_t t[2];

	assert_int_equal(truncate(w->path, LARGE), 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, open_and_pin_over_and_over, &p[i]), 0);
	for (size_t i = 0; i < 2; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(p[i].bad, 0);
	}
}

/* Its mapping is large enough to be taken down apart. */
static void who_opens_a_large_file_anew_can_pin_it(void **state)
{
	const size_t size = 513ul << 20;
	struct world *w = need_guard(state);
	struct owner o = {0};
	struct statvfs fs;

	assert_int_equal(statvfs(w->path, &fs), 0);
	if (fs.f_bavail * fs.f_frsize < 2 * size) {
		print_message("SKIPPED: no room for a file of %zu MiB\n", size >> 20);
		skip();
	}
	assert_int_equal(truncate(w->path, (off_t)size), 0);
	for (unsigned i = 0; i < 3; i++) {
		struct vfs_file *f = open_in(w->share, "file", VFS_READ | VFS_WRITE);
		struct vfs_pin *pin;

		assert_int_equal(
			vfs_pin(w->guard, f, 0, size, VFS_READ | VFS_WRITE, &owner_events, &o, &pin), 0);
		memset(vfs_pin_window(pin)->base, (int)i, size);
		vfs_unpin(pin);
		vfs_file_unref(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(pins_come_and_go_on_many_threads_while_others_change_the_file),
		LEASE_CASE(pins_come_and_go_on_many_threads_while_others_change_the_file),
		LEASE_CASE(who_opens_a_file_while_another_closes_it_can_pin_it),
		LEASE_CASE(who_opens_a_large_file_anew_can_pin_it),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
