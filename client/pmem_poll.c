/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Waiting by looking again and again. Sleeping until a packet comes, and being woken, takes longer than a
 * Read. What else the event context watches has its turn every OTHERS_NS: a descriptor that is always ready
 * joins it for one round, which so does not wait.
 */
#include "client/pmem.h"
#include "core/clock.h"

#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define OTHERS_NS (200 * 1000ull)

static void breathed(struct tevent_context *ev, struct tevent_fd *fde, uint16_t flags, void *arg)
{
	struct daxsmb_direct *d = arg;

	tevent_fd_set_flags(fde, 0);
	d->breathing = false;
}

/* One event of the others, or some of them. What it does may free d. */
static int others(struct daxsmb_direct *d)
{
	d->others_ns = clock_now_ns();
	if (!d->breathing)
		tevent_fd_set_flags(d->breather, TEVENT_FD_READ);
	d->breathing = true;
	return tevent_loop_once(d->ev);
}

void pmem_poll_end(struct daxsmb_direct *d)
{
	TALLOC_FREE(d->breather);
	if (d->breather_fd >= 0)
		close(d->breather_fd);
	d->breather_fd = -1;
}

bool daxsmb_direct_set_poll(struct daxsmb_direct *d, unsigned microseconds)
{
	pmem_poll_end(d);
	d->poll_us = 0;
	d->breathing = false;
	if (!microseconds)
		return true;
	d->breather_fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	if (d->breather_fd >= 0)
		d->breather = tevent_add_fd(d->ev, d, d->breather_fd, 0, breathed, d);
	if (!d->breather) {
		pmem_poll_end(d);
		return false;
	}
	d->poll_us = microseconds;
	return true;
}

/* True: something has come, and d may be gone. */
static bool spin(struct daxsmb_direct *d, uint64_t now)
{
	uint64_t until = now + d->poll_us * 1000ull;
	struct pmem_turn turn = {0};
	struct rdma_conn *c;

	d->turn = &turn;
	while (!turn.came && now < until && (c = pmem_rdma(d))) {
		turn.came = rdma_poll(c);
		if (turn.gone)
			return true;
		if (!turn.came)
			sched_yield(); /* on one processor with the server, it needs it */
		now = clock_now_ns();
	}
	d->turn = NULL;
	if (turn.came)
		pmem_tell_ended(d);
	return turn.came;
}

int daxsmb_direct_loop_once(struct daxsmb_direct *d)
{
	uint64_t now = clock_now_ns();

	if (d->breathing || (d->poll_us && now - d->others_ns > OTHERS_NS))
		return others(d);
	return spin(d, now) ? 0 : tevent_loop_once(d->ev);
}
