/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/reload.h"

#include "core/log.h"
#include "smbd/control.h"
#include "smbd/grant.h"
#include "smbd/share_cache.h"
#include "smbd/tree.h"

#include <errno.h>

/* What of [global] holds at once; of the shares all does, see tree_adopt. The rest is what the process was
 * started with. */
static const enum conf_param at_once[] = {P_LOG_LEVEL, P_LOG_FILE, P_MAX_LOG_SIZE, P_PMEM_REVOKE_TIMEOUT,
	P_PMEM_MAX_GRANTS, P_PMEM_POLL, P_RDMA_READ_TIMEOUT};

const char *reload_log(TALLOC_CTX *mem, const struct conf *conf, const char *level)
{
	const struct conf_section *g = conf_global(conf);
	struct conf_vars vars = {.client_name = "daxsmbd"};
	char *path = conf_expand(mem, conf_str(g, P_LOG_FILE), &vars);

	if (!level)
		level = conf_str(g, P_LOG_LEVEL);
	if (!log_set_levels(level))
		return talloc_asprintf(mem, "log level: \"1 auth:3\" was expected, not \"%s\"", level);
	int rc = path && *path ? log_open(path) : 0;
	return rc < 0 ? talloc_asprintf(mem, "log file %s: %s", path, strerror(-rc)) : NULL;
}

/* ---- reading ---- */

/* The first error, or NULL; the log has all that matters. */
static const char *log_messages(TALLOC_CTX *mem, const struct conf *conf)
{
	const struct conf_message *m;
	const char *first = NULL;
	size_t n = conf_messages(conf, &m);

	for (size_t i = 0; i < n; i++) {
		if (m[i].severity == CONF_NOTE)
			continue;
		char *text = talloc_asprintf(mem, "%s:%u: %s%s%s", m[i].file, m[i].line,
			m[i].parameter ? m[i].parameter : "", m[i].parameter && *m[i].parameter ? ": " : "",
			m[i].text);
		log_at(conf, m[i].severity == CONF_ERROR ? LOGL_ERROR : LOGL_WARNING, "%s",
			text ? text : m[i].text);
		if (!first && m[i].severity == CONF_ERROR)
			first = text;
	}
	return first || !conf_has_errors(conf) ? first : "the configuration has errors";
}

/* NULL with *why. */
static struct settings *read_again(TALLOC_CTX *mem, const struct server *s, const char **why)
{
	struct conf *conf = conf_load(mem, s->conf_path, why);

	if (!conf) {
		*why = talloc_asprintf(mem, "%s: %s", s->conf_path, *why);
		return NULL;
	}
	*why = log_messages(mem, conf);
	if (*why)
		return NULL;
	struct settings *new = settings_new(conf, s->settings->generation + 1);
	*why = new ? NULL : "out of memory";
	if (new)
		talloc_steal(new, conf);
	return new;
}

/* ---- taking effect ---- */

static void adopt(struct local *l, void *arg)
{
	uint32_t cursor = 0;
	struct session *s;

	settings_unref(l->settings);
	l->settings = settings_ref(arg);
	while ((s = idtable_next(l->sessions, &cursor)))
		LIST_FOREACH (item, &s->trees)
			tree_adopt(container_of(item, struct tree, link), l->settings);
	grants_end_forbidden(l);
}

static bool holds_at_once(enum conf_param p)
{
	for (size_t i = 0; i < ARRAY_SIZE(at_once); i++)
		if (at_once[i] == p)
			return true;
	return !conf_is_global(p);
}

static void say_what_must_wait(const struct conf *started, const struct conf *now)
{
	TALLOC_CTX *mem = talloc_new(NULL);

	for (int i = 0; i < P_COUNT; i++) {
		enum conf_param p = (enum conf_param)i;
		if (holds_at_once(p) || !conf_is_honoured(p))
			continue;
		const char *old = conf_show(mem, conf_global(started), p),
			   *new = conf_show(mem, conf_global(now), p);
		if (old && new && strcmp(old, new) != 0)
			log_warning(conf, "%s = %s takes effect after a restart; until then it is %s",
				conf_param_name(p), new, old);
	}
	talloc_free(mem);
}

const char *reload(TALLOC_CTX *mem, struct server *s, const char **no_log)
{
	const char *why;
	struct settings *new = read_again(mem, s, &why), *old = s->settings;

	if (new) {
		server_each_local(s, adopt, new);
		s->settings = new;
		share_cache_prune(s->shares, new->generation, new->conf);
		settings_unref(old);
	}
	/* The log file is opened anew in any case: it may have been renamed. */
	*no_log = reload_log(mem, s->settings->conf, s->log_level);
	if (*no_log)
		log_error(core, "%s", *no_log);
	if (!new) {
		log_error(conf, "the old configuration stays: %s", why);
		return why;
	}
	log_info(conf, "%s has been read again", s->conf_path);
	say_what_must_wait(s->conf, new->conf);
	return NULL;
}
