/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/tree.h"

#include "smbd/settings.h"
#include "smbd/share.h"
#include "vfs/guard.h"

struct tree *tree_new(struct session *s)
{
	enum { MAX_TREES = 256, MAX_TREES_ON_SERVER = 65536 };
	bool full = s->tree_count >= MAX_TREES || atomic_load(&s->local->server->stats.trees) >= MAX_TREES_ON_SERVER;
	struct tree *t = !full ? talloc_zero(s, struct tree) : NULL;

	if (!t)
		return NULL;
	do {
		t->id = s->next_tree_id++;
	} while (t->id == 0 || t->id == UINT32_MAX || tree_find(s, t->id));
	t->session = s;
	list_append(&s->trees, &t->link);
	s->tree_count++;
	atomic_fetch_add(&s->local->server->stats.trees, 1);
	return t;
}

struct tree *tree_find(struct session *s, uint32_t id)
{
	LIST_FOREACH(item, &s->trees) {
		struct tree *t = container_of(item, struct tree, link);
		if (t->id == id)
			return t;
	}
	return NULL;
}

void tree_disconnect(struct tree *t)
{
	struct session *s = t->session;
	uint32_t cursor = 0;
	struct open *o;

	while (t->open_count && (o = idtable_next(s->opens, &cursor)))
		if (o->tree == t)
			open_end(o);
	if (t->share)
		share_leave(s->local->server, t->share);
	list_remove(&t->link);
	s->tree_count--;
	vfs_share_unref(t->vfs);
	vfs_guard_unref(t->guard);
	vfs_cred_unref(t->cred);
	settings_unref(t->settings);
	atomic_fetch_sub(&s->local->server->stats.trees, 1);
	talloc_free(t);
}

void tree_adopt(struct tree *t, struct settings *settings)
{
	const struct conf_section *now = t->share ? conf_find_section(settings->conf, conf_section_name(t->share)) : NULL;

	if (!t->share)
		return;
	t->gone = !now;
	if (!now)
		return;
	settings_unref(t->settings);
	t->settings = settings_ref(settings);
	t->share = now;
}
