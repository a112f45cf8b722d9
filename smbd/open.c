/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/clock.h"
#include "smbd/node.h"
#include "smbd/req.h"
#include "smbd/tree.h"

static int open_destructor(struct open *o)
{
	notify_open_ends(o);
	idtable_remove(o->session->opens, o->id.volatile_id);
	o->session->pipe_count -= o->pipe != NULL;
	vfs_dir_close(o->dir);
	vfs_file_unref(o->file);
	o->tree->open_count--;
	atomic_fetch_sub(&o->session->local->server->stats.opens, 1);
	return 0;
}

bool open_limit_reached(const struct session *s)
{
	const struct server *server = s->local->server;

	return atomic_load(&server->stats.opens) >= server->max_opens ||
	       idtable_count(s->opens) >= server->max_session_opens;
}

struct open *open_new(struct session *s, struct tree *t)
{
	struct server *server = s->local->server;
	struct open *o = open_limit_reached(s) ? NULL : talloc_zero(s, struct open);
	uint64_t id = o ? idtable_add(s->opens, o) : 0;

	if (!id) {
		talloc_free(o);
		return NULL;
	}
	o->session = s;
	o->tree = t;
	o->id.volatile_id = id;
	/* Unique over all sessions. */
	o->id.persistent_id = (uint64_t)reactor_index(s->local->reactor) << 56 | ++s->local->next_open;
	t->open_count++;
	o->open_time = nttime_now();
	atomic_fetch_add(&server->stats.opens, 1);
	talloc_set_destructor(o, open_destructor);
	return o;
}

struct open *open_find(struct session *s, struct smb2_file_id id)
{
	struct open *o = idtable_get(s->opens, id.volatile_id);

	return o && o->id.persistent_id == id.persistent_id ? o : NULL;
}

/* ---- the deletion that an end without CLOSE leaves to be done ---- */

struct deletion {
	struct job job;
	struct node_table *nodes;
	struct node_key key;
	struct vfs_file *file; /* counted */
	struct vfs_cred *cred; /* counted */
	char *path;
};

static void run_deletion(struct job *j)
{
	struct deletion *d = container_of(j, struct deletion, job);

	vfs_unlink(d->file, d->cred, d->path);
}

static void deletion_done(struct job *j, bool ran)
{
	struct deletion *d = container_of(j, struct deletion, job);

	if (!ran) /* the workers are stopping, but it was promised */
		run_deletion(j);
	node_deleted(d->nodes, d->key);
	vfs_file_unref(d->file);
	vfs_cred_unref(d->cred);
	talloc_free(d);
}

static void delete_file(struct open *o, char *path, struct node_key key)
{
	struct server *server = o->session->local->server;
	struct deletion *d = talloc_zero(NULL, struct deletion);

	if (!d || !path) {
		talloc_free(d);
		node_deleted(server->nodes, key);
		return;
	}
	*d = (struct deletion){.job = {.run = run_deletion, .done = deletion_done}, .nodes = server->nodes, .key = key,
		.file = vfs_file_ref(o->file), .cred = vfs_cred_ref(o->tree->cred), .path = talloc_steal(d, path)};
	if (vfs_share_is_memory_speed(o->tree->vfs)) {
		run_deletion(&d->job);
		deletion_done(&d->job, true);
	} else {
		workers_submit(server->workers, &d->job);
	}
}

void open_end(struct open *o)
{
	struct node_key key;
	char *path = NULL;

	if (o->node) {
		if (o->delete_on_close)
			node_set_delete_pending(o->node, true);
		if (node_close(o->node, o, &path, &key))
			delete_file(o, path, key);
		o->node = NULL;
	}
	talloc_free(o);
}
