/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/grant_state.h"

#include "core/bytes.h"

struct row {
	enum grant_state state;
	enum grant_event event;
	enum grant_state next;
	unsigned actions;
};

/*
 * A pair without a row cannot come. A grant that ends while its pin is being made is fenced at once, for nobody ever had its
 * tags; it lives on until the pin is home and given back.
 */
static const struct row rows[] = {
	{GRANT_REQUESTED, GRANT_EV_PINNED, GRANT_PINNED, GRANT_DO_REGISTER},
	{GRANT_REQUESTED, GRANT_EV_PIN_FAILED, GRANT_DEAD, GRANT_DO_REFUSE | GRANT_DO_FREE},
	{GRANT_REQUESTED, GRANT_EV_RECALL, GRANT_FENCED, GRANT_DO_REFUSE},
	{GRANT_REQUESTED, GRANT_EV_END, GRANT_FENCED, GRANT_DO_REFUSE},

	{GRANT_PINNED, GRANT_EV_TAGGED, GRANT_LIVE, 0},
	{GRANT_PINNED, GRANT_EV_RECALL, GRANT_FENCED, GRANT_DO_REFUSE | GRANT_DO_FENCE | GRANT_DO_UNPIN},
	{GRANT_PINNED, GRANT_EV_END, GRANT_FENCED, GRANT_DO_REFUSE | GRANT_DO_FENCE | GRANT_DO_UNPIN},

	{GRANT_LIVE, GRANT_EV_RECALL, GRANT_BREAKING, GRANT_DO_NOTIFY},
	{GRANT_LIVE, GRANT_EV_END, GRANT_FENCED, GRANT_DO_FENCE | GRANT_DO_UNPIN},

	{GRANT_BREAKING, GRANT_EV_RECALL, GRANT_BREAKING, 0},
	{GRANT_BREAKING, GRANT_EV_QUIESCED, GRANT_FENCED, GRANT_DO_FENCE | GRANT_DO_UNPIN},
	{GRANT_BREAKING, GRANT_EV_DEADLINE, GRANT_FENCED, GRANT_DO_FENCE | GRANT_DO_UNPIN},
	{GRANT_BREAKING, GRANT_EV_END, GRANT_FENCED, GRANT_DO_FENCE | GRANT_DO_UNPIN},

	{GRANT_FENCED, GRANT_EV_PINNED, GRANT_FENCED, GRANT_DO_UNPIN},
	{GRANT_FENCED, GRANT_EV_PIN_FAILED, GRANT_DEAD, GRANT_DO_FREE},
	{GRANT_FENCED, GRANT_EV_RECALL, GRANT_FENCED, 0},
	{GRANT_FENCED, GRANT_EV_END, GRANT_FENCED, 0},
	{GRANT_FENCED, GRANT_EV_UNPINNED, GRANT_DEAD, GRANT_DO_FREE},
};

struct grant_step grant_next(enum grant_state state, enum grant_event event)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].state == state && rows[i].event == event)
			return (struct grant_step){rows[i].next, rows[i].actions, true};
	return (struct grant_step){state, 0, false};
}
