/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/lease.h"

enum { R = SMB2_LEASE_READ, H = SMB2_LEASE_HANDLE, W = SMB2_LEASE_WRITE };

/* [MS-FSA] 2.1.4.12 */
static const struct {
	uint8_t takes;
	uint8_t waits_for; /* as long as the holder has one of these */
	bool oplocks;      /* concerns them alone */
} causes[LEASE_CAUSES] = {
	[LEASE_LOOK] = {W, W, .oplocks = true},
	[LEASE_OPEN] = {W, W},
	[LEASE_SHARING] = {H, H},
	[LEASE_OVERWRITE] = {R | H | W, W},
	[LEASE_DATA] = {R | H | W, 0},
	[LEASE_NAME] = {H, H},
};

uint8_t lease_valid(uint32_t bits)
{
	return bits & R ? (uint8_t)(bits & LEASE_ALL) : 0;
}

/* Only who has W or H has something to do before he gives it up: data to write, handles to close. */
static void tell(struct lease_state *s, uint8_t to, struct lease_notice *n)
{
	*n = (struct lease_notice){.from = s->held, .to = to, .ack = s->held & (W | H)};
	s->breaking = n->ack;
	s->asked = to;
	if (!n->ack)
		s->held = to;
}

static uint8_t left_of(const struct lease_state *s, uint8_t takes)
{
	uint8_t left = lease_valid(s->held & ~takes);

	return s->is_oplock && left != s->held ? left & R : left;
}

bool lease_break(struct lease_state *s, enum lease_cause cause, struct lease_notice *n)
{
	uint8_t left = left_of(s, causes[cause].takes);

	if (causes[cause].oplocks && !s->is_oplock)
		return false;
	if (s->breaking) {
		s->required &= left;
		return false;
	}
	if (left == s->held)
		return false;
	s->required = left;
	s->epoch++; /* of the break as a whole, not of its steps */
	tell(s, left, n);
	return true;
}

bool lease_blocks(const struct lease_state *s, enum lease_cause cause, bool waited)
{
	if (!causes[cause].waits_for || (causes[cause].oplocks && !s->is_oplock))
		return false;
	return (s->held & causes[cause].waits_for) || (waited && s->breaking);
}

ntstatus_t lease_ack(struct lease_state *s, uint32_t keeps, bool *more, struct lease_notice *n)
{
	*more = false;
	if (!s->breaking)
		return STATUS_UNSUCCESSFUL;
	if (keeps & ~s->asked)
		return STATUS_REQUEST_NOT_ACCEPTED;
	s->held = lease_valid(keeps);
	s->breaking = false;
	*more = s->held & ~s->required;
	/* R goes last and alone, as it goes without an answer. */
	if (*more)
		tell(s, s->held & (W | H) ? (s->required & s->held) | R : s->required & s->held, n);
	return STATUS_SUCCESS;
}

void lease_expire(struct lease_state *s)
{
	s->held = 0;
	s->breaking = false;
	s->epoch++;
}

/* W is for who is alone with the file, H is for leases and not beside an oplock. */
uint8_t lease_grant(uint8_t wish, bool is_oplock, const struct lease_others *o)
{
	uint8_t got = lease_valid(wish);

	if ((o->held & W) || (is_oplock && (o->held & H)))
		return 0;
	if (o->opens || o->held)
		got &= ~W;
	if (o->oplocks || (is_oplock && !(got & W)))
		got &= ~H;
	return got;
}

/* [MS-SMB2] 3.3.5.9.8: a superset of what is held; a lease that has lost all is like a new one. */
bool lease_upgrade(struct lease_state *s, uint8_t wish, const struct lease_others *o)
{
	uint8_t valid = lease_valid(wish), got = lease_grant(wish, s->is_oplock, o);

	if (s->breaking || (s->held & ~valid) || got == s->held || (s->held && got != valid))
		return false;
	s->held = got;
	s->epoch++;
	return true;
}
