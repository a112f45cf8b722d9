/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/share.h"

#include "core/list.h"

#include <pthread.h>
#include <strings.h>

/* How many trees and direct grants each share has. One that has none is not listed. */

enum what { TREES, GRANTS, WHATS };

struct share_use {
	struct list link;
	char *name; /* of the section */
	int64_t count[WHATS];
};

struct share_uses {
	pthread_mutex_t lock;
	struct list shares;
};

static int uses_destructor(struct share_uses *u)
{
	pthread_mutex_destroy(&u->lock);
	return 0;
}

struct share_uses *share_uses_new(TALLOC_CTX *mem)
{
	struct share_uses *u = talloc_zero(mem, struct share_uses);

	if (!u)
		return NULL;
	pthread_mutex_init(&u->lock, NULL);
	list_init(&u->shares);
	talloc_set_destructor(u, uses_destructor);
	return u;
}

static struct share_use *find(struct share_uses *u, const char *name)
{
	LIST_FOREACH (item, &u->shares) {
		struct share_use *s = container_of(item, struct share_use, link);
		if (strcasecmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

static struct share_use *find_or_add(struct share_uses *u, const char *name)
{
	struct share_use *s = find(u, name);

	if (s || !(s = talloc_zero(u, struct share_use)))
		return s;
	s->name = talloc_strdup(s, name);
	if (!s->name) {
		talloc_free(s);
		return NULL;
	}
	list_append(&u->shares, &s->link);
	return s;
}

static void drop_if_unused(struct share_use *s)
{
	for (int w = 0; w < WHATS; w++)
		if (s->count[w])
			return;
	list_remove(&s->link);
	talloc_free(s);
}

/* most 0: there is no limit. */
static bool enter(const struct server *server, const struct conf_section *section, enum what w, int64_t most)
{
	struct share_uses *u = server->uses;
	bool fits = false;

	pthread_mutex_lock(&u->lock);
	struct share_use *s = find_or_add(u, conf_section_name(section));
	if (s) {
		fits = most <= 0 || s->count[w] < most;
		s->count[w] += fits;
		drop_if_unused(s);
	}
	pthread_mutex_unlock(&u->lock);
	return fits;
}

static void leave(const struct server *server, const struct conf_section *section, enum what w)
{
	struct share_uses *u = server->uses;

	pthread_mutex_lock(&u->lock);
	struct share_use *s = find(u, conf_section_name(section));
	if (s) {
		s->count[w]--;
		drop_if_unused(s);
	}
	pthread_mutex_unlock(&u->lock);
}

bool share_enter(const struct server *s, const struct conf_section *section)
{
	return enter(s, section, TREES, conf_int(section, P_MAX_CONNECTIONS));
}

void share_leave(const struct server *s, const struct conf_section *section)
{
	leave(s, section, TREES);
}

bool share_grant_enter(const struct server *s, const struct conf_section *section)
{
	return enter(s, section, GRANTS, conf_int(section, P_PMEM_MAX_SHARE_GRANTS));
}

void share_grant_leave(const struct server *s, const struct conf_section *section)
{
	leave(s, section, GRANTS);
}
