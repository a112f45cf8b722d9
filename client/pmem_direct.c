/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The channel on which mappings live: made when it is needed, for all who need it at once. */
#include "client/pmem.h"
#include "client/req.h"
#include "rdma/smbdirect.h"

struct channel_wait {
	struct list link;
	struct tevent_req *req;
};

struct rdma_conn *pmem_rdma(const struct daxsmb_direct *d)
{
	struct transport *t = d->channel && !d->channel->dead ? d->channel->transport : NULL;

	return t ? t->ops->rdma(t) : NULL;
}

void pmem_channel_end(struct daxsmb_direct *d)
{
	if (d->channel)
		client_conn_fail(d->channel, STATUS_CANCELLED);
}

static int direct_destructor(struct daxsmb_direct *d)
{
	struct list *item;

	if (d->channel)
		d->channel->lost = NULL;
	TALLOC_FREE(d->tell);
	if (d->turn)
		d->turn->gone = true;
	pmem_channel_end(d);
	pmem_tell_ended(d);
	pmem_poll_end(d);
	while ((item = list_pop(&d->waiting)))
		;
	return 0;
}

static bool direct_copy(struct daxsmb_direct *d, const struct daxsmb_options *o)
{
	d->options = *o;
	d->options.user = talloc_strdup(d, o->user ?: "");
	d->options.domain = talloc_strdup(d, o->domain ?: "");
	d->options.password = talloc_strdup(d, o->password ?: "");
	return d->host && d->options.user && d->options.domain && d->options.password;
}

struct daxsmb_direct *daxsmb_direct_new(struct daxsmb_tree *t, struct tevent_context *ev, const char *host,
	uint16_t port, const struct daxsmb_options *o)
{
	struct daxsmb_direct *d = talloc_zero(t, struct daxsmb_direct);

	if (!d)
		return NULL;
	d->ev = ev;
	d->breather_fd = -1;
	d->tree = t;
	d->host = talloc_strdup(d, host);
	d->port = port ? port : SMBDIRECT_PORT_IWARP;
	list_init(&d->waiting);
	list_init(&d->files);
	list_init(&d->ended);
	d->tell = tevent_create_immediate(d);
	if (!direct_copy(d, o) || !d->tell)
		TALLOC_FREE(d);
	else
		talloc_set_destructor(d, direct_destructor);
	return d;
}

static int wait_destructor(struct channel_wait *w)
{
	list_remove(&w->link);
	return 0;
}

static void channel_lost(void *arg)
{
	pmem_channel_lost(arg);
}

static ntstatus_t channel_adopt(struct daxsmb_direct *d, struct tevent_req *sub)
{
	struct daxsmb_session *session;
	ntstatus_t status;

	TALLOC_FREE(d->channel);
	d->on_channel = NULL;
	status = client_channel_recv(sub, d, &d->channel, &session);
	if (!status_is_ok(status))
		return status;
	d->channel->lost = channel_lost;
	d->channel->lost_arg = d;
	if (!d->channel->dead)
		d->on_channel = client_tree_on_channel(session, d->tree);
	return d->on_channel ? STATUS_SUCCESS : STATUS_CONNECTION_DISCONNECTED;
}

static void channel_made(struct tevent_req *sub)
{
	struct daxsmb_direct *d = tevent_req_callback_data_void(sub);
	ntstatus_t status = channel_adopt(d, sub);
	struct list *item;

	TALLOC_FREE(d->connecting);
	while ((item = list_pop(&d->waiting))) {
		struct channel_wait *w = container_of(item, struct channel_wait, link);

		if (!req_failed(w->req, status))
			tevent_req_done(w->req);
	}
}

struct tevent_req *pmem_channel_send(TALLOC_CTX *mem, struct daxsmb_direct *d)
{
	struct channel_wait *w;
	struct tevent_req *req = tevent_req_create(mem, &w, struct channel_wait);

	if (!req)
		return NULL;
	w->req = req;
	list_init(&w->link);
	talloc_set_destructor(w, wait_destructor);
	tevent_req_defer_callback(req, d->ev);
	if (pmem_rdma(d)) {
		tevent_req_done(req);
		return tevent_req_post(req, d->ev);
	}
	if (!d->tree->session || d->tree->seal) {
		/* what RDMA moves is not encrypted */
		tevent_req_error(req, d->tree->seal ? STATUS_ACCESS_DISABLED_BY_POLICY_DEFAULT
						    : STATUS_USER_SESSION_DELETED);
		return tevent_req_post(req, d->ev);
	}
	if (!d->connecting) {
		d->connecting =
			client_channel_send(d, d->ev, d->tree->session, d->host, d->port, &d->options);
		if (tevent_req_nomem(d->connecting, req))
			return tevent_req_post(req, d->ev);
		tevent_req_set_callback(d->connecting, channel_made, d);
	}
	list_append(&d->waiting, &w->link);
	return req;
}

ntstatus_t pmem_channel_recv(struct tevent_req *req)
{
	return req_status(req);
}
