/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "dax_rig.h"

#include <pthread.h>

/* Data of mapped files; all cases that backends have in common run here too. */

static void a_window_shows_the_file_and_what_is_stored_in_it_is_the_file(void **state)
{
	struct vfs_file *f = mapped_file("a", 'a', 3 * PAGE);
	struct vfs_window w = window_of(f, 100, 2 * PAGE, VFS_READ | VFS_WRITE);

	assert_int_equal(w.len, 2 * PAGE);
	assert_int_equal(w.offset, 100);
	assert_ptr_equal(w.file, f);
	assert_true(all_are(w.base, 'a', w.len));
	assert_int_equal(put(f, "bb", 2, 200), 2);
	assert_int_equal(w.base[100], 'b');
	memcpy(w.base + 1000, "stored", 6);
	assert_int_equal(vfs_window_written(&w, 1000, 6), 0);
	assert_int_equal(vfs_window_flush(&w), 0);
	char out[6];
	int fd = open(local("a"), O_RDONLY);
	assert_int_equal(pread(fd, out, 6, 1100), 6);
	assert_memory_equal(out, "stored", 6);
	close(fd);
	vfs_window_close(&w);
	assert_null(w.file);
	assert_null(w.base);
	vfs_window_close(&w);
	vfs_file_unref(f);
}

static void windows_end_where_the_file_ends(void **state)
{
	struct vfs_file *f = mapped_file("a", 'a', 1000), *empty = new_file("empty");
	struct vfs_window w = window_of(f, 900, 5000, VFS_READ);

	assert_int_equal(w.len, 100);
	vfs_window_close(&w);
	w = window_of(f, 1000, 1, VFS_READ);
	assert_int_equal(w.len, 0);
	vfs_window_close(&w);
	w = window_of(f, INT64_MAX - 10, 10, VFS_READ);
	assert_int_equal(w.len, 0);
	vfs_window_close(&w);
	w = window_of(empty, 0, 10, VFS_READ);
	assert_int_equal(w.len, 0);
	vfs_window_close(&w);
	assert_int_equal(vfs_window_open(f, 0, 1001, VFS_WRITE, &w), -ERANGE);
	assert_int_equal(vfs_window_open(f, 1001, 1, VFS_WRITE, &w), -ERANGE);
	assert_int_equal(vfs_window_open(f, 999, SIZE_MAX, VFS_WRITE, &w), -ERANGE);
	assert_int_equal(vfs_window_open(empty, 0, 1, VFS_WRITE, &w), -ERANGE);
	w = window_of(f, 0, 1000, VFS_WRITE);
	assert_int_equal(vfs_window_written(&w, 0, 1001), -EINVAL);
	assert_int_equal(vfs_window_written(&w, 1001, 1), -EINVAL);
	assert_int_equal(vfs_window_written(&w, 1000, 0), 0);
	vfs_window_close(&w);
	vfs_file_unref(f);
	vfs_file_unref(empty);
}

static void a_window_needs_the_access_of_its_handle(void **state)
{
	struct vfs_file *f = mapped_file("a", 'a', 100), *reader = opened("a", VFS_READ),
			*nothing = opened("a", VFS_NONE), *dir = opened("", VFS_READ);
	struct vfs_window w;

	assert_int_equal(vfs_window_open(reader, 0, 1, VFS_WRITE, &w), -EBADF);
	assert_int_equal(vfs_window_open(nothing, 0, 1, VFS_READ, &w), -EBADF);
	assert_int_equal(vfs_window_open(dir, 0, 1, VFS_READ, &w), -EISDIR);
	w = window_of(reader, 0, 1, VFS_READ);
	assert_int_equal(vfs_window_written(&w, 0, 1), -EBADF);
	vfs_window_close(&w);
	assert_int_equal(put(reader, "x", 1, 0), -EBADF);
	assert_int_equal(vfs_truncate(reader, 0, 0), -EBADF);
	vfs_file_unref(f);
	vfs_file_unref(reader);
	vfs_file_unref(nothing);
	vfs_file_unref(dir);
}

static void a_window_outlives_its_handle_and_a_longer_mapping(void **state)
{
	struct vfs_file *f = mapped_file("a", 'a', PAGE);
	struct vfs_window old = window_of(f, 0, PAGE, VFS_READ | VFS_WRITE);
	char *more = malloc(8 * MIB);

	memset(more, 'b', 8 * MIB);
	assert_int_equal(put(f, more, 8 * MIB, PAGE), 8 * MIB);
	free(more);
	struct vfs_window new = window_of(f, 0, PAGE + 8 * MIB, VFS_READ);
	assert_ptr_not_equal(new.map, old.map);
	assert_true(all_are(old.base, 'a', PAGE));
	old.base[7] = 'x';
	assert_int_equal(new.base[7], 'x');
	vfs_window_close(&new);
	vfs_file_unref(f);
	assert_int_equal(vfs_window_written(&old, 7, 1), 0);
	assert_int_equal(old.base[7], 'x');
	vfs_window_close(&old);
	f = opened("a", VFS_READ);
	assert_int_equal(stat_of(f).size, PAGE + 8 * MIB);
	vfs_file_unref(f);
}

static void unaligned_reads_and_writes_are_exact(void **state)
{
	enum { SIZE = 3 * PAGE + 17 };
	struct vfs_file *f = mapped_file("a", 0, SIZE);
	uint8_t want[SIZE + 600] = {0}, out[SIZE + 600], block[600];
	size_t size = SIZE;
	unsigned seed = 1;

	for (int i = 0; i < 500; i++) {
		size_t len = (size_t)rand_r(&seed) % sizeof(block), at = (size_t)rand_r(&seed) % SIZE;
		memset(block, i, sizeof(block));
		memset(want + at, i, len);
		size = len && at + len > size ? at + len : size;
		assert_int_equal(put(f, block, len, at), len);
		at = (size_t)rand_r(&seed) % SIZE;
		len = (size_t)rand_r(&seed) % sizeof(block);
		struct iovec v[] = {{out, len / 3}, {out + len / 3, len - len / 3}};
		size_t expect = len < size - at ? len : size - at;
		assert_int_equal(vfs_pread(f, v, 2, at, 0), expect);
		assert_memory_equal(out, want + at, expect);
	}
	assert_int_equal(get(f, out, sizeof(out), 0), size);
	assert_memory_equal(out, want, size);
	vfs_file_unref(f);
}

struct grower {
	struct vfs_file *f;
	unsigned number;
	bool ok;
};
enum { GROWERS = 4, RECORD = 1000, RECORDS = 300 };

/* Each has every fourth record; all of them extend the file all the time. */
static void *grow(void *arg)
{
	struct grower *g = arg;
	char record[RECORD], out[RECORD];

	g->ok = true;
	for (unsigned i = 0; i < RECORDS; i++) {
		uint64_t at = (uint64_t)(i * GROWERS + g->number) * RECORD;
		memset(record, (int)('A' + (i + g->number) % 26), sizeof(record));
		g->ok = g->ok && put(g->f, record, sizeof(record), at) == RECORD &&
			get(g->f, out, sizeof(out), at) == RECORD && memcmp(out, record, RECORD) == 0;
	}
	return NULL;
}

static void threads_extend_one_file(void **state)
{
	struct vfs_file *f = new_file("a");
	struct grower g[GROWERS];
	pthread_t t[GROWERS];

	for (unsigned i = 0; i < GROWERS; i++) {
		g[i] = (struct grower){f, i};
		assert_int_equal(pthread_create(&t[i], NULL, grow, &g[i]), 0);
	}
	for (unsigned i = 0; i < GROWERS; i++) {
		pthread_join(t[i], NULL);
		assert_true(g[i].ok);
	}
	assert_int_equal(stat_of(f).size, GROWERS * RECORDS * RECORD);
	for (unsigned i = 0; i < GROWERS * RECORDS; i++)
		assert_true(file_holds(
			f, (uint64_t)i * RECORD, (char)('A' + (i / GROWERS + i % GROWERS) % 26), RECORD));
	vfs_file_unref(f);
}

static void what_others_see_and_do_is_the_same_file(void **state)
{
	struct vfs_file *f = mapped_file("a", 'a', 2 * PAGE);
	int fd = open(local("a"), O_RDWR);
	char out[8];

	assert_int_equal(put(f, "mapped", 6, PAGE), 6);
	assert_int_equal(pread(fd, out, 6, PAGE), 6);
	assert_memory_equal(out, "mapped", 6);
	assert_int_equal(pwrite(fd, "local", 5, 10), 5);
	assert_int_equal(get(f, out, 5, 10), 5);
	assert_memory_equal(out, "local", 5);
	assert_int_equal(ftruncate(fd, 12), 0);
	assert_int_equal(get(f, out, 8, 10), 2);
	assert_int_equal(put(f, "!!", 2, 100), 2);
	assert_int_equal(stat_of(f).size, 102);
	assert_true(file_holds(f, 12, 0, 88));
	assert_int_equal(ftruncate(fd, PAGE), 0);
	assert_int_equal(get(f, out, 8, PAGE - 4), 4);
	close(fd);
	vfs_file_unref(f);
}

static void stored_bytes_are_found_and_copied(void **state)
{
	struct vfs_file *f = mapped_file("a", 'a', 4 * PAGE), *g = mapped_file("b", 'b', PAGE);
	uint64_t offset = 0, len;
	struct vfs_window w = window_of(f, PAGE, PAGE, VFS_WRITE);

	memset(w.base, 'w', PAGE);
	assert_int_equal(vfs_window_written(&w, 0, PAGE), 0);
	vfs_window_close(&w);
	assert_int_equal(vfs_next_data(f, 4 * PAGE, &offset, &len), 1);
	assert_int_equal(offset, 0);
	assert_int_equal(len, 4 * PAGE);
	assert_int_equal(vfs_copy_range(f, PAGE, g, PAGE / 2, PAGE), 0);
	assert_true(file_holds(g, 0, 'b', PAGE / 2));
	assert_true(file_holds(g, PAGE / 2, 'w', PAGE));
	vfs_file_unref(f);
	vfs_file_unref(g);
}

static void ranges_are_copied_between_mapped_and_other_shares(void **state)
{
	struct vfs_share_options o = usual;
	struct vfs_share *plain, *memory, *mapped = share;
	struct vfs_file *f = mapped_file("a", 'a', PAGE), *g;

	o.mapped = VFS_MAPPED_NO;
	assert_int_equal(vfs_share_open(root, &o, &plain), 0);
	assert_false(vfs_share_is_mapped(plain));
	share = plain;
	g = new_file("b");
	assert_int_equal(vfs_copy_range(f, 0, g, 0, PAGE), 0);
	assert_true(file_holds(g, 0, 'a', PAGE));
	assert_int_equal(put(g, "back", 4, 0), 4);
	assert_int_equal(vfs_copy_range(g, 0, f, 10, 4), 0);
	char out[4];
	assert_int_equal(get(f, out, 4, 10), 4);
	assert_memory_equal(out, "back", 4);
	vfs_file_unref(g);
	assert_int_equal(vfs_share_open_memory(&usual, &memory), 0);
	share = memory;
	g = new_file("c");
	assert_int_equal(vfs_copy_range(f, 0, g, 0, 1), -EXDEV);
	assert_int_equal(vfs_copy_range(g, 0, f, 0, 1), -EXDEV);
	vfs_file_unref(g);
	vfs_file_unref(f);
	vfs_share_unref(memory);
	vfs_share_unref(plain);
	share = mapped;
}

static uint64_t coarse_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME_COARSE, &t);
	return nttime_from_timespec(t);
}

static void writing_sets_the_times_of_now(void **state)
{
	struct vfs_times past = {.write_time = 130000000000000000ull},
			 future = {.write_time = 150000000000000000ull};
	struct vfs_file *f = mapped_file("a", 'a', PAGE);
	struct vfs_window w = window_of(f, 0, PAGE, VFS_WRITE);

	for (int i = 0; i < 4; i++) {
		assert_int_equal(vfs_set_times(f, NULL, i % 2 ? &past : &future), 0);
		uint64_t before = coarse_now();
		if (i < 2)
			assert_int_equal(put(f, "x", 1, 0), 1);
		else
			assert_int_equal(vfs_window_written(&w, 0, 1), 0);
		struct vfs_stat st = stat_of(f);
		assert_in_range(st.write_time, before, nttime_now());
		assert_in_range(st.change_time, before, nttime_now());
	}
	/* and goes on doing so: a tick later the times are later */
	uint64_t first = stat_of(f).write_time, deadline = nttime_now() + 50000000;
	while (coarse_now() <= first + 100000 && nttime_now() < deadline)
		;
	assert_int_equal(put(f, "x", 1, 0), 1);
	assert_true(stat_of(f).write_time > first);
	vfs_window_close(&w);
	vfs_file_unref(f);
}

static void writing_drops_the_set_user_id_bits(void **state)
{
	if (geteuid() != 0)
		skip(); /* root alone can act as another user, and keeps the bits itself */
	struct vfs_cred *user = vfs_cred_new(60001, 60001, NULL, 0);
	struct vfs_open_how how = {.path = "a", .access = VFS_READ | VFS_WRITE};
	struct vfs_file *f = mapped_file("a", 'a', PAGE), *g;
	struct vfs_stat st;

	assert_int_equal(chown(local("a"), 60001, 60001), 0);
	assert_int_equal(vfs_open(share, user, &how, 0, &g, &st), 0);
	struct vfs_window w = window_of(g, 0, PAGE, VFS_WRITE);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(
			put(g, "x", 1, 0), 1); /* the times are those of now: only the bits are left */
		assert_int_equal(chmod(local("a"), i % 2 ? 06755 : 02745), 0);
		if (i < 2)
			assert_int_equal(put(g, "x", 1, 0), 1);
		else
			assert_int_equal(vfs_window_written(&w, 0, 1), 0);
		/* set-group-ID without group execution is another thing, and stays */
		assert_int_equal(stat_of(f).unix_mode & 07777, i % 2 ? 0755 : 02745);
	}
	assert_int_equal(chmod(local("a"), 06755), 0);
	vfs_window_close(&w);
	/* root may keep them */
	w = window_of(f, 0, PAGE, VFS_WRITE);
	assert_int_equal(vfs_window_written(&w, 0, 1), 0);
	assert_int_equal(put(f, "x", 1, 0), 1);
	assert_int_equal(stat_of(f).unix_mode & 07777, 06755);
	vfs_window_close(&w);
	vfs_file_unref(f);
	vfs_file_unref(g);
	vfs_cred_unref(user);
}

static void what_is_not_in_memory_has_no_window_until_it_is_read(void **state)
{
	char *data = calloc(1, MIB);
	struct vfs_window w;

	if (vfs_share_is_memory_speed(share)) {
		free(data);
		skip(); /* there is nothing to wait for */
	}
	struct vfs_file *f = new_file("a");
	assert_int_equal(put(f, data, MIB, 0), MIB);
	vfs_file_unref(f);
	int fd = open(local("a"), O_RDONLY);
	assert_int_equal(fsync(fd), 0);
	assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	close(fd);
	f = opened("a", VFS_READ);
	struct iovec v = {data, MIB};
	assert_int_equal(vfs_window_open(f, 0, MIB, VFS_READ, &w), -EAGAIN);
	assert_int_equal(vfs_pread(f, &v, 1, 0, VFS_NOWAIT), -EAGAIN);
	assert_int_equal(vfs_pread(f, &v, 1, 0, 0), MIB);
	w = window_of(f, 0, MIB, VFS_READ);
	assert_true(all_are(w.base, 0, MIB));
	vfs_window_close(&w);
	assert_int_equal(vfs_pread(f, &v, 1, 0, VFS_NOWAIT), MIB);
	vfs_file_unref(f);
	free(data);
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		VFS_CASES,
		CASE(a_window_shows_the_file_and_what_is_stored_in_it_is_the_file),
		CASE(windows_end_where_the_file_ends),
		CASE(a_window_needs_the_access_of_its_handle),
		CASE(a_window_outlives_its_handle_and_a_longer_mapping),
		CASE(unaligned_reads_and_writes_are_exact),
		CASE(threads_extend_one_file),
		CASE(what_others_see_and_do_is_the_same_file),
		CASE(stored_bytes_are_found_and_copied),
		CASE(ranges_are_copied_between_mapped_and_other_shares),
		CASE(writing_sets_the_times_of_now),
		CASE(writing_drops_the_set_user_id_bits),
		CASE(what_is_not_in_memory_has_no_window_until_it_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_in_folders(run_all);
}
