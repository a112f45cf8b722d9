/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A library to be preloaded into the server: an ordinary file system seems to have DAX, and beside each file
 * there is its shadow, which holds what would be left of the file if the power went now. The processor's
 * caches have to be flushed for that; what gets into the shadow is
 *   - cache lines that libpmem was told to flush, as they were then, once the same thread has drained them;
 *   - lines that pwritev2(2) has written, and the size, once there was an fsync(2). In this the shadow is
 *     stricter than the kernel, whose fsync also flushes what was stored through mappings: that would hide
 *     that libpmem was forgotten.
 * There are no other ways by which the server writes to a file, but for those that make zeros; and what a
 * file held before the server wrote to it is not in its shadow.
 *
 * Environment:
 *   SHADOW_OF       the folder whose files have shadows (not those of folders within)
 *   SHADOW_IN       the folder of the shadows, under the same names; it is there
 *   SHADOW_DELAY    microseconds by which drain and fsync reach the shadow, and return, later: who
 *                   acknowledges before they have returned is caught more easily
 *   SHADOW_FORGETS  flush, drain or fsync: these do nothing; wait: drain does not wait for what was flushed,
 *                   the thread's next one does. For tests that have to fail
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/stat.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { LINE = 64, MOST_LINES = 1 << 20 /* of a file */ };

/* As libpmem.h has them, which cannot be included: its names are redefined here. */
enum { MEM_NODRAIN = 1 };
#define EXT4_MAGIC 0xEF53

void pmem_flush(const void *addr, size_t len);
void pmem_drain(void);
void pmem_persist(const void *addr, size_t len);
void *pmem_memcpy(void *to, const void *from, size_t len, unsigned flags);

/* ---- shadows ---- */

struct shadow;

struct line {
	struct shadow *shadow;
	uint64_t number, turn;
	uint8_t data[LINE];
};

struct lines {
	struct line *at;
	size_t n, room;
};

struct shadow {
	struct shadow *next;
	dev_t dev;
	ino_t ino;
	int fd;
	uint64_t size;        /* durable */
	uint64_t *turns;      /* per line: the turn of what is there, so that nothing older follows it */
	struct lines written; /* and not yet synced */
};

struct region {
	struct region *next;
	uint8_t *base;
	size_t len;
	uint64_t offset;
	struct shadow *shadow;
};

/* Guards all that follows, and that a line in its shadow is the newest that was flushed. Live memory is read
 * by system calls under it: those do not raise SIGBUS. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct shadow *shadows;
static struct region *regions;
static uint64_t turn;

static void *real(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (!p) {
		fprintf(stderr, "shadow: no %s\n", name);
		abort();
	}
	return p;
}

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

static bool forgets(const char *what)
{
	const char *s = getenv("SHADOW_FORGETS");

	return s && strcmp(s, what) == 0;
}

static void be_slow(void)
{
	const char *s = getenv("SHADOW_DELAY");

	if (s)
		usleep((useconds_t)atoi(s));
}

/* The file's name, if it is one that has a shadow. */
static const char *name_of(int fd, char path[PATH_MAX])
{
	const char *folder = getenv("SHADOW_OF");
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, PATH_MAX - 1);
	if (n <= 0 || !folder)
		return NULL;
	path[n] = 0;
	size_t len = strlen(folder);
	bool inside = strncmp(path, folder, len) == 0 && path[len] == '/' && !strchr(path + len + 1, '/');
	return inside && !strstr(path, " (deleted)") ? path + len + 1 : NULL;
}

static int open_shadow(const char *name)
{
	char path[PATH_MAX];
	const char *folder = getenv("SHADOW_IN");

	must(folder && snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path), "SHADOW_IN");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	must(fd >= 0, path);
	(void)fchmod(fd, 0666); /* the thread may act for a user, and the next time for another */
	return fd;
}

static struct shadow *shadow_find(const struct stat *st)
{
	struct shadow *s = shadows;

	while (s && (s->dev != st->st_dev || s->ino != st->st_ino))
		s = s->next;
	return s;
}

/* Of an open file, made if need be; NULL if it has none. Lock held. */
static struct shadow *shadow_of(int fd)
{
	char path[PATH_MAX];
	const char *name;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !(name = name_of(fd, path)))
		return NULL;
	struct shadow *s = shadow_find(&st);
	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	must(s, "shadow");
	*s = (struct shadow){.next = shadows, .dev = st.st_dev, .ino = st.st_ino, .fd = open_shadow(name)};
	must(fstat(s->fd, &st) == 0, name);
	s->size = (uint64_t)st.st_size;
	s->turns = mmap(NULL, MOST_LINES * sizeof(*s->turns), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(s->turns != MAP_FAILED, "turns");
	shadows = s;
	return s;
}

static void put(struct shadow *s, uint64_t offset, const uint8_t *data, size_t len)
{
	if (offset >= s->size)
		return;
	if (len > s->size - offset)
		len = (size_t)(s->size - offset);
	must(pwrite(s->fd, data, len, (off_t)offset) == (ssize_t)len, "shadow");
}

/* Of this thread, and not yet drained. */
static __thread struct lines flushed;

static struct line *new_line(struct lines *l)
{
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 256;
		l->at = realloc(l->at, l->room * sizeof(*l->at));
		must(l->at, "lines");
	}
	return &l->at[l->n++];
}

/* Lock held. */
static void apply(struct lines *lines)
{
	for (size_t i = 0; i < lines->n; i++) {
		const struct line *l = &lines->at[i];
		uint64_t *last = &l->shadow->turns[l->number];
		if (*last < l->turn) {
			put(l->shadow, l->number * LINE, l->data, LINE);
			*last = l->turn;
		}
	}
	lines->n = 0;
}

/* ---- libpmem ---- */

static size_t read_live(const uint8_t *from, void *to, size_t len)
{
	struct iovec local = {to, len}, remote = {(void *)(uintptr_t)from, len};
	ssize_t n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);

	return n < 0 ? 0 : (size_t)n; /* beyond the end of the file there is nothing */
}

static const struct region *region_at(const uint8_t *p)
{
	const struct region *r = regions;

	while (r && !(p >= r->base && p < r->base + r->len))
		r = r->next;
	return r;
}

static void flush_line(const uint8_t *at)
{
	const struct region *r = region_at(at);
	struct line *l = r ? new_line(&flushed) : NULL;

	if (!l)
		return;
	*l = (struct line){
		.shadow = r->shadow, .number = ((uint64_t)(at - r->base) + r->offset) / LINE, .turn = ++turn};
	must(l->number < MOST_LINES, "a long file");
	if (read_live(at, l->data, LINE) != LINE)
		flushed.n--;
}

static void flush(const uint8_t *from, size_t len)
{
	const uint8_t *at = (const uint8_t *)((uintptr_t)from & ~(uintptr_t)(LINE - 1));

	if (forgets("flush"))
		return;
	pthread_mutex_lock(&lock);
	for (; at < from + len; at += LINE)
		flush_line(at);
	pthread_mutex_unlock(&lock);
}

/* With "wait" what was flushed goes where the next drain will find it. */
static void drain(void)
{
	static __thread struct lines late;
	struct lines now = flushed;

	if (forgets("drain"))
		flushed.n = 0;
	if (forgets("wait")) {
		flushed = late;
		late = now;
	}
	if (flushed.n)
		be_slow();
	pthread_mutex_lock(&lock);
	apply(&flushed);
	pthread_mutex_unlock(&lock);
}

void pmem_flush(const void *addr, size_t len)
{
	((void (*)(const void *, size_t))real("pmem_flush"))(addr, len);
	flush(addr, len);
}

void pmem_drain(void)
{
	((void (*)(void))real("pmem_drain"))();
	drain();
}

void pmem_persist(const void *addr, size_t len)
{
	pmem_flush(addr, len);
	pmem_drain();
}

/* Whatever the flags: it is flushed, or has gone past the caches. */
void *pmem_memcpy(void *to, const void *from, size_t len, unsigned flags)
{
	memcpy(to, from, len);
	flush(to, len);
	if (!(flags & MEM_NODRAIN))
		pmem_drain();
	return to;
}

/* ---- system calls ---- */

/* From the mapping where there is one: the guard is not asked for that. Lock held. */
static size_t read_file(const struct shadow *s, int fd, uint64_t at, uint8_t *to)
{
	for (const struct region *r = regions; r; r = r->next)
		if (r->shadow == s && at >= r->offset && at - r->offset < r->len)
			return read_live(r->base + (at - r->offset), to, LINE);
	ssize_t n = pread(fd, to, LINE, (off_t)at);
	return n < 0 ? 0 : (size_t)n;
}

ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
	ssize_t done = ((ssize_t(*)(int, const struct iovec *, int, off_t, int))real("pwritev2"))(
		fd, iov, n, offset, flags);

	if (done <= 0)
		return done;
	pthread_mutex_lock(&lock);
	struct shadow *s = shadow_of(fd);
	uint64_t last = ((uint64_t)offset + (uint64_t)done - 1) / LINE;
	must(last < MOST_LINES, "a long file");
	for (uint64_t i = (uint64_t)offset / LINE; s && i <= last; i++) {
		struct line *l = new_line(&s->written);
		*l = (struct line){.shadow = s, .number = i, .turn = ++turn};
		read_file(s, fd, i * LINE, l->data);
	}
	pthread_mutex_unlock(&lock);
	return done;
}

int fsync(int fd)
{
	struct stat st;
	int rc = ((int (*)(int))real("fsync"))(fd);

	if (rc < 0 || forgets("fsync"))
		return rc;
	be_slow();
	pthread_mutex_lock(&lock);
	struct shadow *s = shadow_of(fd);
	if (s && fstat(fd, &st) == 0) {
		s->size = (uint64_t)st.st_size;
		must(ftruncate(s->fd, st.st_size) == 0, "shadow");
		apply(&s->written);
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

static void remember(uint8_t *base, size_t len, uint64_t offset, int fd)
{
	pthread_mutex_lock(&lock);
	struct shadow *s = shadow_of(fd);
	struct region *r = s ? calloc(1, sizeof(*r)) : NULL;
	if (r) {
		*r = (struct region){
			.next = regions, .base = base, .len = len, .offset = offset, .shadow = s};
		regions = r;
	}
	pthread_mutex_unlock(&lock);
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	bool sync = flags & MAP_SYNC && (flags & MAP_TYPE) == MAP_SHARED_VALIDATE;
	int real_flags = sync ? (flags & ~(MAP_SYNC | MAP_TYPE)) | MAP_SHARED : flags;
	void *p = ((void *(*)(void *, size_t, int, int, int, off_t))real("mmap"))(
		addr, len, prot, real_flags, fd, offset);

	if (sync && p != MAP_FAILED)
		remember(p, len, (uint64_t)offset, fd);
	return p;
}

/* The server gives mappings back from the front, in pieces. */
int munmap(void *addr, size_t len)
{
	uint8_t *p = addr;

	pthread_mutex_lock(&lock);
	for (struct region **at = &regions; *at; at = &(*at)->next) {
		struct region *r = *at;
		if (r->base != p)
			continue;
		size_t cut = len < r->len ? len : r->len;
		r->base += cut;
		r->offset += cut;
		r->len -= cut;
		if (r->len == 0) {
			*at = r->next;
			free(r);
		}
		break;
	}
	pthread_mutex_unlock(&lock);
	return ((int (*)(void *, size_t))real("munmap"))(addr, len);
}

int statx(int dir, const char *path, int flags, unsigned mask, struct statx *out)
{
	int rc = ((int (*)(int, const char *, int, unsigned, struct statx *))real("statx"))(
		dir, path, flags, mask, out);

	if (rc == 0 && S_ISREG(out->stx_mode)) {
		out->stx_attributes |= STATX_ATTR_DAX;
		out->stx_attributes_mask |= STATX_ATTR_DAX;
	}
	return rc;
}

/* Some file systems are known not to be persistent. */
int fstatfs(int fd, struct statfs *out)
{
	int rc = ((int (*)(int, struct statfs *))real("fstatfs"))(fd, out);

	if (rc == 0)
		out->f_type = EXT4_MAGIC;
	return rc;
}
