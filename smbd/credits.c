/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/credits.h"

#include <string.h>

enum { SLOTS = CREDITS_MAX * 2 };

static bool is_used(const struct credit_window *w, uint64_t id)
{
	return w->used[id % SLOTS / 64] >> id % 64 & 1;
}

static void flip_used(struct credit_window *w, uint64_t id)
{
	w->used[id % SLOTS / 64] ^= 1ull << id % 64;
}

void credits_init(struct credit_window *w, uint32_t max)
{
	memset(w, 0, sizeof(*w));
	w->max = max < CREDITS_MAX ? max : CREDITS_MAX;
	w->range = w->granted = 1;
}

bool credits_consume(struct credit_window *w, uint64_t id, uint16_t charge)
{
	uint32_t n = charge ? charge : 1;

	if (id < w->low || id - w->low > w->range || n > w->range - (id - w->low))
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (is_used(w, id + i))
			return false;
	for (uint32_t i = 0; i < n; i++)
		flip_used(w, id + i);
	w->granted -= n;
	while (w->range && is_used(w, w->low)) {
		flip_used(w, w->low);
		w->low++;
		w->range--;
	}
	return true;
}

uint16_t credits_grant(struct credit_window *w, uint16_t requested, uint16_t charge)
{
	uint32_t n = requested;

	if (n < 1 && w->granted == 0)
		n = 1;
	if (w->granted >= w->max)
		n = 0;
	else if (n > w->max - w->granted)
		n = w->max - w->granted;
	/* A client that leaves an old id unused must not make the window grow without bound. */
	uint32_t room = w->range < w->max * 2 ? w->max * 2 - w->range : 0;
	if (n > room)
		n = room;
	w->granted += n;
	w->range += n;
	return (uint16_t)n;
}
