/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/status.h"

#include "config.h"

#include "core/clock.h"
#include "smbd/control.h"
#include "smbd/listen.h"
#include "smbd/session.h"

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

/* A JSON string, quotes included. */
static char *quoted(TALLOC_CTX *mem, const char *s)
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
		first ? "" : ",", quoted(mem, s->user ? s->user : ""), s->guest ? "true" : "false",
		s->signing_required ? "true" : "false", s->encrypt ? "true" : "false", s->channel_count, s->tree_count,
		idtable_count(s->opens));
}

static void add_json(struct writer *w, TALLOC_CTX *mem, const struct conn *c, unsigned reactor)
{
	bool first = true;

	w->out = talloc_asprintf_append_buffer(w->out,
		"%s{\"peer\":%s,\"transport\":\"tcp\",\"reactor\":%u,\"dialect\":\"%s\",\"cipher\":\"%s\","
		"\"signing_algorithm\":\"%s\",\"bytes_in\":%llu,\"bytes_out\":%llu,\"requests\":%u,\"sessions\":[",
		w->first ? "" : ",", quoted(mem, c->peer), reactor, dialect_name(c->dialect), cipher_name(c->cipher),
		signing_name(c->signing_algorithm), (unsigned long long)c->bytes_in, (unsigned long long)c->bytes_out,
		c->request_count);
	LIST_FOREACH(item, &c->channels) {
		add_session_json(w, mem, container_of(item, struct channel, conn_link)->session, first);
		first = false;
	}
	w->out = talloc_asprintf_append_buffer(w->out, "]}");
}

static void add_text(struct writer *w, const struct conn *c, unsigned reactor)
{
	const struct session *s = NULL;

	if (!list_empty(&c->channels))
		s = container_of(c->channels.next, struct channel, conn_link)->session;
	w->out = talloc_asprintf_append_buffer(w->out, "%-24s %-16s %-6s %-12s %-13s %5u %5u %12llu %12llu %u\n", c->peer,
		s && s->user ? s->user : "-", dialect_name(c->dialect), cipher_name(c->cipher),
		signing_name(c->signing_algorithm), s ? s->tree_count : 0, s ? idtable_count(s->opens) : 0,
		(unsigned long long)c->bytes_in, (unsigned long long)c->bytes_out, reactor);
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
		DAXSMBD_VERSION, (int)getpid(), uptime_seconds(s), quoted(mem, listen_describe(s->listener)),
		reactors_count(s->reactors), atomic_load(&s->stats.connections), atomic_load(&s->stats.sessions),
		atomic_load(&s->stats.trees), atomic_load(&s->stats.opens));
	server_each_local(s, walk_local, &w);
	return talloc_asprintf_append_buffer(w.out, "]}\n");
}

char *status_text(TALLOC_CTX *mem, struct server *s)
{
	struct writer w = {.json = false, .first = true};

	w.out = talloc_asprintf(mem, "daxsmbd %s, pid %d, up %llu s, on %s\n%u connections, %u sessions, %u trees, %u opens\n\n",
		DAXSMBD_VERSION, (int)getpid(), uptime_seconds(s), listen_describe(s->listener),
		atomic_load(&s->stats.connections), atomic_load(&s->stats.sessions), atomic_load(&s->stats.trees),
		atomic_load(&s->stats.opens));
	w.out = talloc_asprintf_append_buffer(w.out, "%-24s %-16s %-6s %-12s %-13s %5s %5s %12s %12s %s\n", "Peer", "User",
		"SMB", "Cipher", "Signing", "Trees", "Opens", "Bytes in", "Bytes out", "Reactor");
	server_each_local(s, walk_local, &w);
	return w.out;
}
