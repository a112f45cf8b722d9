/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/posix_names.h"
#include "core/clock.h"
#include "vfs/posix.h"
#include "wire/short_name.h"
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
	struct stamp stamp;
	uint64_t touched_at; /* clock_now_ns() when it was read or last changed here */
	bool settled;        /* its times lie so far back that any later change shows in them */
	bool unknown;        /* a change was not understood */
	size_t count, size;
	struct kept_name **slots; /* size of them, a power of two */
};

/* A change that ended while its directory was read: it may have been seen or not. */
struct late_change {
	struct list link;
	struct stamp after;
	char removed[NAME_DISK_MAX + 1], added[NAME_DISK_MAX + 1]; /* "": none */
};

struct reader {
	struct list link;
	uint64_t dev, ino;
	struct list late; /* in the order in which they ended */
	bool lost;        /* memory was short */
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

static struct kept_name **place_of(const struct table *t, const char *name, uint64_t hash)
{
	struct kept_name **at = &t->slots[hash & (t->size - 1)];

	while (*at && ((*at)->hash != hash || strcmp((*at)->name, name) != 0))
		at = &(*at)->next;
	return at;
}

static bool add_name(struct table *t, const char *name)
{
	size_t len = strlen(name) + 1;
	uint64_t hash = hash_of(name);

	if (t->count >= t->size && !grow(t))
		return false;
	struct kept_name **at = place_of(t, name, hash);
	if (*at)
		return true;
	struct kept_name *k = malloc(sizeof(*k) + len);
	if (!k)
		return false;
	memcpy(k->name, name, len);
	k->hash = hash;
	k->next = NULL;
	*at = k;
	t->count++;
	return true;
}

static void remove_name(struct table *t, const char *name)
{
	struct kept_name **at = place_of(t, name, hash_of(name)), *k = *at;

	if (!k)
		return;
	*at = k->next;
	free(k);
	t->count--;
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

void names_init(struct names *n, bool off)
{
	*n = (struct names){.off = off};
	pthread_mutex_init(&n->lock, NULL);
	list_init(&n->tables);
	list_init(&n->changes);
	list_init(&n->readers);
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

static bool is_changing(const struct names *n, uint64_t dev, uint64_t ino)
{
	LIST_FOREACH (pos, &n->changes) {
		const struct names_change *c = container_of(pos, struct names_change, link);
		if (c->ino == ino && c->dev == dev)
			return true;
	}
	return false;
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

/* While a change made here is not ended yet, other times are to be expected. */
static bool holds(const struct table *t, const struct stamp *now, bool changing)
{
	return (changing || same_stamp(&t->stamp, now)) &&
	       (t->settled || clock_now_ns() - t->touched_at < NAMES_TRUST_MS * 1000000ull);
}

/* 1: the answer is in *out; 0: there is none; -ENOENT. */
static int look_in_tables(struct names *n, const struct stamp *now, const char *wanted, char *out)
{
	int rc = 0;

	pthread_mutex_lock(&n->lock);
	struct table *t = table_of(n, now->dev, now->ino);
	bool changing = is_changing(n, now->dev, now->ino);
	if (t && holds(t, now, changing)) {
		const char *name = kept(t, wanted);
		if (name)
			strcpy(out, name);
		rc = name ? 1 : -ENOENT;
		list_remove(&t->link);
		list_append(&n->tables, &t->link);
	} else if (t && !changing) {
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

/* By its 8.3 name, which clients may have from FileAlternateNameInformation. */
static int look_for_short(int dir, const char *wanted, char *out)
{
	struct posix_dents d;
	struct posix_dent e;
	int rc = lseek(dir, 0, SEEK_SET) < 0 ? -errno : 1;

	d.fd = dir;
	d.pos = d.end = 0;
	while (rc > 0 && (rc = posix_dents_next(&d, &e)) > 0) {
		char client[NAME_CLIENT_MAX], short_name[SHORT_NAME_SIZE];
		name_to_client(e.name, client);
		short_name_of(client, short_name);
		if (strcasecmp(short_name, wanted) == 0) {
			strcpy(out, e.name);
			return 0;
		}
	}
	return rc < 0 ? rc : -ENOENT;
}

static struct table *read_table(int dir)
{
	struct posix_dents d;
	struct posix_dent e;
	struct table *t = calloc(1, sizeof(*t));
	int rc = t && grow(t) && lseek(dir, 0, SEEK_SET) == 0 ? 1 : -ENOMEM;

	d.fd = dir;
	d.pos = d.end = 0;
	while (rc > 0 && (rc = posix_dents_next(&d, &e)) > 0)
		if (t->count >= NAMES_KEPT_TO || !add_name(t, e.name))
			rc = -ENOMEM;
	if (rc == 0)
		return t;
	if (t)
		free_table(t);
	return NULL;
}

static bool is_later(const struct stamp *a, const struct stamp *b)
{
	return a->changed.tv_sec > b->changed.tv_sec ||
	       (a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec > b->changed.tv_nsec);
}

/* What changed here; afterwards the directory has the times `after`. */
static void apply(struct table *t, const char *removed, const char *added, const struct stamp *after)
{
	if (*removed)
		remove_name(t, removed);
	if (*added ? !add_name(t, added) : !*removed)
		t->unknown = true;
	if (is_later(after, &t->stamp))
		t->stamp = *after;
	t->settled = false;
	t->touched_at = clock_now_ns();
}

/* Applies what ended while the directory was read. False if it cannot be known what the table should have. */
static bool catch_up(struct names *n, struct table *t, struct reader *r, const struct stamp *before)
{
	bool own = !list_empty(&r->late) || is_changing(n, r->dev, r->ino);
	struct list *l;

	/* times that differ are those of a local change, unless there was one here */
	t->unknown = r->lost || (!own && !same_stamp(&t->stamp, before));
	if (own)
		t->settled = false;
	while ((l = list_pop(&r->late))) {
		struct late_change *c = container_of(l, struct late_change, link);
		apply(t, c->removed, c->added, &c->after);
		free(c);
	}
	return !t->unknown;
}

static void keep(struct names *n, struct table *t)
{
	struct table *old = table_of(n, t->stamp.dev, t->stamp.ino);

	if (old)
		drop(n, old);
	while (!list_empty(&n->tables) && (n->count >= NAMES_TABLES || n->total + t->count > NAMES_KEPT_TO))
		drop(n, container_of(n->tables.next, struct table, link));
	list_append(&n->tables, &t->link);
	n->total += t->count;
	n->count++;
}

static void read_and_keep(struct names *n, int dir, uint64_t dev, uint64_t ino)
{
	struct reader r = {.dev = dev, .ino = ino};
	struct stamp before, after;
	struct table *t = NULL;

	list_init(&r.late);
	pthread_mutex_lock(&n->lock);
	list_append(&n->readers, &r.link);
	pthread_mutex_unlock(&n->lock);
	int rc = read_stamp(dir, &before);
	bool settled = rc == 0 && is_settled(&before);
	if (rc == 0 && (t = read_table(dir)))
		rc = read_stamp(dir, &after);
	pthread_mutex_lock(&n->lock);
	list_remove(&r.link);
	if (t) {
		t->stamp = after;
		t->settled = settled;
		t->touched_at = clock_now_ns();
	}
	if (rc == 0 && t && catch_up(n, t, &r, &before))
		keep(n, t);
	else if (t)
		free_table(t);
	pthread_mutex_unlock(&n->lock);
	for (struct list *l; (l = list_pop(&r.late));)
		free(container_of(l, struct late_change, link));
}

int names_find(struct names *n, int dir, const char *wanted, char out[NAME_DISK_MAX + 1])
{
	struct stamp now;
	size_t seen;
	int rc = read_stamp(dir, &now);

	if (rc < 0)
		return rc;
	rc = look_in_tables(n, &now, wanted, out);
	if (rc > 0)
		return 0;
	if (rc == 0) {
		rc = look_in_directory(dir, wanted, out, &seen);
		if (seen >= NAMES_KEPT_FROM)
			read_and_keep(n, dir, now.dev, now.ino);
	}
	return rc == -ENOENT && short_name_is_made(wanted) ? look_for_short(dir, wanted, out) : rc;
}

void names_begin_change(struct names *n, struct names_change *c, int dir)
{
	struct stamp now = {0};

	*c = (struct names_change){.dir = dir};
	list_init(&c->link);
	if (n->off || read_stamp(dir, &now) < 0)
		return;
	c->dev = now.dev;
	c->ino = now.ino;
	pthread_mutex_lock(&n->lock);
	struct table *t = table_of(n, c->dev, c->ino);
	if (t && !same_stamp(&t->stamp, &now) && !is_changing(n, c->dev, c->ino))
		drop(n, t); /* a local process was here */
	list_append(&n->changes, &c->link);
	pthread_mutex_unlock(&n->lock);
}

static void tell_reader(struct reader *r, const char *removed, const char *added, const struct stamp *after)
{
	struct late_change *late = malloc(sizeof(*late));

	if (!late) {
		r->lost = true;
		return;
	}
	late->after = *after;
	strcpy(late->removed, removed);
	strcpy(late->added, added);
	list_append(&r->late, &late->link);
}

static void tell_all(struct names *n, const struct names_change *c, const char *removed, const char *added,
	const struct stamp *after)
{
	struct table *t = table_of(n, c->dev, c->ino);

	LIST_FOREACH (pos, &n->readers) {
		struct reader *r = container_of(pos, struct reader, link);
		if (r->ino == c->ino && r->dev == c->dev)
			tell_reader(r, removed, added, after);
	}
	if (!t)
		return;
	n->total -= t->count;
	apply(t, removed, added, after);
	n->total += t->count;
	if (t->unknown)
		drop(n, t);
}

void names_end_change(
	struct names *n, struct names_change *c, bool done, const char *removed, const char *added)
{
	struct stamp after;

	if (c->ino == 0)
		return; /* it was not announced */
	if (done && read_stamp(c->dir, &after) < 0) {
		removed = added = NULL;
		after = (struct stamp){.dev = c->dev, .ino = c->ino};
	}
	pthread_mutex_lock(&n->lock);
	list_remove(&c->link);
	if (done)
		tell_all(n, c, removed ? removed : "", added ? added : "", &after);
	pthread_mutex_unlock(&n->lock);
}
