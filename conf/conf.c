/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "conf/snapshot.h"

#include "config.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGES_MOST = 1000, NETBIOS_NAME_LONGEST = 15 };

bool conf_say(struct conf *c, enum conf_severity severity, struct conf_place at, const char *parameter,
	const char *fmt, ...)
{
	struct conf_message *m;
	va_list ap;

	c->errors |= severity == CONF_ERROR;
	if (c->message_count == MESSAGES_MOST)
		return true;
	m = talloc_realloc(c, c->messages, struct conf_message, c->message_count + 1);
	if (!m)
		return false;
	c->messages = m;
	va_start(ap, fmt);
	char *text = talloc_vasprintf(c, fmt, ap);
	va_end(ap);
	char *name = parameter ? talloc_strdup(c, parameter) : NULL;
	if (!text || (parameter && !name))
		return false;
	m[c->message_count++] = (struct conf_message){severity, at.file, at.line, name, text};
	return true;
}

struct conf_section *conf_section_new(struct conf *c, const char *name, struct conf_place at)
{
	struct conf_section *s = talloc_zero(c, struct conf_section);

	if (!s)
		return NULL;
	s->conf = c;
	s->place = at;
	s->name = talloc_strdup(s, name);
	if (!s->name)
		TALLOC_FREE(s);
	return s;
}

/* The first part of the host name in capitals, as NetBIOS names are. */
static void default_netbios_name(char out[NETBIOS_NAME_LONGEST + 1])
{
	char host[256] = "";
	size_t n = 0;

	gethostname(host, sizeof(host) - 1);
	for (; n < NETBIOS_NAME_LONGEST && host[n] && host[n] != '.'; n++)
		out[n] = (char)toupper((unsigned char)host[n]);
	out[n] = '\0';
	if (!n)
		snprintf(out, NETBIOS_NAME_LONGEST + 1, "SERVER");
}

static bool set_defaults(struct conf_section *global)
{
	char netbios[NETBIOS_NAME_LONGEST + 1];
	const char *expected;

	default_netbios_name(netbios);
	for (size_t p = 0; p < P_COUNT; p++)
		if (!conf_value_read(global, p, p == P_NETBIOS_NAME ? netbios : conf_row(p)->initial,
			    &global->settings[p].value, &expected))
			return false;
	return true;
}

static struct conf *conf_new(TALLOC_CTX *mem)
{
	struct conf *c = talloc_zero(mem, struct conf);

	if (!c)
		return NULL;
	c->global = conf_section_new(c, "global", (struct conf_place){"", 0});
	if (!c->global || !set_defaults(c->global))
		TALLOC_FREE(c);
	return c;
}

static struct conf *read_text(
	TALLOC_CTX *mem, const char *text, size_t len, const char *name, bool may_include, const char **error)
{
	struct conf *c = conf_new(mem);

	if (c && conf_read_text(c, text, len, name, may_include) && conf_apply_rules(c))
		return c;
	talloc_free(c);
	*error = "out of memory";
	return NULL;
}

struct conf *conf_parse(TALLOC_CTX *mem, const char *text, size_t len, const char *name, const char **error)
{
	return read_text(mem, text, len, name, false, error);
}

struct conf *conf_load(TALLOC_CTX *mem, const char *path, const char **error)
{
	size_t len;
	char *text = conf_read_file(mem, path, &len, error);
	struct conf *c = text ? read_text(mem, text, len, path, true, error) : NULL;

	talloc_free(text);
	return c;
}

size_t conf_messages(const struct conf *c, const struct conf_message **out)
{
	*out = c->messages;
	return c->message_count;
}

bool conf_has_errors(const struct conf *c)
{
	return c->errors;
}

const struct conf_section *conf_global(const struct conf *c)
{
	return c->global;
}

size_t conf_share_count(const struct conf *c)
{
	return c->share_count;
}

const struct conf_section *conf_share(const struct conf *c, size_t i)
{
	return i < c->share_count ? c->shares[i] : NULL;
}

const struct conf_section *conf_find_share(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->share_count; i++)
		if (strcasecmp(c->shares[i]->name, name) == 0)
			return c->shares[i];
	return NULL;
}

const struct conf_section *conf_homes(const struct conf *c)
{
	return c->homes;
}

const struct conf_section *conf_find_section(const struct conf *c, const char *name)
{
	if (c->homes && strcasecmp(c->homes->name, name) == 0)
		return c->homes;
	return conf_find_share(c, name);
}

const char *conf_section_name(const struct conf_section *s)
{
	return s->name;
}

const struct conf_setting *conf_setting(const struct conf_section *s, enum conf_param p)
{
	if (s->settings[p].set && !conf_is_global(p))
		return &s->settings[p];
	return &s->conf->global->settings[p];
}

bool conf_is_set(const struct conf_section *s, enum conf_param p)
{
	return s->settings[p].set;
}

int64_t conf_int(const struct conf_section *s, enum conf_param p)
{
	return conf_setting(s, p)->value.number;
}

bool conf_bool(const struct conf_section *s, enum conf_param p)
{
	return conf_int(s, p) != 0;
}

const char *conf_str(const struct conf_section *s, enum conf_param p)
{
	return conf_setting(s, p)->value.text;
}

const char *const *conf_list(const struct conf_section *s, enum conf_param p)
{
	static const char *const none[] = {NULL};
	const char *const *list = conf_setting(s, p)->value.list;

	return list ? list : none;
}

char *conf_show(TALLOC_CTX *mem, const struct conf_section *s, enum conf_param p)
{
	const struct conf_value *v = &conf_setting(s, p)->value;

	switch (conf_row(p)->type) {
	case CONF_TYPE_BOOL:
		return talloc_strdup(mem, v->number ? "yes" : "no");
	case CONF_TYPE_INT:
	case CONF_TYPE_BYTES:
		return talloc_asprintf(mem, "%" PRId64, v->number);
	case CONF_TYPE_OCTAL:
		return talloc_asprintf(mem, "%04o", (unsigned)v->number);
	default:
		return talloc_strdup(mem, v->text);
	}
}

const char *conf_smbpasswd_path(const struct conf *c)
{
	return c->smbpasswd_path;
}

const char *conf_default_path(void)
{
	return DAXSMBD_SYSCONFDIR "/daxsmb.conf";
}
