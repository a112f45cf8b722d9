/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/workers.h"

#include "core/fault.h"

#include <pthread.h>
#include <signal.h>

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct list queue;
	bool stopping;
	unsigned n;
	pthread_t *threads;
};

static void deliver_done(struct reactor *self, struct message *m)
{
	struct job *j = container_of(m, struct job, m);

	j->done(j, j->ran);
}

static void send_home(struct job *j, bool ran)
{
	j->ran = ran;
	j->m.deliver = deliver_done;
	reactor_post(j->home, &j->m);
}

/* The next job, or NULL when the pool stops. */
static struct job *take(struct workers *w)
{
	struct list *item = NULL;

	pthread_mutex_lock(&w->lock);
	while (!w->stopping && list_empty(&w->queue))
		pthread_cond_wait(&w->more, &w->lock);
	if (!w->stopping)
		item = list_pop(&w->queue);
	struct job *j = item ? container_of(item, struct job, m.link) : NULL;
	if (j)
		j->queued = false;
	pthread_mutex_unlock(&w->lock);
	return j;
}

static void *worker_main(void *arg)
{
	struct workers *w = arg;
	struct job *j;

	pthread_setname_np(pthread_self(), "worker");
	while ((j = take(w))) {
		j->run(j);
		send_home(j, true);
	}
	return NULL;
}

struct workers *workers_start(TALLOC_CTX *mem, unsigned n)
{
	struct workers *w = talloc_zero(mem, struct workers);
	sigset_t block, old;

	if (!w)
		return NULL;
	w->threads = talloc_zero_array(w, pthread_t, n);
	list_init(&w->queue);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	fault_others(&block);
	pthread_sigmask(SIG_SETMASK, &block, &old);
	while (w->threads && w->n < n && pthread_create(&w->threads[w->n], NULL, worker_main, w) == 0)
		w->n++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (w->n == n)
		return w;
	workers_stop(w);
	workers_free(w);
	return NULL;
}

void workers_stop(struct workers *w)
{
	struct list *item;

	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->n; i++)
		pthread_join(w->threads[i], NULL);
	while ((item = list_pop(&w->queue)))
		send_home(container_of(item, struct job, m.link), false);
}

void workers_free(struct workers *w)
{
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->more);
	talloc_free(w);
}

void workers_submit(struct workers *w, struct job *j)
{
	j->home = reactor_current();
	pthread_mutex_lock(&w->lock);
	bool stopping = w->stopping;
	j->queued = !stopping;
	if (!stopping) {
		list_append(&w->queue, &j->m.link);
		pthread_cond_signal(&w->more);
	}
	pthread_mutex_unlock(&w->lock);
	if (stopping)
		send_home(j, false);
}

bool workers_cancel(struct workers *w, struct job *j)
{
	pthread_mutex_lock(&w->lock);
	bool was_queued = j->queued;
	if (was_queued) {
		list_remove(&j->m.link);
		j->queued = false;
	}
	pthread_mutex_unlock(&w->lock);
	if (was_queued)
		send_home(j, false);
	return was_queued;
}
