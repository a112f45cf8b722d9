/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/control.h"
#include "smbd/grant.h"
#include "smbd/status.h"

#include <stdlib.h>

/* Direct grants in the status: each that lives, and for each cause how long revocations took from the recall to the fence. */

struct writer {
	char *out;
	bool json, first;
};

static void add_grant(void *arg, const struct grant_facts *f)
{
	struct writer *w = arg;
	const char *right = f->write ? "write" : "read";
	const char *level = vfs_durability_name(f->durability);
	unsigned long long age = f->age_ns / 1000000000u;

	if (w->json) {
		TALLOC_CTX *mem = talloc_new(NULL);
		w->out = talloc_asprintf_append_buffer(w->out,
			"%s{\"id\":%llu,\"user\":%s,\"peer\":%s,\"share\":%s,\"path\":%s,\"offset\":%llu,\"length\":%llu,"
			"\"right\":\"%s\",\"durability\":\"%s\",\"guard\":\"%s\",\"state\":\"%s\",\"age\":%llu,"
			"\"bytes_read\":%llu,\"bytes_written\":%llu}",
			w->first ? "" : ",", (unsigned long long)f->id, status_quoted(mem, f->user), status_quoted(mem, f->peer),
			status_quoted(mem, f->share), status_quoted(mem, f->path), (unsigned long long)f->offset,
			(unsigned long long)f->length, right, level, f->guard, f->state, age,
			(unsigned long long)f->bytes_read, (unsigned long long)f->bytes_written);
		talloc_free(mem);
	} else {
		w->out = talloc_asprintf_append_buffer(w->out,
			"%-16s %-24s %-5s %-10s %-9s %-8s %6llu %12llu %12llu %s/%s [%llu, +%llu)\n", f->user, f->peer, right, level,
			f->guard, f->state, age, (unsigned long long)f->bytes_read, (unsigned long long)f->bytes_written, f->share,
			f->path, (unsigned long long)f->offset, (unsigned long long)f->length);
	}
	w->first = false;
}

static void walk(struct local *l, void *arg)
{
	grants_each(l, add_grant, arg);
}

/* The times of one cause from all reactors. */
struct merged {
	enum grant_cause cause;
	uint64_t count, longest_ns;
	size_t n;
	uint32_t *us;
};

static void merge(struct local *l, void *arg)
{
	struct merged *m = arg;
	const struct grant_times *t = grant_times(l, m->cause);
	size_t n = t->count < GRANT_TIMES ? (size_t)t->count : GRANT_TIMES;
	uint32_t *more = talloc_realloc(NULL, m->us, uint32_t, m->n + n + 1);

	m->count += t->count;
	if (t->longest_ns > m->longest_ns)
		m->longest_ns = t->longest_ns;
	if (!more)
		return;
	m->us = more;
	memcpy(m->us + m->n, t->us, n * sizeof(t->us[0]));
	m->n += n;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t percentile(const struct merged *m, unsigned p)
{
	return m->n ? m->us[(m->n - 1) * p / 100] : 0;
}

static void add_cause(struct writer *w, struct server *s, enum grant_cause cause)
{
	struct merged m = {.cause = cause};

	server_each_local(s, merge, &m);
	if (m.n)
		qsort(m.us, m.n, sizeof(m.us[0]), by_size);
	if (w->json)
		w->out = talloc_asprintf_append_buffer(w->out,
			"%s\"%s\":{\"count\":%llu,\"p50_us\":%u,\"p99_us\":%u,\"longest_us\":%llu}", w->first ? "" : ",",
			grant_cause_name(cause), (unsigned long long)m.count, percentile(&m, 50), percentile(&m, 99),
			(unsigned long long)m.longest_ns / 1000);
	else if (m.count)
		w->out = talloc_asprintf_append_buffer(w->out, "%-12s %8llu %10u %10u %10llu\n", grant_cause_name(cause),
			(unsigned long long)m.count, percentile(&m, 50), percentile(&m, 99),
			(unsigned long long)m.longest_ns / 1000);
	w->first = false;
	talloc_free(m.us);
}

char *status_grants_json(char *out, struct server *s)
{
	struct writer w = {.out = talloc_asprintf_append_buffer(out, ",\"grants\":["), .json = true, .first = true};

	server_each_local(s, walk, &w);
	w.out = talloc_asprintf_append_buffer(w.out, "],\"revocations\":{");
	w.first = true;
	for (int c = 0; c < GRANT_CAUSES; c++)
		add_cause(&w, s, (enum grant_cause)c);
	return talloc_asprintf_append_buffer(w.out, "}");
}

char *status_grants_text(char *out, struct server *s)
{
	struct writer w = {.first = true};

	w.out = talloc_asprintf_append_buffer(out, "\n%-16s %-24s %-5s %-10s %-9s %-8s %6s %12s %12s %s\n", "Direct access",
		"Peer", "Right", "Durability", "Guard", "State", "Age s", "Bytes read", "Bytes written", "Range");
	server_each_local(s, walk, &w);
	w.out = talloc_asprintf_append_buffer(
		w.out, "\n%-12s %8s %10s %10s %10s\n", "Revoked by", "Times", "p50 us", "p99 us", "Longest us");
	for (int c = 0; c < GRANT_CAUSES; c++)
		add_cause(&w, s, (enum grant_cause)c);
	return w.out;
}
