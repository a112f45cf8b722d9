/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "auth/userdb.h"

#include "auth/crypto.h"
#include "auth/smbpasswd.h"
#include "core/log.h"
#include "core/random.h"
#include "wire/utf16.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <nettle/md4.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 16 << 20, NAME_MAX_BYTES = 255 };

/* A password that has no UTF-16 form gets a hash that nobody's password has. */
void nt_hash(const char *password_utf8, uint8_t out[16])
{
	struct bytes utf16 = utf16_from_utf8(NULL, password_utf8);
	struct md4_ctx md4;

	if (utf16_length(password_utf8) == SIZE_MAX || (!utf16.data && *password_utf8)) {
		random_bytes(out, 16);
	} else {
		md4_init(&md4);
		md4_update(&md4, utf16.len, utf16.data);
		md4_digest(&md4, 16, out);
	}
	if (utf16.data)
		crypto_wipe((void *)utf16.data, utf16.len);
	talloc_free((void *)utf16.data);
	crypto_wipe(&md4, sizeof(md4));
}

/* A file's content; wiped when freed, because it holds hashes that log on as well as passwords do. */
struct content {
	uint8_t *data;
	size_t len;
	uid_t owner;
	gid_t group;
};

static int wipe_content(struct content *c)
{
	if (c->data)
		crypto_wipe(c->data, c->len);
	return 0;
}

static void warn_if_exposed(const char *path, const struct stat *st)
{
	static atomic_bool warned;

	if ((st->st_mode & 077) && !atomic_exchange(&warned, true))
		log_warning(auth, "%s holds password hashes and is open to others (mode %03o): chmod 600 it",
			path, (unsigned)(st->st_mode & 0777));
}

static int read_all(int fd, uint8_t *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, data + done, len - done, (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO; /* files are replaced, never cut */
		done += (size_t)n;
	}
	return 0;
}

static int load_fd(TALLOC_CTX *mem, int fd, const char *path, struct content **out)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > FILE_MAX_BYTES)
		return -EFBIG;
	warn_if_exposed(path, &st);
	struct content *c = talloc_zero(mem, struct content);
	if (!c)
		return -ENOMEM;
	c->owner = st.st_uid;
	c->group = st.st_gid;
	talloc_set_destructor(c, wipe_content);
	c->data = talloc_size(c, (size_t)st.st_size + 1);
	if (c->data)
		c->len = (size_t)st.st_size;
	int rc = c->data ? read_all(fd, c->data, c->len) : -ENOMEM;
	if (rc < 0)
		talloc_free(c);
	else
		*out = c;
	return rc;
}

static int load(TALLOC_CTX *mem, const char *path, struct content **out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	int rc = load_fd(mem, fd, path, out);
	close(fd);
	return rc;
}

int userdb_list(const char *path, int (*fn)(void *arg, const struct userdb_entry *e), void *arg)
{
	struct content *c;
	int rc = load(NULL, path, &c);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	struct rd r = rd_over(BYTES(c->data, c->len));
	struct smbpasswd_line line;
	while (rc == 0 && smbpasswd_next(&r, &line)) {
		if (!line.understood)
			continue;
		line.entry.name = talloc_strndup(c, (const char *)line.name.data, line.name.len);
		rc = line.entry.name ? fn(arg, &line.entry) : -ENOMEM;
		talloc_free((void *)line.entry.name);
	}
	crypto_wipe(&line, sizeof(line));
	talloc_free(c);
	return rc;
}

struct search {
	TALLOC_CTX *mem;
	const char *name;
	struct userdb_entry *out;
	bool found;
};

/* Reads on after a match: how long a look-up takes does not say whether there is such a user. */
static int match(void *arg, const struct userdb_entry *e)
{
	struct search *s = arg;

	if (name_casecmp(e->name, s->name) != 0 || s->found)
		return 0;
	const char *name = talloc_strdup(s->mem, e->name);
	if (!name)
		return -ENOMEM;
	*s->out = *e;
	s->out->name = name;
	s->found = true;
	return 0;
}

int userdb_find(TALLOC_CTX *mem, const char *path, const char *name, struct userdb_entry *out)
{
	struct search s = {mem, name, out, false};
	int rc = userdb_list(path, match, &s);

	return rc == 0 && !s.found ? -ENOENT : rc;
}

/*
 * Changing. The lock is on the file that has the name: whoever gets it after waiting looks whether the name
 * still means that file, because the one before has put a new file there.
 */
struct change {
	char *path;
	int lock_fd;
	struct content *old;
	char *tmp;
	int tmp_fd; /* -1: none */
};

static int end_change(struct change *c)
{
	if (c->tmp_fd >= 0) {
		close(c->tmp_fd);
		unlink(c->tmp);
	}
	if (c->lock_fd >= 0)
		close(c->lock_fd);
	return 0;
}

static int lock_current(const char *path)
{
	for (;;) {
		struct stat mine, current;
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);

		if (fd < 0)
			return -errno;
		while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
			;
		if (fstat(fd, &mine) == 0 && stat(path, &current) == 0 && mine.st_dev == current.st_dev &&
			mine.st_ino == current.st_ino)
			return fd;
		close(fd);
	}
}

static int begin_change(struct change **out, const char *path)
{
	char real[PATH_MAX];
	struct change *c = talloc_zero(NULL, struct change);

	if (!c)
		return -ENOMEM;
	c->lock_fd = c->tmp_fd = -1;
	talloc_set_destructor(c, end_change);
	c->lock_fd = lock_current(path);
	int rc = c->lock_fd < 0 ? c->lock_fd : load_fd(c, c->lock_fd, path, &c->old);
	if (rc == 0) {
		/* A symbolic link stays one: the file behind it is replaced. */
		c->path = talloc_strdup(c, realpath(path, real) ? real : path);
		c->tmp = c->path ? talloc_asprintf(c, "%s.XXXXXX", c->path) : NULL;
		c->tmp_fd = c->tmp ? mkostemp(c->tmp, O_CLOEXEC) : -1;
		rc = c->tmp_fd >= 0 ? 0 : c->tmp ? -errno : -ENOMEM;
	}
	if (rc < 0)
		talloc_free(c);
	else
		*out = c;
	return rc;
}

static int put(struct change *c, struct bytes b)
{
	while (b.len) {
		ssize_t n = write(c->tmp_fd, b.data, b.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		b = BYTES(b.data + n, b.len - (size_t)n);
	}
	return 0;
}

static int put_entry(struct change *c, const struct userdb_entry *e)
{
	char line[SMBPASSWD_LINE_MAX];
	size_t len = smbpasswd_format(e, line);
	int rc = put(c, BYTES(line, len));

	crypto_wipe(line, sizeof(line));
	return rc;
}

static int sync_folder(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash == path ? 1 : slash ? (size_t)(slash - path) : 0;

	if (len >= sizeof(folder))
		return -ENAMETOOLONG;
	memcpy(folder, path, len);
	folder[len] = 0;
	int fd = open(len ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int rc = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

static int commit_change(struct change *c)
{
	/* Root changes it for an account of the daemon's own: the owner stays. */
	if ((c->old->owner != geteuid() || c->old->group != getegid()) &&
		fchown(c->tmp_fd, c->old->owner, c->old->group) < 0 && geteuid() == 0)
		return -errno;
	if (fsync(c->tmp_fd) < 0 || rename(c->tmp, c->path) < 0)
		return -errno;
	close(c->tmp_fd);
	c->tmp_fd = -1;
	return sync_folder(c->path);
}

/* What to do with the entry of one name. NULL `fn`: leave it out. */
typedef void (*edit_fn)(struct userdb_entry *e, const void *arg);

static bool line_is(const struct smbpasswd_line *l, const char *name)
{
	if (!l->understood)
		return false;
	char *s = talloc_strndup(NULL, (const char *)l->name.data, l->name.len);
	bool same = s && name_casecmp(s, name) == 0;

	talloc_free(s);
	return same;
}

/*
 * Copies the file with the first entry of that name edited; lines that mean nothing to us stay as they are.
 */
static int rewrite(struct change *c, const char *name, edit_fn fn, const void *arg, bool *found)
{
	struct rd r = rd_over(BYTES(c->old->data, c->old->len));
	struct smbpasswd_line line;
	int rc = 0;

	*found = false;
	while (rc == 0 && smbpasswd_next(&r, &line)) {
		if (*found || !line_is(&line, name)) {
			rc = put(c, line.raw);
			if (rc == 0 && !line.ended)
				rc = put(c, BYTES("\n", 1));
			continue;
		}
		*found = true;
		if (!fn)
			continue;
		char kept[NAME_MAX_BYTES + 1] = "";
		memcpy(kept, line.name.data, line.name.len < sizeof(kept) ? line.name.len : sizeof(kept) - 1);
		line.entry.name = kept;
		fn(&line.entry, arg);
		rc = put_entry(c, &line.entry);
	}
	crypto_wipe(&line, sizeof(line));
	return rc;
}

static int edit(const char *path, const char *name, edit_fn fn, const void *arg)
{
	struct change *c;
	bool found = false;
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? -ENOENT : -errno;
	int rc = begin_change(&c, path);
	if (rc < 0)
		return rc;
	rc = rewrite(c, name, fn, arg, &found);
	if (rc == 0)
		rc = found ? commit_change(c) : -ENOENT;
	talloc_free(c);
	return rc;
}

static void set_hash(struct userdb_entry *e, const void *hash)
{
	memcpy(e->nt_hash, hash, sizeof(e->nt_hash));
	e->has_password = true;
	e->no_password_required = false;
	e->last_change = time(NULL);
}

static bool valid_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > NAME_MAX_BYTES || name[0] == '#' || utf16_length(name) == SIZE_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f || name[i] == ':')
			return false;
	return true;
}

static int add(const char *path, const struct userdb_entry *e)
{
	struct change *c;
	struct userdb_entry old;
	int rc = begin_change(&c, path);

	if (rc < 0)
		return rc;
	rc = userdb_find(c, path, e->name, &old);
	crypto_wipe(old.nt_hash, sizeof(old.nt_hash));
	rc = rc == 0 ? -EEXIST : rc == -ENOENT ? 0 : rc;
	if (rc == 0) {
		bool found;
		rc = rewrite(c, "", NULL, NULL, &found);
	}
	if (rc == 0)
		rc = put_entry(c, e);
	if (rc == 0)
		rc = commit_change(c);
	talloc_free(c);
	return rc;
}

int userdb_set(const char *path, const char *name, uint32_t uid, const char *password, bool replace)
{
	struct userdb_entry e = {.name = name, .uid = uid};

	if (!valid_name(name))
		return -EINVAL;
	if (utf16_length(password) == SIZE_MAX)
		return -EILSEQ;
	uint8_t hash[16];
	nt_hash(password, hash);
	set_hash(&e, hash);
	int rc = replace ? edit(path, name, set_hash, hash) : add(path, &e);
	crypto_wipe(hash, sizeof(hash));
	crypto_wipe(&e, sizeof(e));
	return rc;
}

static void set_disabled(struct userdb_entry *e, const void *disabled)
{
	e->disabled = *(const bool *)disabled;
}

int userdb_disable(const char *path, const char *name, bool disabled)
{
	return edit(path, name, set_disabled, &disabled);
}

int userdb_delete(const char *path, const char *name)
{
	return edit(path, name, NULL, NULL);
}
