/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/grant_core.h"

#include "core/clock.h"
#include "core/log.h"
#include "rdma/smbdirect.h"
#include "smbd/break_wait.h"
#include "smbd/share.h"

#include <errno.h>

/* What the states of a grant ask for (smbd/grant_state.h), and the events that come from outside. */

const char *grant_cause_name(enum grant_cause c)
{
	static const char *const names[] = {
		"unmap", "close", "disconnect", "client", "own", "local", "admin", "reload", "shutdown", "fault"};

	return c < ARRAY_SIZE(names) ? names[c] : "?";
}

void grant_audit(const struct grant *g, const char *what)
{
	log_info(audit, "%s: user %s from %s, share %s, file %s, [%llu, +%llu) %s, %s, guard %s", what, g->user, g->peer,
		g->share, g->path, (unsigned long long)g->offset, (unsigned long long)g->length,
		g->access & PMEM_ACCESS_WRITE ? "read and write" : "read", vfs_durability_name(g->durability),
		vfs_guard_name(g->guard));
}

/* ---- the pin, on a worker ---- */

static unsigned vfs_access(const struct grant *g)
{
	return VFS_READ | (g->access & PMEM_ACCESS_WRITE ? VFS_WRITE : 0);
}

static void run_pin(struct job *j)
{
	struct grant *g = container_of(j, struct grant, job);

	g->pin_error = vfs_pin(
		g->guard, g->file, g->offset, g->length, vfs_access(g), &grant_guard_events, g, &g->pin);
}

static ntstatus_t pin_refusal(int rc)
{
	if (rc == -ERANGE)
		return STATUS_END_OF_FILE;
	return rc == -EBUSY ? STATUS_SHARING_VIOLATION : status_from_errno(rc);
}

static void pin_done(struct job *j, bool ran)
{
	struct grant *g = container_of(j, struct grant, job);

	if (!ran)
		g->pin_error = -ECANCELED;
	if (g->pin_error)
		g->refusal = pin_refusal(g->pin_error);
	grant_step(g, g->pin_error ? GRANT_EV_PIN_FAILED : GRANT_EV_PINNED);
}

static void run_unpin(struct job *j)
{
	struct grant *g = container_of(j, struct grant, job);

	vfs_unpin(g->pin);
	g->pin = NULL;
	vfs_file_unref(g->file);
	g->file = NULL;
}

static void unpin_done(struct job *j, bool ran)
{
	if (!ran)
		run_unpin(j);
	grant_step(container_of(j, struct grant, job), GRANT_EV_UNPINNED);
}

static void submit(struct grant *g, void (*run)(struct job *), void (*done)(struct job *, bool))
{
	g->job = (struct job){.run = run, .done = done};
	workers_submit(g->local->server->workers, &g->job);
}

void grant_pin(struct grant *g)
{
	submit(g, run_pin, pin_done);
}

/* ---- what the steps ask for ---- */

static void do_register(struct grant *g)
{
	if (!grant_register(g)) {
		g->refusal = STATUS_INSUFFICIENT_RESOURCES;
		grant_step(g, GRANT_EV_END);
	}
}

static void deadline(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *priv)
{
	struct grant *g = priv;
	struct open *o = g->open;

	g->deadline = NULL;
	log_warning(audit, "user %s from %s has not given back a grant in time", g->user, g->peer);
	grant_step(g, GRANT_EV_DEADLINE);
	/* The lease that was to be acknowledged with it counts as given up: who waits goes on. */
	if (o)
		node_expire(o->node);
}

static void do_notify(struct grant *g)
{
	g->recalled_ns = clock_now_ns();
	log_info(audit, "grant recalled (%s): user %s from %s, share %s, file %s, [%llu, +%llu)",
		grant_cause_name(g->cause), g->user, g->peer, g->share, g->path, (unsigned long long)g->offset,
		(unsigned long long)g->length);
	g->deadline = tevent_add_timer(g->local->ev, g, tevent_timeval_current_ofs(g->revoke_timeout, 0), deadline, g);
	if (!g->deadline) {
		grant_step(g, GRANT_EV_END);
		return;
	}
	if (!g->lease_breaks && g->open)
		node_recall(g->open->node);
}

static void remember_time(struct grant *g)
{
	struct grant_times *t = &g->local->grant_stats->times[g->cause];
	uint64_t ns = g->recalled_ns ? clock_now_ns() - g->recalled_ns : 0;

	t->us[t->count++ % GRANT_TIMES] = (uint32_t)(ns / 1000 < UINT32_MAX ? ns / 1000 : UINT32_MAX);
	if (ns > t->longest_ns)
		t->longest_ns = ns;
}

static void leave(struct grant *g)
{
	list_remove(&g->open_link);
	list_remove(&g->conn_link);
	if (g->open) {
		node_pin_ended(g->open->node, g->access & PMEM_ACCESS_WRITE);
		share_grant_leave(g->local->server, g->open->tree->share);
	}
	g->open = NULL;
	g->conn = NULL;
}

static void do_fence(struct grant *g)
{
	for (unsigned i = 0; i < g->tag_count; i++) {
		if (g->tags[i].registered)
			rdma_deregister(smbdirect_rdma(g->conn->direct.sd), &g->tags[i].target);
		g->tags[i].registered = false;
	}
	TALLOC_FREE(g->deadline);
	remember_time(g);
	log_info(audit, "grant ended (%s): user %s from %s, share %s, file %s, %llu bytes read, %llu written",
		grant_cause_name(g->cause), g->user, g->peer, g->share, g->path, (unsigned long long)grant_bytes_read(g),
		(unsigned long long)grant_bytes_written(g));
}

/* The MAP waits: it is answered by a message, since another request's handler may be what ends the grant. */
static void do_refuse(struct grant *g)
{
	struct req *r = g->conn && g->message_id ? req_find(g->conn, g->message_id) : NULL;

	g->message_id = 0;
	log_info(audit, "grant refused (%s): user %s from %s, share %s, file %s", status_name(g->refusal), g->user, g->peer,
		g->share, g->path);
	if (r)
		req_end_later(r, g->refusal);
}

static void do_unpin(struct grant *g)
{
	submit(g, run_unpin, unpin_done);
}

static void do_free(struct grant *g)
{
	leave(g);
	idtable_remove(g->local->grants, g->id);
	vfs_file_unref(g->file);
	vfs_cred_unref(g->cred);
	vfs_guard_unref(g->guard);
	talloc_free(g);
}

void grant_step(struct grant *g, enum grant_event e)
{
	static const struct {
		unsigned bit;
		void (*act)(struct grant *g);
	} actions[] = {
		{GRANT_DO_REGISTER, do_register}, {GRANT_DO_NOTIFY, do_notify}, {GRANT_DO_FENCE, do_fence},
		{GRANT_DO_REFUSE, do_refuse}, {GRANT_DO_UNPIN, do_unpin}, {GRANT_DO_FREE, do_free}};
	struct grant_step s = grant_next(g->state, e);

	if (!s.valid) {
		log_error(smb, "grant %llu: event %d in state %d", (unsigned long long)g->id, e, g->state);
		return;
	}
	g->state = s.state;
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (s.actions & actions[i].bit)
			actions[i].act(g);
	if (s.state == GRANT_FENCED)
		leave(g);
}

/* ---- events from outside ---- */

struct grant *grant_find(const struct session *s, uint64_t id)
{
	struct grant *g = idtable_get(s->local->grants, id);

	return g && g->session_id == s->id ? g : NULL;
}

bool grant_covers(const struct grant *g, struct pmem_range r)
{
	return r.offset >= g->offset && r.length <= g->length && r.offset - g->offset <= g->length - r.length;
}

uint8_t grant_durability(const struct grant *g)
{
	return g->durability;
}

bool grant_is_clean(const struct grant *g)
{
	return g->pin && vfs_pin_is_clean(g->pin);
}

bool grant_has_failed(const struct grant *g)
{
	return g->failed;
}

bool grant_is_of(const struct grant *g, const struct open *o)
{
	return g->open == o;
}

bool grant_is_live(const struct grant *g)
{
	return grant_is_open(g->state);
}

void grant_end(struct grant *g, enum grant_cause cause)
{
	/* Who gives back what is recalled does so for the sake of the recall. */
	bool obeys = g->recalled_ns && cause == GRANT_CAUSE_UNMAP;

	if (g->state != GRANT_FENCED && !obeys)
		g->cause = cause;
	grant_step(g, GRANT_EV_END);
}

void grants_end_open(struct open *o, enum grant_cause cause)
{
	LIST_FOREACH_SAFE(item, &o->grants)
		grant_end(container_of(item, struct grant, open_link), cause);
}

/* No MAP of it is answered any more. */
void grants_end_conn(struct conn *c)
{
	LIST_FOREACH_SAFE(item, &c->grants) {
		struct grant *g = container_of(item, struct grant, conn_link);
		g->message_id = 0;
		grant_end(g, GRANT_CAUSE_DISCONNECT);
	}
}

unsigned grants_end_local(struct local *l, const char *share, enum grant_cause cause)
{
	uint32_t cursor = 0;
	unsigned n = 0;
	struct grant *g;

	while ((g = idtable_next(l->grants, &cursor))) {
		if (g->state == GRANT_FENCED || (share && strcasecmp(share, g->share) != 0))
			continue;
		grant_end(g, cause);
		n++;
	}
	return n;
}

void grants_end_forbidden(struct local *l)
{
	uint32_t cursor = 0;
	struct grant *g;

	while ((g = idtable_next(l->grants, &cursor))) {
		ntstatus_t s = g->open ? grant_policy(g->open) : STATUS_SUCCESS;
		if (status_is_ok(s))
			continue;
		g->refusal = s;
		grant_end(g, GRANT_CAUSE_RELOAD);
	}
}

static bool needs_more(const struct grant *g, uint32_t lease)
{
	uint32_t need = SMB2_LEASE_READ | (g->access & PMEM_ACCESS_WRITE ? SMB2_LEASE_WRITE : 0);

	return need & ~lease;
}

/* Without an answer to wait for, the right to write is gone already; reading may end in its own time. */
static void lease_breaks(struct grant *g, const struct node_break *b)
{
	g->lease_breaks = true;
	if (grant_is_open(g->state) && !g->recalled_ns)
		g->cause = GRANT_CAUSE_CLIENT;
	if (!b->ack && (g->access & PMEM_ACCESS_WRITE))
		grant_step(g, GRANT_EV_END);
	else
		grant_step(g, GRANT_EV_RECALL);
}

void grants_lease_breaks(struct reactor *self, const struct node_break *b)
{
	struct session *s = session_find(reactor_user(self), b->session_id);
	struct open *o = s ? open_find(s, b->file_id) : NULL;

	if (!o)
		return;
	LIST_FOREACH_SAFE(item, &o->grants) {
		struct grant *g = container_of(item, struct grant, open_link);
		if (needs_more(g, b->to))
			lease_breaks(g, b);
	}
}

static bool rests_on(const struct grant *g, const uint8_t *client_guid, const uint8_t *key)
{
	struct smb2_lease lease;

	return g->open && node_lease(g->open->node, &lease) && memcmp(lease.key, key, sizeof(lease.key)) == 0 &&
	       memcmp(g->open->session->client_guid, client_guid, sizeof(g->open->session->client_guid)) == 0;
}

void grants_lease_answered(struct local *l, const uint8_t *client_guid, const uint8_t *key, uint32_t keeps)
{
	uint32_t cursor = 0;
	struct grant *g;

	while ((g = idtable_next(l->grants, &cursor)))
		if (g->state == GRANT_BREAKING && needs_more(g, keeps) && rests_on(g, client_guid, key))
			grant_step(g, GRANT_EV_QUIESCED);
}

void grants_lease_acked(struct local *l, const uint8_t *client_guid, const uint8_t *key, uint32_t keeps)
{
	uint32_t cursor = 0;
	struct grant *g;

	while ((g = idtable_next(l->grants, &cursor)))
		if (needs_more(g, keeps) && rests_on(g, client_guid, key))
			grant_end(g, GRANT_CAUSE_CLIENT);
}

/* ---- changes of storage ---- */

struct change_wait {
	struct call call;
	struct call *next;
};

static int run_nothing(struct call *c, unsigned flags)
{
	return 0;
}

/* Somebody may have been given direct access again meanwhile. */
static void ask_again(struct req *r, struct call *c)
{
	grant_change_storage(r, container_of(c, struct change_wait, call)->next);
}

void grant_change_storage(struct req *r, struct call *next)
{
	struct node_waiter w = break_waiter(r);

	grants_end_open(r->open, GRANT_CAUSE_OWN);
	ntstatus_t s = node_check_change(r->open->node, &w, &next->change);
	if (status_is_ok(s)) {
		node_break_caches(r->open->node);
		req_call(r, next);
		return;
	}
	struct change_wait *c = s == STATUS_PENDING ? req_new_call(r, struct change_wait, run_nothing, ask_again) : NULL;
	if (c) {
		c->next = next;
		break_wait(r, &c->call);
		return;
	}
	talloc_free(next);
	if (s != STATUS_PENDING)
		req_error(r, s);
}

/* ---- status ---- */

uint64_t grant_bytes_read(const struct grant *g)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < g->tag_count; i++)
		n += g->tags[i].target.bytes_read;
	return n;
}

uint64_t grant_bytes_written(const struct grant *g)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < g->tag_count; i++)
		n += g->tags[i].target.bytes_placed;
	return n;
}

static const char *state_name(enum grant_state s)
{
	static const char *const names[] = {"requested", "pinned", "live", "breaking", "fenced", "dead"};

	return names[s];
}

void grants_each(struct local *l, void (*fn)(void *arg, const struct grant_facts *f), void *arg)
{
	uint64_t now = clock_now_ns();
	uint32_t cursor = 0;
	struct grant *g;

	while ((g = idtable_next(l->grants, &cursor))) {
		struct grant_facts f = {.id = g->id, .user = g->user, .peer = g->peer, .share = g->share, .path = g->path,
			.guard = vfs_guard_name(g->guard), .offset = g->offset, .length = g->length,
			.age_ns = now - g->born_ns, .bytes_read = grant_bytes_read(g),
			.bytes_written = grant_bytes_written(g), .write = g->access & PMEM_ACCESS_WRITE,
			.durability = g->durability, .state = state_name(g->state)};
		fn(arg, &f);
	}
}

struct grant_stats *grant_stats_new(TALLOC_CTX *mem)
{
	return talloc_zero(mem, struct grant_stats);
}

const struct grant_times *grant_times(const struct local *l, enum grant_cause cause)
{
	return &l->grant_stats->times[cause];
}
