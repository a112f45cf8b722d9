/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/posix_names.h"
#include "core/clock.h"
#include "vfs/vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char root[256];
static struct names names;
static int change_fd; /* for names_begin_change */

static void touch(const char *name)
{
	int fd = openat(change_fd, name, O_CREAT | O_EXCL | O_WRONLY, 0644);

	assert_true(fd >= 0);
	close(fd);
}

static int open_big_directory(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char name[32];

	snprintf(root, sizeof(root), "%s/vfs-names-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(root));
	change_fd = open(root, O_PATH | O_DIRECTORY);
	for (int i = 0; i < NAMES_KEPT_FROM + 50; i++) {
		snprintf(name, sizeof(name), "File%d", i);
		touch(name);
	}
	names_init(&names, false);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int close_big_directory(void **state)
{
	names_clean(&names);
	close(change_fd);
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Looks up; *read tells whether the directory was read for it, which moves the offset of its descriptor. */
static int find(const char *wanted, char out[NAME_DISK_MAX + 1], bool *read)
{
	int fd = open(root, O_RDONLY | O_DIRECTORY);
	int rc = names_find(&names, fd, wanted, out);

	*read = lseek(fd, 0, SEEK_CUR) != 0;
	close(fd);
	return rc;
}

static void assert_found(const char *wanted, const char *spelled)
{
	char out[NAME_DISK_MAX + 1];
	bool read;

	assert_int_equal(find(wanted, out, &read), 0);
	assert_string_equal(out, spelled);
}

static void assert_missing(const char *wanted)
{
	char out[NAME_DISK_MAX + 1];
	bool read;

	assert_int_equal(find(wanted, out, &read), -ENOENT);
}

static bool reads_directory(const char *wanted)
{
	char out[NAME_DISK_MAX + 1];
	bool read;

	(void)find(wanted, out, &read);
	return read;
}

/* What is kept may be read again after NAMES_TRUST_MS: on a machine that stood still in between nothing can
 * be told. */
static void assert_not_read(const char *wanted, uint64_t since)
{
	bool read = reads_directory(wanted);

	if (clock_now_ns() - since < NAMES_TRUST_MS * 1000000ull)
		assert_false(read);
}

static void names_are_found_in_another_case_whether_kept_or_not(void **state)
{
	touch("R\xC3\xA9sum\xC3\xA9");
	for (int i = 0; i < 2; i++) {
		assert_found("fILE7", "File7");
		assert_found("R\xC3\x89SUM\xC3\x89", "R\xC3\xA9sum\xC3\xA9");
		assert_missing("none");
		assert_missing("File");
	}
}

static void a_big_directory_is_read_once(void **state)
{
	uint64_t start = clock_now_ns();

	assert_true(reads_directory("none"));
	assert_int_equal(names.count, 1);
	assert_not_read("other", start);
	assert_not_read("FILE9", start);
}

static void a_small_directory_is_not_kept(void **state)
{
	char out[NAME_DISK_MAX + 1];

	assert_int_equal(mkdirat(change_fd, "small", 0755), 0);
	int fd = openat(change_fd, "small", O_RDONLY | O_DIRECTORY);
	assert_int_equal(names_find(&names, fd, "none", out), -ENOENT);
	assert_int_equal(names.count, 0);
	close(fd);
}

static void own_changes_are_applied_to_what_is_kept(void **state)
{
	uint64_t start = clock_now_ns();

	assert_missing("new");
	struct names_change change;
	names_begin_change(&names, &change, change_fd);
	touch("New");
	names_end_change(&names, &change, true, NULL, "New");
	assert_not_read("NEW", start);
	assert_found("NEW", "New");
	names_begin_change(&names, &change, change_fd);
	assert_int_equal(unlinkat(change_fd, "New", 0), 0);
	names_end_change(&names, &change, true, "New", NULL);
	assert_not_read("NEW", start);
	assert_missing("NEW");
}

/* The change ends after the directory was read, in which it may have been seen or not. */
static void changes_under_way_while_reading_are_not_lost(void **state)
{
	struct names_change seen, unseen;

	names_begin_change(&names, &seen, change_fd);
	names_begin_change(&names, &unseen, change_fd);
	touch("Seen");
	assert_missing("none"); /* reads and keeps */
	assert_int_equal(names.count, 1);
	touch("Unseen");
	names_end_change(&names, &seen, true, NULL, "Seen");
	names_end_change(&names, &unseen, true, NULL, "Unseen");
	assert_found("SEEN", "Seen");
	assert_found("UNSEEN", "Unseen");
	names_begin_change(&names, &seen, change_fd);
	assert_int_equal(unlinkat(change_fd, "Seen", 0), 0);
	names_end_change(&names, &seen, true, "Seen", NULL);
	assert_missing("SEEN");
}

static void nothing_is_kept_where_case_counts(void **state)
{
	struct names_change change;

	names_clean(&names);
	names_init(&names, true);
	names_begin_change(&names, &change, change_fd);
	assert_true(list_empty(&names.changes));
	names_end_change(&names, &change, true, NULL, "x");
}

static void a_change_that_failed_changes_nothing(void **state)
{
	uint64_t start = clock_now_ns();

	assert_missing("new");
	struct names_change change;
	names_begin_change(&names, &change, change_fd);
	names_end_change(&names, &change, false, "File1", "New");
	assert_not_read("new", start);
	assert_missing("NEW");
	assert_found("FILE1", "File1");
}

static void an_unclear_change_makes_it_be_forgotten(void **state)
{
	assert_missing("new");
	struct names_change change;
	names_begin_change(&names, &change, change_fd);
	touch("New");
	names_end_change(&names, &change, true, NULL, NULL);
	assert_int_equal(names.count, 0);
	assert_found("NEW", "New");
}

/* Until a deadline well above NAMES_TRUST_MS. */
static bool is_found_before_long(const char *wanted)
{
	uint64_t deadline = clock_now_ns() + 20 * (uint64_t)NAMES_TRUST_MS * 1000000;
	char out[NAME_DISK_MAX + 1];
	bool read;

	while (clock_now_ns() < deadline)
		if (find(wanted, out, &read) == 0)
			return true;
	return false;
}

static void changes_by_others_are_noticed(void **state)
{
	assert_missing("new1");
	touch("New1");
	assert_true(is_found_before_long("NEW1"));
	/* also one that comes right after a change here, in the same tick */
	struct names_change change;
	names_begin_change(&names, &change, change_fd);
	touch("Mine");
	names_end_change(&names, &change, true, NULL, "Mine");
	touch("New2");
	assert_true(is_found_before_long("NEW2"));
	assert_found("MINE", "Mine");
}

static void the_number_of_kept_directories_is_limited(void **state)
{
	char path[64], out[NAME_DISK_MAX + 1];

	for (int i = 0; i < NAMES_TABLES + 3; i++) {
		snprintf(path, sizeof(path), "d%d", i);
		assert_int_equal(mkdirat(change_fd, path, 0755), 0);
		for (int k = 0; k < NAMES_KEPT_FROM; k++) {
			snprintf(path, sizeof(path), "d%d/%d", i, k);
			touch(path);
		}
		snprintf(path, sizeof(path), "d%d", i);
		int fd = openat(change_fd, path, O_RDONLY | O_DIRECTORY);
		assert_int_equal(names_find(&names, fd, "none", out), -ENOENT);
		close(fd);
		assert_true(names.count <= NAMES_TABLES);
	}
	assert_int_equal(names.count, NAMES_TABLES);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_big_directory, close_big_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(names_are_found_in_another_case_whether_kept_or_not),
		CASE(a_big_directory_is_read_once),
		CASE(a_small_directory_is_not_kept),
		CASE(own_changes_are_applied_to_what_is_kept),
		CASE(changes_under_way_while_reading_are_not_lost),
		CASE(nothing_is_kept_where_case_counts),
		CASE(a_change_that_failed_changes_nothing),
		CASE(an_unclear_change_makes_it_be_forgotten),
		CASE(changes_by_others_are_noticed),
		CASE(the_number_of_kept_directories_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
