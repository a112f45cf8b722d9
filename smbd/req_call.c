/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/req.h"

#include <errno.h>

/*
 * Blocking work: tried here first, then on a worker. The request stays in memory until its job is home; if its
 * connection ended meanwhile, all that remains is to free it.
 */

bool call_must_wait(const struct call *c, unsigned flags)
{
	return (flags & VFS_NOWAIT) && !vfs_share_is_memory_speed(c->share);
}

void call_release(struct call *c)
{
	vfs_share_unref(c->share);
	vfs_cred_unref(c->cred);
	vfs_file_unref(c->file);
	node_change_end(&c->change);
}

static int call_destructor(struct call *c)
{
	call_release(c);
	return 0;
}

void *req_new_call_size(struct req *r, size_t size, const char *name, int (*run)(struct call *, unsigned),
	void (*done)(struct req *, struct call *))
{
	struct call *c = talloc_zero_size(r, size);

	if (!c) {
		req_error(r, STATUS_INSUFFICIENT_RESOURCES);
		return NULL;
	}
	talloc_set_name_const(c, name);
	c->req = r;
	c->run = run;
	c->done = done;
	if (r->tree && r->tree->vfs) {
		c->share = vfs_share_ref(r->tree->vfs);
		c->cred = vfs_cred_ref(r->tree->cred);
	}
	if (r->open && r->open->file)
		c->file = vfs_file_ref(r->open->file);
	talloc_set_destructor(c, call_destructor);
	return c;
}

static void run_on_worker(struct job *j)
{
	struct call *c = container_of(j, struct call, job);

	c->result = c->run(c, 0);
}

static void come_home(struct job *j, bool ran)
{
	struct call *c = container_of(j, struct call, job);
	struct req *r = c->req;

	node_change_end(&c->change);
	r->job = NULL;
	r->cancel = NULL;
	req_enter(r);
	if (r->conn && !ran)
		req_error(r, STATUS_CANCELLED);
	else if (r->conn && req_refresh(r))
		c->done(r, c);
	talloc_free(c);
	req_leave(r);
}

static void cancel_job(struct req *r)
{
	if (r->job)
		workers_cancel(r->local->server->workers, &r->job->job);
}

void req_call_worker(struct req *r, struct call *c)
{
	if (!req_keep_frame(r) || !req_detach_reply(r)) {
		talloc_free(c);
		req_error(r, STATUS_INSUFFICIENT_RESOURCES);
		return;
	}
	c->job.run = run_on_worker;
	c->job.done = come_home;
	r->job = c;
	r->cancel = c->cancellable ? cancel_job : NULL;
	if (r->next >= r->frame.len && !(r->op->needs & OP_SYNC))
		req_pend_later(r);
	workers_submit(r->local->server->workers, &c->job);
}

void req_call(struct req *r, struct call *c)
{
	c->result = c->run(c, VFS_NOWAIT);
	if (c->result == -EAGAIN) {
		req_call_worker(r, c);
		return;
	}
	node_change_end(&c->change);
	c->done(r, c);
	talloc_free(c);
}
