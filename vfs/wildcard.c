/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/wildcard.h"
#include "vfs/names.h"
#include "vfs/vfs.h"
#include "wire/utf16.h"

#include <errno.h>
#include <stdlib.h>

/*
 * [MS-FSA] 2.1.4.4 as a set of positions in the pattern that moves along the name, so that the time is
 * bounded by the product of both lengths whatever the pattern is. Characters are UTF-16 units, as Windows
 * counts them.
 */
enum wildcard_kind { WILDCARD_ALL, WILDCARD_LITERAL, WILDCARD_GENERAL };

struct wildcard {
	enum wildcard_kind kind;
	size_t len;
	uint16_t units[]; /* upcased */
};

enum { NAME_UNITS_MAX = 1024, SMALL_PATTERN = 256 };

static bool is_wild(uint16_t c)
{
	return c == '*' || c == '?' || c == '<' || c == '>' || c == '"';
}

/* Upcased UTF-16 units of s, at most cap. A byte that is not UTF-8 counts as a character of its own. */
static size_t upcase_units(const char *s, uint16_t *out, size_t cap)
{
	size_t left = strlen(s), o = 0;

	while (left && o < cap) {
		uint32_t c = 0;
		size_t n = utf8_decode(s, left, &c);
		if (n == 0) {
			c = (uint8_t)*s;
			n = 1;
		}
		c = unicode_upcase(c);
		if (c >= 0x10000) {
			out[o++] = (uint16_t)(0xD7C0 + (c >> 10));
			c = 0xDC00 | (c & 0x3FF);
		}
		if (o < cap)
			out[o++] = (uint16_t)c;
		s += n;
		left -= n;
	}
	return o;
}

static enum wildcard_kind kind_of(const struct wildcard *w)
{
	static const uint16_t all[] = {'*', '.', '*'};

	if ((w->len == 1 && w->units[0] == '*') || (w->len == 3 && memcmp(w->units, all, sizeof(all)) == 0))
		return WILDCARD_ALL;
	for (size_t i = 0; i < w->len; i++)
		if (is_wild(w->units[i]))
			return WILDCARD_GENERAL;
	return WILDCARD_LITERAL;
}

struct wildcard *wildcard_compile(const char *pattern)
{
	size_t cap = strlen(pattern) + 1;
	struct wildcard *w = malloc(sizeof(*w) + cap * sizeof(w->units[0]));

	if (!w)
		return NULL;
	w->len = upcase_units(pattern, w->units, cap);
	w->kind = kind_of(w);
	return w;
}

/* Positions reachable without a character of the name: `c` is the next one, 0 at its end. */
static void add_position(const struct wildcard *w, uint8_t *set, size_t at, uint16_t c)
{
	for (;; at++) {
		if (set[at])
			return;
		set[at] = 1;
		if (at == w->len)
			return;
		uint16_t p = w->units[at];
		bool passes =
			p == '*' || p == '<' || (p == '>' && (c == 0 || c == '.')) || (p == '"' && c == 0);
		if (!passes)
			return;
	}
}

/* How far position `at` moves by eating c: 0 stays, 1 moves on, -1 cannot. */
static int eat(uint16_t p, uint16_t c, bool last_dot)
{
	switch (p) {
	case '*':
		return 0;
	case '<': /* everything but the last period */
		return last_dot ? -1 : 0;
	case '?':
		return 1;
	case '>':
		return c == '.' ? -1 : 1;
	case '"':
		return c == '.' ? 1 : -1;
	default:
		return p == c ? 1 : -1;
	}
}

static bool run(const struct wildcard *w, const uint16_t *name, size_t n, uint8_t *now, uint8_t *next)
{
	size_t last_dot = n;

	for (size_t i = 0; i < n; i++)
		if (name[i] == '.')
			last_dot = i;
	memset(now, 0, w->len + 1);
	add_position(w, now, 0, n ? name[0] : 0);
	for (size_t i = 0; i < n; i++) {
		uint16_t after = i + 1 < n ? name[i + 1] : 0;
		memset(next, 0, w->len + 1);
		for (size_t at = 0; at < w->len; at++) {
			int move = now[at] ? eat(w->units[at], name[i], i == last_dot) : -1;
			if (move >= 0)
				add_position(w, next, at + (size_t)move, after);
		}
		uint8_t *swap = now;
		now = next;
		next = swap;
	}
	return now[w->len];
}

bool wildcard_matches(const struct wildcard *w, const char *name)
{
	uint16_t units[NAME_UNITS_MAX];
	uint8_t small[2 * (SMALL_PATTERN + 1)], *state = small;
	bool hit;

	if (*name == 0 || w->len == 0)
		return *name == 0 && w->len == 0;
	if (w->kind == WILDCARD_ALL)
		return true;
	size_t n = upcase_units(name, units, NAME_UNITS_MAX);
	if (w->kind == WILDCARD_LITERAL)
		return n == w->len && memcmp(units, w->units, n * sizeof(units[0])) == 0;
	if (w->len > SMALL_PATTERN && !(state = malloc(2 * (w->len + 1))))
		return false;
	hit = run(w, units, n, state, state + w->len + 1);
	if (state != small)
		free(state);
	return hit;
}

bool wildcard_is_all(const struct wildcard *w)
{
	return w->kind == WILDCARD_ALL;
}

bool wildcard_is_literal(const struct wildcard *w)
{
	return w->kind == WILDCARD_LITERAL;
}

bool wildcard_any(struct wildcard *const *list, const char *name)
{
	for (; list && *list; list++)
		if (wildcard_matches(*list, name))
			return true;
	return false;
}

void wildcard_list_free(struct wildcard **list)
{
	for (struct wildcard **w = list; w && *w; w++)
		free(*w);
	free(list);
}

int wildcard_list_new(const char *const *patterns, struct wildcard ***out)
{
	size_t n = 0;

	*out = NULL;
	while (patterns && patterns[n])
		n++;
	if (n == 0)
		return 0;
	struct wildcard **list = calloc(n + 1, sizeof(*list));
	for (size_t i = 0; list && i < n; i++) {
		list[i] = wildcard_compile(patterns[i]);
		if (!list[i]) {
			wildcard_list_free(list);
			return -ENOMEM;
		}
	}
	*out = list;
	return list ? 0 : -ENOMEM;
}

bool vfs_wildcard_match(const char *pattern, const char *name)
{
	struct wildcard *w = wildcard_compile(pattern);
	bool hit = w && wildcard_matches(w, name);

	free(w);
	return hit;
}
