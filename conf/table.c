/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "conf/table.h"

#include "core/bytes.h"

#include "config.h"

#include <ctype.h>
#include <string.h>

static const struct conf_row rows[P_COUNT] = {
#define PARAM(id, name, type, scope, initial, class, doc) \
	[P_##id] = {name, CONF_TYPE_##type, CONF_SCOPE_##scope, initial, CONF_CLASS_##class, doc},
#include "conf/params.def"
};

enum sense { SENSE_SAME, SENSE_INVERTED };
static const struct synonym {
	const char *name;
	enum conf_param param;
	enum sense sense;
} synonyms[] = {
#define SYNONYM(name, id, sense) {name, P_##id, SENSE_##sense},
#include "conf/params.def"
};

static const struct family {
	const char *words, *doc;
} families[] = {
#define FAMILY(words, doc) {words, doc},
#include "conf/params.def"
};

static const struct conf_module_row modules[] = {
#define MODULE(name, class, doc) {name, CONF_CLASS_##class, doc},
#include "conf/params.def"
};

const struct conf_row *conf_row(enum conf_param p)
{
	return &rows[p];
}

const char *conf_param_name(enum conf_param p)
{
	return rows[p].name;
}

bool conf_is_honoured(enum conf_param p)
{
	return rows[p].class == CONF_CLASS_HONOURED || rows[p].class == CONF_CLASS_MAPPED;
}

bool conf_is_global(enum conf_param p)
{
	return rows[p].scope == CONF_SCOPE_GLOBAL;
}

static const char *skip_blanks(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static int lower(char c)
{
	return tolower((unsigned char)c);
}

bool conf_name_equal(const char *a, const char *b)
{
	for (;; a++, b++) {
		a = skip_blanks(a);
		b = skip_blanks(b);
		if (lower(*a) != lower(*b))
			return false;
		if (!*a)
			return true;
	}
}

bool conf_lookup(const char *name, enum conf_param *p, bool *inverted)
{
	*inverted = false;
	for (size_t i = 0; i < P_COUNT; i++)
		if (conf_name_equal(rows[i].name, name)) {
			*p = i;
			return true;
		}
	for (size_t i = 0; i < ARRAY_SIZE(synonyms); i++)
		if (conf_name_equal(synonyms[i].name, name)) {
			*p = synonyms[i].param;
			*inverted = synonyms[i].sense == SENSE_INVERTED;
			return true;
		}
	return false;
}

const char *conf_family(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		size_t n = strlen(families[i].words);
		if (strncasecmp(name, families[i].words, n) == 0 && isspace((unsigned char)name[n]))
			return families[i].doc;
	}
	return NULL;
}

const struct conf_module_row *conf_module(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
		if (strcasecmp(modules[i].name, name) == 0)
			return &modules[i];
	return NULL;
}

enum { NAME_LONGEST = 64, NEAR_ENOUGH = 3 };

/* Letters to insert, remove or change to get from one name to the other (Levenshtein). */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[NAME_LONGEST + 1];
	size_t n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (; *a; a++) {
		unsigned diagonal = row[0]++;
		for (size_t j = 1; j <= n; j++) {
			unsigned best = diagonal + (lower(*a) != lower(b[j - 1]));
			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

static void consider(const char *known, const char *name, const char **nearest, unsigned *best)
{
	size_t a = strlen(known), b = strlen(name);

	/* The difference in length is a lower bound of the distance. */
	if (a > NAME_LONGEST || (a > b ? a - b : b - a) >= *best)
		return;
	unsigned d = distance(name, known);
	if (d < *best) {
		*best = d;
		*nearest = known;
	}
}

const char *conf_nearest(const char *name)
{
	const char *nearest = NULL;
	unsigned best = NEAR_ENOUGH + 1;

	if (strlen(name) > NAME_LONGEST)
		return NULL;
	for (size_t i = 0; i < P_COUNT; i++)
		consider(rows[i].name, name, &nearest, &best);
	for (size_t i = 0; i < ARRAY_SIZE(synonyms); i++)
		consider(synonyms[i].name, name, &nearest, &best);
	return nearest;
}
