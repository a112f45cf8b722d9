/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/share_cache.h"

#include "core/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* Tree connects with settings of before and after a reload, in any order. */

static char root[] = "/tmp/share-cache-XXXXXX";
static struct conf *with, *without;
static struct share_cache *cache;

static struct conf *configuration(const char *text)
{
	char path[] = "/tmp/share-cache-conf-XXXXXX";
	const char *error = NULL;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	struct conf *c = conf_load(NULL, path, &error);
	unlink(path);
	assert_non_null(c);
	return c;
}

static struct vfs_share *open_as_of(uint64_t generation)
{
	struct vfs_share_options o = {0};
	struct vfs_share *share;
	struct vfs_guard *guard;

	assert_int_equal(share_cache_open(cache, generation, conf_find_section(with, "data"), root, &o, &share, &guard), 0);
	vfs_guard_unref(guard);
	return share;
}

static void count_one(void *arg, const struct share_facts *f)
{
	++*(unsigned *)arg;
}

static unsigned kept(void)
{
	unsigned n = 0;

	share_cache_each(cache, count_one, &n);
	return n;
}

static void a_share_is_opened_once(void **state)
{
	struct vfs_share *a = open_as_of(1), *b = open_as_of(1);

	assert_ptr_equal(a, b);
	assert_int_equal(kept(), 1);
	vfs_share_unref(a);
	vfs_share_unref(b);
}

static void a_share_that_is_gone_does_not_come_back_by_a_connect_of_before(void **state)
{
	vfs_share_unref(open_as_of(1));
	share_cache_prune(cache, 2, without);
	assert_int_equal(kept(), 0);
	vfs_share_unref(open_as_of(1));
	assert_int_equal(kept(), 0);
}

static void a_connect_of_before_does_not_replace_what_holds(void **state)
{
	struct vfs_share *now = open_as_of(2), *before = open_as_of(1), *again = open_as_of(2);

	assert_ptr_not_equal(before, now);
	assert_ptr_equal(again, now);
	assert_int_equal(kept(), 1);
	vfs_share_unref(now);
	vfs_share_unref(before);
	vfs_share_unref(again);
}

static void a_connect_of_after_replaces_what_held(void **state)
{
	struct vfs_share *before = open_as_of(1);

	share_cache_prune(cache, 2, with);
	struct vfs_share *now = open_as_of(2), *again = open_as_of(2);
	assert_ptr_not_equal(before, now);
	assert_ptr_equal(again, now);
	assert_int_equal(kept(), 1);
	vfs_share_unref(before);
	vfs_share_unref(now);
	vfs_share_unref(again);
}

static int begin(void **state)
{
	cache = share_cache_new(NULL);
	return cache ? 0 : -1;
}

static int end(void **state)
{
	talloc_free(cache);
	return 0;
}

static int begin_all(void **state)
{
	with = configuration("[data]\npath = /tmp\n");
	without = configuration("[other]\npath = /tmp\n");
	return mkdtemp(root) ? 0 : -1;
}

static int end_all(void **state)
{
	talloc_free(with);
	talloc_free(without);
	return rmdir(root);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_share_is_opened_once),
		CASE(a_share_that_is_gone_does_not_come_back_by_a_connect_of_before),
		CASE(a_connect_of_before_does_not_replace_what_holds),
		CASE(a_connect_of_after_replaces_what_held),
	};

	return cmocka_run_group_tests(tests, begin_all, end_all);
}
