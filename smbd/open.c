/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/log.h"
#include "smbd/grant.h"
#include "smbd/node.h"
#include "smbd/req.h"
#include "smbd/tree.h"

#include <errno.h>

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
	list_init(&o->grants);
	t->open_count++;
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
	struct node_doom doom;
};

void doom_carry_out(struct node_doom *d)
{
	int rc = d->file && d->path ? vfs_unlink(d->file, d->cred, d->path) : -ENOENT;

	if (rc < 0 && rc != -ENOENT && rc != -ESTALE)
		log_warning(smb, "%s was to be deleted and stays: %s", d->path, strerror(-rc));
	/* The last reference frees the blocks, which takes long for a large file: here, not on a reactor. */
	vfs_file_unref(d->file);
	vfs_cred_unref(d->cred);
	d->file = NULL;
	d->cred = NULL;
}

static void run_deletion(struct job *j)
{
	doom_carry_out(&container_of(j, struct deletion, job)->doom);
}

static void deletion_done(struct job *j, bool ran)
{
	struct deletion *d = container_of(j, struct deletion, job);

	if (!ran) /* the workers are stopping, but it was promised */
		run_deletion(j);
	node_deleted(d->nodes, d->doom.key);
	talloc_free(d);
}

static void delete_file(struct open *o, struct node_doom *doom)
{
	struct server *server = o->session->local->server;
	struct deletion *d = talloc_zero(NULL, struct deletion);

	if (!d || vfs_share_is_memory_speed(o->tree->vfs)) {
		doom_carry_out(doom);
		node_deleted(server->nodes, doom->key);
		talloc_free(d);
		return;
	}
	*d = (struct deletion){.job = {.run = run_deletion, .done = deletion_done}, .nodes = server->nodes, .doom = *doom};
	talloc_steal(d, doom->path);
	vfs_file_unref(o->file); /* the job's reference is to be the last */
	o->file = NULL;
	workers_submit(server->workers, &d->job);
}

bool open_leave_node(struct open *o, struct node_doom *doom)
{
	struct node_entry *e = o->node;

	if (!e)
		return false;
	grants_end_open(o, GRANT_CAUSE_CLOSE);
	if (o->delete_on_close)
		node_set_delete_pending(e, true, o->file, o->tree->cred);
	o->node = NULL;
	return node_close(e, o, doom);
}

void open_end(struct open *o)
{
	struct node_doom doom;

	if (open_leave_node(o, &doom))
		delete_file(o, &doom);
	talloc_free(o);
}
