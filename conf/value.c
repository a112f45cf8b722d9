/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "conf/table.h"

#include "core/bytes.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct conf_value_row values[] = {
#define VALUE(type, name, number, class, doc) {CONF_TYPE_##type, name, number, CONF_CLASS_##class, doc},
#include "conf/params.def"
};

static const struct range {
	enum conf_param param;
	int64_t lowest, highest;
} ranges[] = {
#define RANGE(id, lowest, highest) {P_##id, lowest, highest},
#include "conf/params.def"
};

static const struct {
	const char *text;
	bool value;
} booleans[] = {{"yes", true}, {"no", false}, {"true", true}, {"false", false}, {"on", true}, {"off", false},
	{"1", true}, {"0", false}};

static bool read_bool(const char *text, int64_t *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(booleans); i++)
		if (strcasecmp(text, booleans[i].text) == 0) {
			*out = booleans[i].value;
			return true;
		}
	return false;
}

const char *conf_invert(const char *text)
{
	int64_t b;

	if (!read_bool(text, &b))
		return NULL;
	return b ? "no" : "yes";
}

static struct range range_of(enum conf_param p)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (ranges[i].param == p)
			return ranges[i];
	return (struct range){p, 0, INT32_MAX};
}

/* A number with digits first; *rest is what follows it. */
static bool read_number(const char *text, int base, int64_t *out, const char **rest)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*out = strtoll(text, &end, base);
	*rest = end;
	return errno == 0;
}

static bool read_int(enum conf_param p, const char *text, int64_t *out)
{
	struct range r = range_of(p);
	const char *rest;

	return read_number(text, 10, out, &rest) && !*rest && *out >= r.lowest && *out <= r.highest;
}

static bool read_bytes(enum conf_param p, const char *text, int64_t *out)
{
	static const char suffixes[] = "KMGT";
	struct range r = range_of(p);
	const char *rest;
	unsigned shift = 0;

	if (!read_number(text, 10, out, &rest))
		return false;
	if (*rest) {
		const char *s = strchr(suffixes, toupper((unsigned char)*rest));
		if (!s || (rest[1] && strcasecmp(rest + 1, "B") != 0))
			return false;
		shift = 10 * (unsigned)(s - suffixes + 1);
	}
	if (*out > (r.highest >> shift))
		return false;
	*out <<= shift;
	return *out >= r.lowest;
}

static bool read_octal(const char *text, int64_t *out)
{
	const char *rest;

	return read_number(text, 8, out, &rest) && !*rest && *out <= 07777;
}

static bool read_named(enum conf_type type, const char *text, struct conf_value *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if (values[i].type == type && conf_name_equal(values[i].name, text)) {
			out->named = &values[i];
			out->number = values[i].number;
			return true;
		}
	return false;
}

/* One word at *text into `word`, which is long enough; false when there is none. */
static bool next_word(const char **text, const char *separators, bool quotes, char *word)
{
	bool quoted = false;

	*text += strspn(*text, separators);
	if (!**text)
		return false;
	for (; **text && (quoted || !strchr(separators, **text)); ++*text) {
		if (quotes && **text == '"')
			quoted = !quoted;
		else
			*word++ = **text;
	}
	*word = '\0';
	return true;
}

static const char *const *split(TALLOC_CTX *mem, const char *text, const char *separators, bool quotes)
{
	const char **list = talloc_zero_array(mem, const char *, 1);
	char *word = talloc_size(list, strlen(text) + 1);
	size_t n = 0;

	if (!word)
		goto fail;
	while (next_word(&text, separators, quotes, word)) {
		if (!*word)
			continue;
		const char **longer = talloc_realloc(mem, list, const char *, n + 2);
		if (!longer)
			goto fail;
		list = longer;
		list[n + 1] = NULL;
		list[n] = talloc_strdup(list, word);
		if (!list[n++])
			goto fail;
	}
	talloc_free(word);
	return list;
fail:
	talloc_free(list);
	return NULL;
}

static const char *names_of(TALLOC_CTX *mem, enum conf_type type)
{
	char *text = talloc_strdup(mem, "one of");
	const char *separator = " ";

	for (size_t i = 0; text && i < ARRAY_SIZE(values); i++)
		if (values[i].type == type && values[i].class != CONF_CLASS_REFUSED) {
			text = talloc_asprintf_append(text, "%s%s", separator, values[i].name);
			separator = ", ";
		}
	return text;
}

static const char *expected_of(TALLOC_CTX *mem, enum conf_param p)
{
	const struct conf_row *row = conf_row(p);
	struct range r = range_of(p);

	switch (row->type) {
	case CONF_TYPE_BOOL:
		return "yes or no";
	case CONF_TYPE_INT:
		return talloc_asprintf(
			mem, "a whole number from %" PRId64 " to %" PRId64, r.lowest, r.highest);
	case CONF_TYPE_BYTES:
		return talloc_asprintf(mem,
			"a size from %" PRId64 " to %" PRId64 " bytes; K, M and G may follow", r.lowest,
			r.highest);
	case CONF_TYPE_OCTAL:
		return "an octal mode such as 0755";
	default:
		return names_of(mem, row->type);
	}
}

/* Without the quotes that some put around a whole value. */
static const char *unquote(TALLOC_CTX *mem, const char *text)
{
	size_t n = strlen(text);

	if (n >= 2 && text[0] == '"' && text[n - 1] == '"')
		return talloc_strndup(mem, text + 1, n - 2);
	return text;
}

static bool read_typed(TALLOC_CTX *mem, enum conf_param p, struct conf_value *v)
{
	enum conf_type type = conf_row(p)->type;

	switch (type) {
	case CONF_TYPE_BOOL:
		return read_bool(v->text, &v->number);
	case CONF_TYPE_INT:
		return read_int(p, v->text, &v->number);
	case CONF_TYPE_BYTES:
		return read_bytes(p, v->text, &v->number);
	case CONF_TYPE_OCTAL:
		return read_octal(v->text, &v->number);
	case CONF_TYPE_STRING:
		v->text = unquote(mem, v->text);
		return v->text;
	case CONF_TYPE_WORDS:
		v->list = split(mem, v->text, " \t,;\r\n", true);
		return v->list;
	case CONF_TYPE_SLASHED:
		v->text = unquote(mem, v->text);
		v->list = v->text ? split(mem, v->text, "/", false) : NULL;
		return v->list;
	default:
		return read_named(type, v->text, v);
	}
}

bool conf_value_read(
	TALLOC_CTX *mem, enum conf_param p, const char *text, struct conf_value *out, const char **expected)
{
	enum conf_type type = conf_row(p)->type;
	bool fits_always = type == CONF_TYPE_STRING || type == CONF_TYPE_WORDS || type == CONF_TYPE_SLASHED;
	struct conf_value v = {.text = talloc_strdup(mem, text)};

	*expected = NULL;
	if (!v.text)
		return false;
	if (!read_typed(mem, p, &v)) {
		*expected = fits_always ? NULL : expected_of(mem, p);
		return false;
	}
	*out = v;
	return true;
}
