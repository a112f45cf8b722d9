/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/settings.h"

struct settings *settings_new(const struct conf *conf, uint64_t generation)
{
	const struct conf_section *g = conf_global(conf);
	struct settings *s = talloc(NULL, struct settings);

	if (!s)
		return NULL;
	*s = (struct settings){
		.generation = generation,
		.conf = conf,
		.revoke_timeout = (unsigned)conf_int(g, P_PMEM_REVOKE_TIMEOUT),
		.poll_us = (unsigned)conf_int(g, P_PMEM_POLL),
		.max_session_grants = (unsigned)conf_int(g, P_PMEM_MAX_GRANTS),
	};
	atomic_init(&s->refs, 1);
	return s;
}

struct settings *settings_ref(struct settings *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void settings_unref(struct settings *s)
{
	if (s && atomic_fetch_sub(&s->refs, 1) == 1)
		talloc_free(s);
}
