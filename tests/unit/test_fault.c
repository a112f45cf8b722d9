/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/fault.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { PAGE = 4096, PAGES = 4 };

/* A mapping of PAGES pages over a file that has only the first `have`. */
static uint8_t *map_short_file(int have, int *fd)
{
	assert_int_equal(fault_install(), 0); /* cmocka has a handler of its own for the time of each test */
	*fd = memfd_create("fault", MFD_CLOEXEC);
	assert_true(*fd >= 0);
	assert_int_equal(ftruncate(*fd, have * PAGE), 0);
	uint8_t *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static void unmap(uint8_t *p, int fd)
{
	munmap(p, PAGES * PAGE);
	close(fd);
}

static void a_copy_without_a_fault_is_a_copy(void **state)
{
	char out[6] = "";

	assert_int_equal(fault_copy(out, "hello", 6), 0);
	assert_string_equal(out, "hello");
	assert_int_equal(fault_copy(NULL, NULL, 0), 0);
}

static void a_copy_past_the_end_of_a_file_is_an_io_error(void **state)
{
	uint8_t buf[PAGE];
	int fd;
	uint8_t *p = map_short_file(1, &fd);

	for (int i = 0; i < 100; i++) {
		assert_int_equal(fault_copy(buf, p + PAGE, sizeof(buf)), -EIO);
		assert_int_equal(fault_copy(p + 2 * PAGE, buf, sizeof(buf)), -EIO);
		assert_int_equal(fault_copy(buf, p, sizeof(buf)), 0);
	}
	unmap(p, fd);
}

static void store_on_two_pages(void *arg)
{
	volatile uint8_t *p = arg;

	p[7] = 'x';
	p[PAGE] = 'x';
}

static void what_was_stored_before_the_fault_stays(void **state)
{
	int fd;
	uint8_t *p = map_short_file(1, &fd);

	assert_int_equal(fault_run(store_on_two_pages, p), -EIO);
	assert_int_equal(p[7], 'x');
	unmap(p, fd);
}

static void memory_works_again_when_the_file_has_grown(void **state)
{
	uint8_t c = 1;
	int fd;
	uint8_t *p = map_short_file(1, &fd);

	assert_int_equal(fault_copy(&c, p + PAGE, 1), -EIO);
	assert_int_equal(c, 1);
	assert_int_equal(ftruncate(fd, 2 * PAGE), 0);
	assert_int_equal(fault_copy(&c, p + PAGE, 1), 0);
	assert_int_equal(c, 0);
	unmap(p, fd);
}

struct nested {
	uint8_t *bad;
	int inner, steps;
	bool fault_outside;
};

static void touch(void *arg)
{
	volatile uint8_t *p = arg;

	p[0] = 1;
}

static void run_inner(void *arg)
{
	struct nested *n = arg;

	n->inner = fault_run(touch, n->bad);
	n->steps++;
	if (n->fault_outside)
		touch(n->bad);
	n->steps++;
}

static void the_innermost_guard_takes_the_fault(void **state)
{
	int fd;
	uint8_t *p = map_short_file(0, &fd);
	struct nested n = {.bad = p}, m = {.bad = p, .fault_outside = true};

	assert_int_equal(fault_run(run_inner, &n), 0);
	assert_int_equal(n.inner, -EIO);
	assert_int_equal(n.steps, 2);
	assert_int_equal(fault_run(run_inner, &m), -EIO);
	assert_int_equal(m.inner, -EIO);
	assert_int_equal(m.steps, 1);
	unmap(p, fd);
}

static void the_signal_mask_stays_as_it_is(void **state)
{
	sigset_t before, after;
	int fd;
	uint8_t *p = map_short_file(0, &fd);

	sigprocmask(SIG_BLOCK, NULL, &before);
	assert_int_equal(fault_run(touch, p), -EIO);
	sigprocmask(SIG_BLOCK, NULL, &after);
	for (int s = 1; s < 32; s++)
		assert_int_equal(sigismember(&before, s), sigismember(&after, s));
	unmap(p, fd);
}

/* The signal that ends a child which runs fn, 0 if none does. */
static int ends_by(void (*fn)(void *), void *arg)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGBUS, SIG_DFL); /* in place of cmocka's */
		fault_install();
		fn(arg);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void send_to_itself(void *arg)
{
	raise(SIGBUS);
}

static void send_within_a_guard(void *arg)
{
	fault_run(send_to_itself, NULL);
}

static void after_a_guard(void *arg)
{
	fault_run(touch, arg);
	touch(arg);
}

static void other_faults_end_the_process(void **state)
{
	int fd;
	uint8_t *p = map_short_file(0, &fd);

	assert_int_equal(ends_by(touch, p), SIGBUS);
	assert_int_equal(ends_by(after_a_guard, p), SIGBUS);
	assert_int_equal(ends_by(send_to_itself, NULL), SIGBUS);
	assert_int_equal(ends_by(send_within_a_guard, NULL), SIGBUS);
	assert_int_equal(ends_by(run_inner, &(struct nested){.bad = p}), 0);
	unmap(p, fd);
}

static void *fault_often(void *arg)
{
	uint8_t *p = arg, c;

	for (int i = 0; i < 2000; i++) {
		if (fault_copy(&c, p + PAGE, 1) != -EIO || fault_copy(&c, p, 1) != 0)
			return arg;
	}
	return NULL;
}

static void threads_fault_independently(void **state)
{
	pthread_t t[4];
	void *failed;
	int fd;
	uint8_t *p = map_short_file(1, &fd);

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, fault_often, p), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &failed);
		assert_null(failed);
	}
	unmap(p, fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_without_a_fault_is_a_copy),
		cmocka_unit_test(a_copy_past_the_end_of_a_file_is_an_io_error),
		cmocka_unit_test(what_was_stored_before_the_fault_stays),
		cmocka_unit_test(memory_works_again_when_the_file_has_grown),
		cmocka_unit_test(the_innermost_guard_takes_the_fault),
		cmocka_unit_test(the_signal_mask_stays_as_it_is),
		cmocka_unit_test(other_faults_end_the_process),
		cmocka_unit_test(threads_fault_independently),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
