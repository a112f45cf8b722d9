/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a reactor looks at again and again, and that nobody else is kept waiting by it. */
#include "core/bytes.h"
#include "core/reactor.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_SECONDS = 60, LOOK_NS = 100000000 };

static struct reactors *all;
static sem_t happened;
static atomic_uint looked, asked;
static struct poller *poller; /* the reactor's thread only, but for its making */
static unsigned looks_left;
static bool busy;
static int ends[2];

static void wait_for_it(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_SECONDS;
	if (sem_timedwait(&happened, &until) != 0)
		fail_msg("nothing happened in time");
}

static void do_there(void (*what)(struct reactor *self, struct message *m))
{
	struct message m = {.deliver = what};

	reactor_post(reactors_get(all, 0), &m);
	wait_for_it();
}

static void nothing(struct reactor *self, struct message *m)
{
	sem_post(&happened);
}

static void add(struct reactor *self, struct message *m)
{
	reactor_add_poller(self, poller);
	sem_post(&happened);
}

static void drop(struct reactor *self, struct message *m)
{
	list_remove(&poller->link);
	sem_post(&happened);
}

static bool is_busy(struct poller *p)
{
	atomic_fetch_add(&asked, 1);
	return busy;
}

static bool always(struct poller *p)
{
	atomic_fetch_add(&looked, 1);
	return true;
}

static bool ends_itself(struct poller *p)
{
	atomic_fetch_add(&looked, 1);
	if (--looks_left)
		return true;
	list_remove(&p->link);
	TALLOC_FREE(poller);
	sem_post(&happened);
	return true;
}

static void readable(struct tevent_context *ev, struct tevent_fd *fde, uint16_t flags, void *arg)
{
	talloc_free(fde);
	sem_post(&happened);
}

static void timer(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *arg)
{
	sem_post(&happened);
}

static void watch_pipe_and_clock(struct reactor *self, struct message *m)
{
	struct tevent_context *ev = reactor_ev(self);

	if (tevent_add_fd(ev, ev, ends[0], TEVENT_FD_READ, readable, NULL) &&
		tevent_add_timer(ev, ev, tevent_timeval_current_ofs(0, 1000), timer, NULL))
		sem_post(&happened);
}

static void *start(struct reactor *r, void *arg)
{
	return arg;
}

static void stop(struct reactor *r)
{
}

static int setup(void **state)
{
	sem_init(&happened, 0, 0);
	atomic_store(&looked, 0);
	atomic_store(&asked, 0);
	busy = true;
	poller = talloc_zero(NULL, struct poller);
	*poller = (struct poller){.poll = always, .is_busy = is_busy, .ns = LOOK_NS};
	list_init(&poller->link);
	all = reactors_start(NULL, 1, start, stop, &happened);
	return all && pipe(ends) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	reactors_stop(all);
	TALLOC_FREE(poller);
	sem_destroy(&happened);
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static void who_is_not_busy_is_not_looked_at(void **state)
{
	busy = false;
	do_there(add);
	for (unsigned i = 0; i < 3; i++)
		do_there(nothing);
	do_there(drop);
	assert_true(atomic_load(&asked) > 0);
	assert_int_equal(atomic_load(&looked), 0);
}

static void who_is_busy_is_looked_at_until_it_ends(void **state)
{
	looks_left = 1000;
	poller->poll = ends_itself;
	do_there(add);
	wait_for_it();
	assert_int_equal(atomic_load(&looked), 1000);
	do_there(nothing);
}

static void nobody_else_waits_for_who_is_always_busy(void **state)
{
	do_there(add);
	do_there(watch_pipe_and_clock);
	wait_for_it(); /* the clock */
	assert_int_equal(write(ends[1], "", 1), 1);
	wait_for_it(); /* the pipe */
	do_there(drop);
	assert_true(atomic_load(&looked) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_is_not_busy_is_not_looked_at, setup, teardown),
		cmocka_unit_test_setup_teardown(who_is_busy_is_looked_at_until_it_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_else_waits_for_who_is_always_busy, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
