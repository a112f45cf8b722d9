/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/bytes.h"
#include "core/fault.h"
#include "core/workers.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * cmocka's asserts leave by longjmp and so belong to the main thread: other threads count what they see, and
 * the main thread waits for a semaphore and looks at the counts.
 */

enum { REACTORS = 3, MESSAGES = 5000, JOBS = 500, PATIENCE_SECONDS = 60 };

static void wait_for(sem_t *s)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_SECONDS;
	if (sem_timedwait(s, &until) != 0)
		fail_msg("nothing happened in time");
}

/* What a reactor's start and stop saw. */
struct place {
	struct reactor *self, *current;
	pthread_t thread;
	bool stopped_there;
};

static struct place places[REACTORS];
static atomic_uint stops;
static int refuse_start; /* index of the reactor whose start fails, or -1 */

static void *start(struct reactor *r, void *arg)
{
	unsigned i = reactor_index(r);

	if ((int)i == refuse_start)
		return NULL;
	places[i] = (struct place){.self = r, .current = reactor_current(), .thread = pthread_self()};
	return &places[i];
}

static void stop(struct reactor *r)
{
	struct place *p = reactor_user(r);

	p->stopped_there = pthread_equal(p->thread, pthread_self());
	atomic_fetch_add(&stops, 1);
}

static struct reactors *begin(void)
{
	refuse_start = -1;
	atomic_store(&stops, 0);
	struct reactors *all = reactors_start(NULL, REACTORS, start, stop, NULL);
	assert_non_null(all);
	return all;
}

static void each_reactor_has_a_thread_and_a_context_of_its_own(void **state)
{
	struct reactors *all = begin();

	assert_int_equal(reactors_count(all), REACTORS);
	assert_null(reactor_current());
	for (unsigned i = 0; i < REACTORS; i++) {
		struct reactor *r = reactors_get(all, i);
		assert_ptr_equal(places[i].self, r);
		assert_ptr_equal(places[i].current, r);
		assert_ptr_equal(reactor_user(r), &places[i]);
		assert_int_equal(reactor_index(r), i);
		assert_non_null(reactor_ev(r));
		for (unsigned k = 0; k < i; k++) {
			assert_false(pthread_equal(places[i].thread, places[k].thread));
			assert_ptr_not_equal(reactor_ev(r), reactor_ev(reactors_get(all, k)));
		}
	}
	reactors_stop(all);
	assert_int_equal(atomic_load(&stops), REACTORS);
	for (unsigned i = 0; i < REACTORS; i++)
		assert_true(places[i].stopped_there);
}

static void a_reactor_that_cannot_start_stops_all_others(void **state)
{
	for (refuse_start = 0; refuse_start < REACTORS; refuse_start++) {
		atomic_store(&stops, 0);
		assert_null(reactors_start(NULL, REACTORS, start, stop, NULL));
		assert_int_equal(atomic_load(&stops), REACTORS - 1);
	}
}

struct numbered {
	struct message m;
	struct reactor *to;
	unsigned sender, number;
};

static unsigned next_number[REACTORS + 1]; /* by sender; touched by the receiving thread only */
static atomic_uint delivered, out_of_order, on_wrong_thread;
static sem_t all_there;

static void deliver_numbered(struct reactor *self, struct message *m)
{
	struct numbered *n = container_of(m, struct numbered, m);

	if (self != n->to || reactor_current() != self)
		atomic_fetch_add(&on_wrong_thread, 1);
	if (next_number[n->sender]++ != n->number)
		atomic_fetch_add(&out_of_order, 1);
	talloc_free(n);
	atomic_fetch_add(&delivered, 1);
}

static void send_numbered(struct reactor *to, unsigned sender)
{
	for (unsigned i = 0; i < MESSAGES; i++) {
		struct numbered *n = talloc_zero(NULL, struct numbered);
		*n = (struct numbered){
			.m.deliver = deliver_numbered, .to = to, .sender = sender, .number = i};
		reactor_post(to, &n->m);
	}
}

static void reset_counts(void)
{
	memset(next_number, 0, sizeof(next_number));
	atomic_store(&delivered, 0);
	atomic_store(&out_of_order, 0);
	atomic_store(&on_wrong_thread, 0);
}

static void messages_from_one_thread_arrive_in_their_order(void **state)
{
	struct reactors *all = begin();

	reset_counts();
	send_numbered(reactors_get(all, 1), 0);
	reactors_stop(all);
	assert_int_equal(atomic_load(&delivered), MESSAGES);
	assert_int_equal(atomic_load(&out_of_order), 0);
	assert_int_equal(atomic_load(&on_wrong_thread), 0);
}

struct order_to_send {
	struct message m;
	struct reactor *to;
};

static void deliver_order_to_send(struct reactor *self, struct message *m)
{
	struct order_to_send *o = container_of(m, struct order_to_send, m);

	send_numbered(o->to, 1 + reactor_index(self));
	talloc_free(o);
	sem_post(&all_there);
}

/* Two reactors and the main thread send at the same time; each sender's own messages keep their order. */
static void several_senders_each_keep_their_order(void **state)
{
	struct reactors *all = begin();

	reset_counts();
	sem_init(&all_there, 0, 0);
	for (unsigned i = 1; i < REACTORS; i++) {
		struct order_to_send *o = talloc_zero(NULL, struct order_to_send);
		*o = (struct order_to_send){.m.deliver = deliver_order_to_send, .to = reactors_get(all, 0)};
		reactor_post(reactors_get(all, i), &o->m);
	}
	send_numbered(reactors_get(all, 0), 0);
	for (unsigned i = 1; i < REACTORS; i++)
		wait_for(&all_there);
	reactors_stop(all);
	assert_int_equal(atomic_load(&delivered), REACTORS * MESSAGES);
	assert_int_equal(atomic_load(&out_of_order), 0);
	assert_int_equal(atomic_load(&on_wrong_thread), 0);
}

/* A job that says what became of it. `hold` is waited for while it runs. */
struct tracked {
	struct job j;
	sem_t *began, *hold;
	struct reactor *submitter;
	atomic_uint runs, dones, dones_that_ran;
};

static struct tracked jobs[REACTORS][JOBS];
static atomic_uint ran_on_a_reactor;
static sem_t home;

static void run_tracked(struct job *j)
{
	struct tracked *t = container_of(j, struct tracked, j);

	if (reactor_current())
		atomic_fetch_add(&ran_on_a_reactor, 1);
	atomic_fetch_add(&t->runs, 1);
	if (t->began)
		sem_post(t->began);
	if (t->hold)
		sem_wait(t->hold);
}

static void done_tracked(struct job *j, bool ran)
{
	struct tracked *t = container_of(j, struct tracked, j);

	if (reactor_current() != t->submitter)
		atomic_fetch_add(&on_wrong_thread, 1);
	atomic_fetch_add(&t->dones, 1);
	atomic_fetch_add(&t->dones_that_ran, ran);
	sem_post(&home);
}

/* Submits and cancels happen on reactors only, so the main thread asks them to. */
struct errand {
	struct message m;
	struct workers *pool;
	struct tracked *jobs;
	unsigned n;
	bool cancelled; /* what the last cancel said */
	sem_t finished;
};

static void deliver_submit(struct reactor *self, struct message *m)
{
	struct errand *e = container_of(m, struct errand, m);

	for (unsigned i = 0; i < e->n; i++) {
		e->jobs[i].submitter = self;
		e->jobs[i].j.run = run_tracked;
		e->jobs[i].j.done = done_tracked;
		workers_submit(e->pool, &e->jobs[i].j);
	}
	sem_post(&e->finished);
}

static void deliver_cancel(struct reactor *self, struct message *m)
{
	struct errand *e = container_of(m, struct errand, m);

	for (unsigned i = 0; i < e->n; i++)
		e->cancelled = workers_cancel(e->pool, &e->jobs[i].j);
	sem_post(&e->finished);
}

static bool send_errand(struct reactor *r, void (*deliver)(struct reactor *, struct message *),
	struct workers *pool, struct tracked *list, unsigned n)
{
	struct errand e = {.m.deliver = deliver, .pool = pool, .jobs = list, .n = n};

	sem_init(&e.finished, 0, 0);
	reactor_post(r, &e.m);
	wait_for(&e.finished);
	return e.cancelled;
}

static void reset_jobs(void)
{
	reset_counts();
	memset(jobs, 0, sizeof(jobs));
	atomic_store(&ran_on_a_reactor, 0);
	sem_init(&home, 0, 0);
}

static void every_job_runs_once_and_comes_home_once(void **state)
{
	struct reactors *all = begin();
	struct workers *pool = workers_start(NULL, 2);

	assert_non_null(pool);
	reset_jobs();
	for (unsigned i = 0; i < REACTORS; i++)
		send_errand(reactors_get(all, i), deliver_submit, pool, jobs[i], JOBS);
	for (unsigned i = 0; i < REACTORS * JOBS; i++)
		wait_for(&home);
	workers_stop(pool);
	reactors_stop(all);
	workers_free(pool);
	assert_int_equal(atomic_load(&on_wrong_thread), 0);
	assert_int_equal(atomic_load(&ran_on_a_reactor), 0);
	for (unsigned i = 0; i < REACTORS * JOBS; i++) {
		struct tracked *t = &jobs[i / JOBS][i % JOBS];
		assert_int_equal(atomic_load(&t->runs), 1);
		assert_int_equal(atomic_load(&t->dones), 1);
		assert_int_equal(atomic_load(&t->dones_that_ran), 1);
	}
}

static void a_cancelled_job_does_not_run_and_comes_home_once(void **state)
{
	struct reactors *all = begin();
	struct reactor *r = reactors_get(all, 0);
	struct workers *pool = workers_start(NULL, 1);
	sem_t began, hold;

	reset_jobs();
	sem_init(&began, 0, 0);
	sem_init(&hold, 0, 0);
	jobs[0][0].began = &began;
	jobs[0][0].hold = &hold;
	send_errand(r, deliver_submit, pool, jobs[0], 3);
	wait_for(&began); /* the one worker is busy: the others are queued */
	assert_true(send_errand(r, deliver_cancel, pool, &jobs[0][1], 1));
	wait_for(&home);
	assert_false(send_errand(r, deliver_cancel, pool, &jobs[0][1], 1)); /* it is home */
	assert_false(send_errand(r, deliver_cancel, pool, &jobs[0][0], 1)); /* it runs */
	sem_post(&hold);
	wait_for(&home);
	wait_for(&home);
	workers_stop(pool);
	reactors_stop(all);
	workers_free(pool);
	static const unsigned runs[] = {1, 0, 1};
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(atomic_load(&jobs[0][i].runs), runs[i]);
		assert_int_equal(atomic_load(&jobs[0][i].dones), 1);
		assert_int_equal(atomic_load(&jobs[0][i].dones_that_ran), runs[i]);
	}
}

static void deliver_release(struct reactor *self, struct message *m)
{
	struct errand *e = container_of(m, struct errand, m);

	sem_post(e->jobs[0].hold);
	sem_post(&e->finished);
}

/*
 * The one worker is held until the pool is about to stop: what it runs then comes home as run, what is still
 * queued as not run, and each says truly which.
 */
static void a_pool_that_stops_sends_every_job_home_once(void **state)
{
	struct reactors *all = begin();
	struct workers *pool = workers_start(NULL, 1);
	struct errand release = {.m.deliver = deliver_release, .jobs = jobs[0]};
	sem_t began, hold;

	reset_jobs();
	sem_init(&began, 0, 0);
	sem_init(&hold, 0, 0);
	sem_init(&release.finished, 0, 0);
	jobs[0][0].began = &began;
	jobs[0][0].hold = &hold;
	for (unsigned i = 0; i < REACTORS; i++)
		send_errand(reactors_get(all, i), deliver_submit, pool, jobs[i], JOBS);
	wait_for(&began);
	reactor_post(reactors_get(all, 0), &release.m);
	workers_stop(pool);
	wait_for(&release.finished);
	reactors_stop(all);
	workers_free(pool);
	assert_int_equal(atomic_load(&jobs[0][0].dones_that_ran), 1);
	for (unsigned i = 0; i < REACTORS * JOBS; i++) {
		struct tracked *t = &jobs[i / JOBS][i % JOBS];
		assert_int_equal(atomic_load(&t->dones), 1);
		assert_int_equal(atomic_load(&t->dones_that_ran), atomic_load(&t->runs));
	}
	assert_int_equal(atomic_load(&on_wrong_thread), 0);
}

/* What comes home from a pool that stops may ask for more, as long as there are reactors. */
static void a_job_for_a_pool_that_has_stopped_comes_home_once_and_does_not_run(void **state)
{
	struct reactors *all = begin();
	struct workers *pool = workers_start(NULL, 1);

	reset_jobs();
	workers_stop(pool);
	send_errand(reactors_get(all, 0), deliver_submit, pool, jobs[0], JOBS);
	for (unsigned i = 0; i < JOBS; i++)
		wait_for(&home);
	assert_false(send_errand(reactors_get(all, 0), deliver_cancel, pool, &jobs[0][0], 1));
	reactors_stop(all);
	workers_free(pool);
	for (unsigned i = 0; i < JOBS; i++) {
		assert_int_equal(atomic_load(&jobs[0][i].runs), 0);
		assert_int_equal(atomic_load(&jobs[0][i].dones), 1);
		assert_int_equal(atomic_load(&jobs[0][i].dones_that_ran), 0);
	}
	assert_int_equal(atomic_load(&on_wrong_thread), 0);
}

/* ---- faults ---- */

struct toucher {
	struct job job;
	struct message m;
	uint8_t *beyond; /* a page that its file does not have */
	int on_worker, on_reactor;
	sem_t finished;
};

static void touch_on_worker(struct job *j)
{
	struct toucher *t = container_of(j, struct toucher, job);
	uint8_t byte;

	t->on_worker = fault_copy(&byte, t->beyond, 1);
}

static void worker_has_touched(struct job *j, bool ran)
{
	sem_post(&container_of(j, struct toucher, job)->finished);
}

static struct workers *toucher_pool;

static void touch_on_reactor(struct reactor *self, struct message *m)
{
	struct toucher *t = container_of(m, struct toucher, m);
	uint8_t byte;

	t->on_reactor = fault_copy(&byte, t->beyond, 1);
	t->job = (struct job){.run = touch_on_worker, .done = worker_has_touched};
	workers_submit(toucher_pool, &t->job);
}

static void reactors_and_workers_outlive_memory_that_faults(void **state)
{
	struct toucher t = {.m.deliver = touch_on_reactor};
	int fd = memfd_create("fault", MFD_CLOEXEC);

	t.beyond = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(t.beyond, MAP_FAILED);
	assert_int_equal(fault_install(), 0);
	sem_init(&t.finished, 0, 0);
	toucher_pool = workers_start(NULL, 1);
	struct reactors *all = begin();
	reactor_post(reactors_get(all, 0), &t.m);
	wait_for(&t.finished);
	workers_stop(toucher_pool);
	reactors_stop(all);
	workers_free(toucher_pool);
	assert_int_equal(t.on_reactor, -EIO);
	assert_int_equal(t.on_worker, -EIO);
	munmap(t.beyond, 4096);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_reactor_has_a_thread_and_a_context_of_its_own),
		cmocka_unit_test(a_reactor_that_cannot_start_stops_all_others),
		cmocka_unit_test(messages_from_one_thread_arrive_in_their_order),
		cmocka_unit_test(several_senders_each_keep_their_order),
		cmocka_unit_test(every_job_runs_once_and_comes_home_once),
		cmocka_unit_test(a_cancelled_job_does_not_run_and_comes_home_once),
		cmocka_unit_test(a_pool_that_stops_sends_every_job_home_once),
		cmocka_unit_test(a_job_for_a_pool_that_has_stopped_comes_home_once_and_does_not_run),
		cmocka_unit_test(reactors_and_workers_outlive_memory_that_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
