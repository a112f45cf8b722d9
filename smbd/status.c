/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/status.h"

#include "config.h"

#include "core/clock.h"
#include "smbd/control.h"
#include "rdma/smbdirect.h"
#include "smbd/listen.h"
#include "smbd/session.h"
#include "smbd/share_cache.h"

#include <unistd.h>

/* One walk over the connections makes both forms; a writer says how a connection looks in each. */
struct writer {
	char *out;
	bool json;
	bool first;
};

static const char *dialect_name(uint16_t d)
{
	switch (d) {
	case SMB2_DIALECT_0202:
		return "2.0.2";
	case SMB2_DIALECT_0210:
		return "2.1";
	case SMB2_DIALECT_0300:
		return "3.0";
	case SMB2_DIALECT_0302:
		return "3.0.2";
	case SMB2_DIALECT_0311:
		return "3.1.1";
	default:
		return "-";
	}
}

static const char *cipher_name(uint16_t c)
{
	static const char *const names[] = {"none", "AES-128-CCM", "AES-128-GCM", "AES-256-CCM", "AES-256-GCM"};

	return c < ARRAY_SIZE(names) ? names[c] : "?";
}

static const char *signing_name(uint16_t s)
{
	static const char *const names[] = {"HMAC-SHA256", "AES-128-CMAC", "AES-128-GMAC"};

	return s < ARRAY_SIZE(names) ? names[s] : "?";
}

char *status_quoted(TALLOC_CTX *mem, const char *s)
{
	char *out = talloc_strdup(mem, "\"");

	for (; s && *s && out; s++) {
		unsigned char c = (unsigned char)*s;
		if (c < 0x20 || c == '"' || c == '\\')
			out = talloc_asprintf_append_buffer(out, "\\u%04x", c);
		else
			out = talloc_asprintf_append_buffer(out, "%c", c);
	}
	return talloc_asprintf_append_buffer(out, "\"");
}

static void add_session_json(struct writer *w, TALLOC_CTX *mem, const struct session *s, bool first)
{
	w->out = talloc_asprintf_append_buffer(w->out,
		"%s{\"user\":%s,\"guest\":%s,\"signing\":%s,\"encryption\":%s,\"channels\":%u,\"trees\":%u,\"opens\":%u}",
		first ? "" : ",", status_quoted(mem, s->user ? s->user : ""), s->guest ? "true" : "false",
		s->signing_required ? "true" : "false", s->encrypt ? "true" : "false", s->channel_count, s->tree_count,
		idtable_count(s->opens));
}

/* "is RDMA really in use?" */
static void add_rdma_json(struct writer *w, const struct conn *c)
{
	struct rdma_facts f;
	struct smbdirect_facts sd;

	if (!c->direct.sd)
		return;
	rdma_facts(smbdirect_rdma(c->direct.sd), &f);
	smbdirect_facts(c->direct.sd, &sd);
	w->out = talloc_asprintf_append_buffer(w->out,
		",\"rdma\":{\"transport\":\"%s\",\"mpa_revision\":%u,\"crc\":%s,\"ird\":%u,\"ord\":%u,\"targets\":%u,"
		"\"bytes_written\":%llu,\"bytes_fetched\":%llu,\"bytes_placed\":%llu,\"bytes_read\":%llu,"
		"\"sends_in\":%llu,\"sends_out\":%llu,\"send_credits\":%u,\"receive_credits\":%u,\"queued\":%u}",
		f.transport, f.version, f.crc ? "true" : "false", f.ird, f.ord, f.targets,
		(unsigned long long)f.bytes_written, (unsigned long long)f.bytes_fetched,
		(unsigned long long)f.bytes_placed, (unsigned long long)f.bytes_read, (unsigned long long)f.sends_in,
		(unsigned long long)f.sends_out, sd.send_credits, sd.receive_credits, sd.queued);
}

static void add_rdma_text(struct writer *w, const struct conn *c)
{
	struct rdma_facts f;

	if (!c->direct.sd)
		return;
	rdma_facts(smbdirect_rdma(c->direct.sd), &f);
	w->out = talloc_asprintf_append_buffer(w->out,
		"    RDMA by %s, MPA %u, CRC %s, IRD %u, ORD %u; to the client %llu bytes, from it %llu\n", f.transport, f.version,
		f.crc ? "on" : "off", f.ird, f.ord, (unsigned long long)(f.bytes_written + f.bytes_read),
		(unsigned long long)(f.bytes_fetched + f.bytes_placed));
}

static void add_json(struct writer *w, TALLOC_CTX *mem, const struct conn *c, unsigned reactor)
{
	bool first = true;

	w->out = talloc_asprintf_append_buffer(w->out,
		"%s{\"peer\":%s,\"transport\":\"%s\",\"reactor\":%u,\"dialect\":\"%s\",\"cipher\":\"%s\","
		"\"signing_algorithm\":\"%s\",\"bytes_in\":%llu,\"bytes_out\":%llu,\"requests\":%u,\"sessions\":[",
		w->first ? "" : ",", status_quoted(mem, c->peer), c->ops->name, reactor, dialect_name(c->dialect), cipher_name(c->cipher),
		signing_name(c->signing_algorithm), (unsigned long long)c->bytes_in, (unsigned long long)c->bytes_out,
		c->request_count);
	LIST_FOREACH(item, &c->channels) {
		add_session_json(w, mem, container_of(item, struct channel, conn_link)->session, first);
		first = false;
	}
	w->out = talloc_asprintf_append_buffer(w->out, "]");
	add_rdma_json(w, c);
	w->out = talloc_asprintf_append_buffer(w->out, "}");
}

static void add_text(struct writer *w, const struct conn *c, unsigned reactor)
{
	const struct session *s = NULL;

	if (!list_empty(&c->channels))
		s = container_of(c->channels.next, struct channel, conn_link)->session;
	w->out = talloc_asprintf_append_buffer(w->out, "%-24s %-9s %-16s %-6s %-12s %-13s %5u %5u %12llu %12llu %u\n",
		c->peer, c->ops->name, s && s->user ? s->user : "-", dialect_name(c->dialect), cipher_name(c->cipher),
		signing_name(c->signing_algorithm), s ? s->tree_count : 0, s ? idtable_count(s->opens) : 0,
		(unsigned long long)c->bytes_in, (unsigned long long)c->bytes_out, reactor);
	add_rdma_text(w, c);
}

static void walk_local(struct local *l, void *arg)
{
	struct writer *w = arg;
	TALLOC_CTX *mem = talloc_new(NULL);
	uint32_t cursor = 0;
	struct conn *c;

	while ((c = idtable_next(l->conns, &cursor))) {
		if (w->json)
			add_json(w, mem, c, reactor_index(l->reactor));
		else
			add_text(w, c, reactor_index(l->reactor));
		w->first = false;
	}
	talloc_free(mem);
}

/* A share that has been connected to since the start. */
static void add_share(void *arg, const struct share_facts *f)
{
	struct writer *w = arg;
	const char *durability = vfs_durability_name(vfs_share_durability(f->share));
	const char *guard = f->guard ? vfs_guard_name(f->guard) : "none";
	bool mapped = vfs_share_is_mapped(f->share);
	struct vfs_guard_facts g = {0};

	if (f->guard)
		vfs_guard_facts(f->guard, &g);
	if (w->json) {
		TALLOC_CTX *mem = talloc_new(NULL);
		w->out = talloc_asprintf_append_buffer(w->out,
			"%s{\"name\":%s,\"root\":%s,\"durability\":\"%s\",\"mapped\":%s,\"guard\":\"%s\",\"no_guard\":%s,"
			"\"guarded\":%u,\"held\":%u,\"held_total\":%llu}",
			w->first ? "" : ",", status_quoted(mem, f->name), status_quoted(mem, vfs_share_root(f->share)), durability,
			mapped ? "true" : "false", guard, status_quoted(mem, f->no_guard), g.ranges, g.held,
			(unsigned long long)g.held_total);
		talloc_free(mem);
	} else {
		w->out = talloc_asprintf_append_buffer(w->out, "%-24s %-11s %-6s %-9s %s\n", f->name, durability,
			mapped ? "yes" : "no", guard, vfs_share_root(f->share));
	}
	w->first = false;
}

static unsigned long long uptime_seconds(const struct server *s)
{
	return (nttime_now() - s->start_time) / 10000000u;
}

char *status_json(TALLOC_CTX *mem, struct server *s)
{
	struct writer w = {.json = true, .first = true};

	w.out = talloc_asprintf(mem,
		"{\"version\":\"%s\",\"pid\":%d,\"uptime\":%llu,\"listen\":%s,\"reactors\":%u,\"connections\":%u,"
		"\"sessions\":%u,\"trees\":%u,\"opens\":%u,\"clients\":[",
		DAXSMBD_VERSION, (int)getpid(), uptime_seconds(s), status_quoted(mem, listen_describe(s->listener)),
		reactors_count(s->reactors), atomic_load(&s->stats.connections), atomic_load(&s->stats.sessions),
		atomic_load(&s->stats.trees), atomic_load(&s->stats.opens));
	server_each_local(s, walk_local, &w);
	w.out = talloc_asprintf_append_buffer(w.out, "],\"shares\":[");
	w.first = true;
	share_cache_each(s->shares, add_share, &w);
	w.out = status_grants_json(talloc_asprintf_append_buffer(w.out, "]"), s);
	return talloc_asprintf_append_buffer(w.out, "}\n");
}

char *status_text(TALLOC_CTX *mem, struct server *s)
{
	struct writer w = {.json = false, .first = true};

	w.out = talloc_asprintf(mem, "daxsmbd %s, pid %d, up %llu s, on %s\n%u connections, %u sessions, %u trees, %u opens\n\n",
		DAXSMBD_VERSION, (int)getpid(), uptime_seconds(s), listen_describe(s->listener),
		atomic_load(&s->stats.connections), atomic_load(&s->stats.sessions), atomic_load(&s->stats.trees),
		atomic_load(&s->stats.opens));
	w.out = talloc_asprintf_append_buffer(w.out, "%-24s %-9s %-16s %-6s %-12s %-13s %5s %5s %12s %12s %s\n", "Peer", "Via",
		"User", "SMB", "Cipher", "Signing", "Trees", "Opens", "Bytes in", "Bytes out", "Reactor");
	server_each_local(s, walk_local, &w);
	w.out = talloc_asprintf_append_buffer(w.out, "\n%-24s %-11s %-6s %-9s %s\n", "Share in use", "Durability", "Mapped",
		"Guard", "Root");
	share_cache_each(s->shares, add_share, &w);
	return status_grants_text(w.out, s);
}
