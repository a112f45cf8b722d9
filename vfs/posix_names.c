/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/posix_names.h"
#include "core/clock.h"
#include "vfs/posix.h"
#include "wire/utf16.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

struct stamp {
	uint64_t dev, ino;
	struct timespec modified, changed;
};

struct kept_name {
	struct kept_name *next;
	uint64_t hash; /* without regard to case */
	char name[];
};

struct table {
	struct list link;
	uint64_t id;
	struct stamp stamp;
	uint64_t read_at;  /* clock_now_ns() */
	bool settled;      /* its times lie so far back that any later change shows in them */
	unsigned changing; /* changes begun here and not ended */
	size_t count, size;
	struct kept_name **slots; /* size of them, a power of two */
};

enum { TICK_NS = 20000000 }; /* more than a tick of the kernel's clock */

static int read_stamp(int dir, struct stamp *out)
{
	struct statx x;

	if (statx(dir, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x) < 0)
		return -errno;
	*out = (struct stamp){
		.dev = makedev(x.stx_dev_major, x.stx_dev_minor),
		.ino = x.stx_ino,
		.modified = {x.stx_mtime.tv_sec, x.stx_mtime.tv_nsec},
		.changed = {x.stx_ctime.tv_sec, x.stx_ctime.tv_nsec},
	};
	return 0;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && same_time(a->modified, b->modified) &&
	       same_time(a->changed, b->changed);
}

/* True if the times lie back far enough for the next change to differ from them. */
static bool is_settled(const struct stamp *s)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (now.tv_sec - s->changed.tv_sec) * 1000000000ll + now.tv_nsec - s->changed.tv_nsec > TICK_NS;
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((uint8_t)*s >= 0x80)
			return false;
	return true;
}

static uint64_t hash_of(const char *disk)
{
	char client[NAME_CLIENT_MAX];

	name_to_client(disk, client);
	return name_casehash(client);
}

static bool equal_but_for_case(const char *a, const char *b)
{
	char one[NAME_CLIENT_MAX], two[NAME_CLIENT_MAX];

	if (is_ascii(a) && is_ascii(b))
		return strcasecmp(a, b) == 0;
	name_to_client(a, one);
	name_to_client(b, two);
	return name_casecmp(one, two) == 0;
}

static bool grow(struct table *t)
{
	size_t size = t->size ? 2 * t->size : 1024;
	struct kept_name **slots = calloc(size, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; i < t->size; i++) {
		for (struct kept_name *k = t->slots[i], *next; k; k = next) {
			next = k->next;
			k->next = slots[k->hash & (size - 1)];
			slots[k->hash & (size - 1)] = k;
		}
	}
	free(t->slots);
	t->slots = slots;
	t->size = size;
	return true;
}

static bool add_name(struct table *t, const char *name)
{
	size_t len = strlen(name) + 1;

	if (t->count >= t->size && !grow(t))
		return false;
	struct kept_name *k = malloc(sizeof(*k) + len);
	if (!k)
		return false;
	memcpy(k->name, name, len);
	k->hash = hash_of(name);
	struct kept_name **slot = &t->slots[k->hash & (t->size - 1)];
	k->next = *slot;
	*slot = k;
	t->count++;
	return true;
}

static void remove_name(struct table *t, const char *name)
{
	for (struct kept_name **at = &t->slots[hash_of(name) & (t->size - 1)]; *at; at = &(*at)->next) {
		struct kept_name *k = *at;
		if (strcmp(k->name, name) == 0) {
			*at = k->next;
			free(k);
			t->count--;
			return;
		}
	}
}

static const char *kept(const struct table *t, const char *wanted)
{
	uint64_t hash = hash_of(wanted);

	for (const struct kept_name *k = t->slots[hash & (t->size - 1)]; k; k = k->next)
		if (k->hash == hash && equal_but_for_case(k->name, wanted))
			return k->name;
	return NULL;
}

static void free_table(struct table *t)
{
	for (size_t i = 0; i < t->size; i++) {
		for (struct kept_name *k = t->slots[i], *next; k; k = next) {
			next = k->next;
			free(k);
		}
	}
	free(t->slots);
	free(t);
}

void names_init(struct names *n)
{
	pthread_mutex_init(&n->lock, NULL);
	list_init(&n->tables);
}

static void drop(struct names *n, struct table *t)
{
	list_remove(&t->link);
	n->total -= t->count;
	n->count--;
	free_table(t);
}

void names_clean(struct names *n)
{
	LIST_FOREACH_SAFE (pos, &n->tables)
		drop(n, container_of(pos, struct table, link));
	pthread_mutex_destroy(&n->lock);
}

static struct table *table_of(struct names *n, uint64_t dev, uint64_t ino)
{
	LIST_FOREACH (pos, &n->tables) {
		struct table *t = container_of(pos, struct table, link);
		if (t->stamp.ino == ino && t->stamp.dev == dev)
			return t;
	}
	return NULL;
}

static bool holds(const struct table *t, const struct stamp *now)
{
	return same_stamp(&t->stamp, now) &&
	       (t->settled || clock_now_ns() - t->read_at < NAMES_TRUST_MS * 1000000ull);
}

/* 1: the answer is in *out; 0: there is none; -ENOENT. */
static int look_in_tables(struct names *n, const struct stamp *now, const char *wanted, char *out)
{
	int rc = 0;

	if (n->count == 0)
		return 0;
	pthread_mutex_lock(&n->lock);
	struct table *t = table_of(n, now->dev, now->ino);
	if (t && holds(t, now)) {
		const char *name = kept(t, wanted);
		if (name)
			strcpy(out, name);
		rc = name ? 1 : -ENOENT;
		list_remove(&t->link);
		list_append(&n->tables, &t->link);
	} else if (t && !t->changing) {
		drop(n, t);
	}
	pthread_mutex_unlock(&n->lock);
	return rc;
}

/* Reads until the name is found; *seen counts entries. */
static int look_in_directory(int dir, const char *wanted, char *out, size_t *seen)
{
	struct posix_dents d;
	struct posix_dent e;
	int rc;

	d.fd = dir;
	d.pos = d.end = 0;
	for (*seen = 0; (rc = posix_dents_next(&d, &e)) > 0; ++*seen) {
		if (equal_but_for_case(e.name, wanted)) {
			strcpy(out, e.name);
			return 0;
		}
	}
	return rc < 0 ? rc : -ENOENT;
}

static struct table *read_table(int dir, const struct stamp *before)
{
	struct posix_dents d;
	struct posix_dent e;
	struct stamp after;
	struct table *t = calloc(1, sizeof(*t));
	bool ok = t && grow(t) && lseek(dir, 0, SEEK_SET) == 0;

	if (!t)
		return NULL;
	t->stamp = *before;
	t->settled = is_settled(before);
	t->read_at = clock_now_ns();
	d.fd = dir;
	d.pos = d.end = 0;
	int rc = 0;
	while (ok && (rc = posix_dents_next(&d, &e)) > 0)
		ok = t->count < NAMES_KEPT_TO && add_name(t, e.name);
	if (ok && rc == 0 && read_stamp(dir, &after) == 0 && same_stamp(before, &after))
		return t;
	free_table(t); /* it changed meanwhile: the next look-up tries again */
	return NULL;
}

static void keep(struct names *n, struct table *t)
{
	pthread_mutex_lock(&n->lock);
	struct table *old = table_of(n, t->stamp.dev, t->stamp.ino);
	if (old)
		drop(n, old);
	while (!list_empty(&n->tables) && (n->count >= NAMES_TABLES || n->total + t->count > NAMES_KEPT_TO))
		drop(n, container_of(n->tables.next, struct table, link));
	t->id = ++n->last_id;
	list_append(&n->tables, &t->link);
	n->total += t->count;
	n->count++;
	pthread_mutex_unlock(&n->lock);
}

int names_find(struct names *n, int dir, const char *wanted, char out[NAME_DISK_MAX + 1])
{
	struct stamp now;
	size_t seen;
	int rc = read_stamp(dir, &now);

	if (rc < 0)
		return rc;
	rc = look_in_tables(n, &now, wanted, out);
	if (rc)
		return rc < 0 ? rc : 0;
	rc = look_in_directory(dir, wanted, out, &seen);
	if (seen >= NAMES_KEPT_FROM) {
		struct table *t = read_table(dir, &now);
		if (t)
			keep(n, t);
	}
	return rc;
}

uint64_t names_begin_change(struct names *n, int dir)
{
	struct stamp now;
	uint64_t id = 0;

	if (n->count == 0 || read_stamp(dir, &now) < 0)
		return 0;
	pthread_mutex_lock(&n->lock);
	struct table *t = table_of(n, now.dev, now.ino);
	if (t && (t->changing || same_stamp(&t->stamp, &now))) {
		t->changing++;
		id = t->id;
	} else if (t) {
		drop(n, t);
	}
	pthread_mutex_unlock(&n->lock);
	return id;
}

static bool is_later(const struct stamp *a, const struct stamp *b)
{
	return a->changed.tv_sec > b->changed.tv_sec ||
	       (a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec > b->changed.tv_nsec);
}

/* False if it is not known what the directory has now. */
static bool apply(struct table *t, const char *removed, const char *added)
{
	if (removed)
		remove_name(t, removed);
	return added ? add_name(t, added) : removed != NULL;
}

void names_end_change(
	struct names *n, uint64_t change, int dir, bool done, const char *removed, const char *added)
{
	struct stamp now;

	if (!change || read_stamp(dir, &now) < 0)
		return; /* a table that stays "changing" only goes when it is the oldest */
	pthread_mutex_lock(&n->lock);
	LIST_FOREACH (pos, &n->tables) {
		struct table *t = container_of(pos, struct table, link);
		if (t->id != change)
			continue;
		n->total -= t->count;
		bool known = !done || apply(t, removed, added);
		n->total += t->count;
		t->changing--;
		if (done && is_later(&now, &t->stamp))
			t->stamp = now;
		t->settled = t->settled && !done;
		if (!known)
			drop(n, t);
		break;
	}
	pthread_mutex_unlock(&n->lock);
}
