/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "auth/throttle.h"

#include "auth/auth.h"
#include "core/random.h"
#include "wire/utf16.h"

#include <pthread.h>

/*
 * A table of fixed size: a key (an address or a user, hashed) may be in any of WAYS places of one set, and a
 * new one takes the place whose last failure is longest ago. The seed keeps the choice of a set from those
 * who choose names.
 */
enum { SETS = 256, WAYS = 8 };

struct auth_throttle {
	pthread_mutex_t lock;
	uint64_t seed;
	struct throttle_slot slots[SETS][WAYS];
};

static const uint64_t minute_ns = 60 * 1000000000ull;

static void forget(struct throttle_slot *s, uint64_t now_ns)
{
	uint64_t quiet = now_ns > s->last_ns ? (now_ns - s->last_ns) / minute_ns : 0;

	s->failures = quiet < s->failures ? s->failures - (unsigned)quiet : 0;
}

unsigned throttle_fail(struct throttle_slot *s, uint64_t now_ns)
{
	forget(s, now_ns);
	if (s->failures < THROTTLE_FAILURES_MAX)
		s->failures++;
	s->last_ns = now_ns;
	return s->failures < 2 ? 0 : THROTTLE_FIRST_MS << (s->failures - 2);
}

static int destroy(struct auth_throttle *t)
{
	pthread_mutex_destroy(&t->lock);
	return 0;
}

struct auth_throttle *auth_throttle_new(TALLOC_CTX *mem)
{
	struct auth_throttle *t = talloc_zero(mem, struct auth_throttle);

	if (!t)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	t->seed = random_u64();
	talloc_set_destructor(t, destroy);
	return t;
}

/* The slot of a key; with `take` one is always found. */
static struct throttle_slot *slot_of(struct auth_throttle *t, uint64_t key, bool take)
{
	uint64_t mixed = (key ^ t->seed) * 0x9e3779b97f4a7c15ull;
	struct throttle_slot *set = t->slots[(mixed >> 32) % SETS], *oldest = set;

	for (int i = 0; i < WAYS; i++) {
		if (set[i].key == key && set[i].failures)
			return &set[i];
		if (oldest->failures && (!set[i].failures || set[i].last_ns < oldest->last_ns))
			oldest = &set[i];
	}
	if (!take)
		return NULL;
	*oldest = (struct throttle_slot){.key = key};
	return oldest;
}

static uint64_t address_key(const char *address)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (; *address; address++)
		h = (h ^ (uint8_t)*address) * 0x100000001b3ull;
	return h | 1; /* odd keys are addresses, even ones users */
}

static uint64_t user_key(const char *user)
{
	return name_casehash(user) << 1;
}

unsigned auth_throttle_record(
	struct auth_throttle *t, const char *address, const char *user, bool success, uint64_t now_ns)
{
	uint64_t by_address = address_key(address), by_user = user_key(user ? user : "");
	unsigned delay = 0;

	pthread_mutex_lock(&t->lock);
	if (success) {
		/*
		 * The address keeps its record: whoever has one account must not wash off his guesses at
		 * others.
		 */
		struct throttle_slot *s = slot_of(t, by_user, false);
		if (s)
			*s = (struct throttle_slot){0};
	} else {
		unsigned a = throttle_fail(slot_of(t, by_address, true), now_ns);
		unsigned u = throttle_fail(slot_of(t, by_user, true), now_ns);
		delay = a > u ? a : u;
	}
	pthread_mutex_unlock(&t->lock);
	return delay;
}
