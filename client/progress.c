/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/progress.h"
#include "core/clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR = 30, REDRAW_NS = 100 * 1000 * 1000, LABEL = 28 };

void progress_start(struct progress *p, const char *label, uint64_t total, bool quiet)
{
	*p = (struct progress){.label = label, .total = total, .start_ns = clock_now_ns()};
	p->shown = !quiet && isatty(STDERR_FILENO);
}

static void draw(const struct progress *p, uint64_t now)
{
	double seconds = (double)(now - p->start_ns) / 1e9;
	double rate = seconds > 0 ? (double)p->done / seconds / 1e6 : 0;
	char bar[BAR + 1];
	size_t full = p->total ? (size_t)((double)p->done / (double)p->total * BAR) : 0;

	memset(bar, ' ', BAR);
	memset(bar, '#', full < BAR ? full : BAR);
	bar[BAR] = '\0';
	if (p->total)
		fprintf(stderr, "\r%-*.*s [%s] %3.0f%% %8.1f MB/s\033[K", LABEL, LABEL, p->label, bar,
			(double)p->done / (double)p->total * 100, rate);
	else
		fprintf(stderr, "\r%-*.*s %10.1f MB %8.1f MB/s\033[K", LABEL, LABEL, p->label,
			(double)p->done / 1e6, rate);
}

void progress_add(struct progress *p, uint64_t bytes)
{
	uint64_t now;

	p->done += bytes;
	if (!p->shown)
		return;
	now = clock_now_ns();
	if (now - p->drawn_ns < REDRAW_NS)
		return;
	p->drawn_ns = now;
	draw(p, now);
}

void progress_end(struct progress *p)
{
	if (!p->shown)
		return;
	draw(p, clock_now_ns());
	fprintf(stderr, "\n");
}
