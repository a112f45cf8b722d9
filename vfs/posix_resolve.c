/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/posix.h"
#include "wire/utf16.h"

#include <errno.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * From a path to a descriptor. The kernel resolves each path as a whole and beneath the root, whatever others
 * do to the tree meanwhile; names are compared here only to find another spelling to ask the kernel for.
 */

int posix_disk_path(const char *client, char *out)
{
	return path_to_disk(client, out, PATH_MAX);
}

char *posix_client_path(const char *disk)
{
	size_t len = strlen(disk);
	char *client = malloc(3 * len + 1), *out = client;
	char name[NAME_DISK_MAX + 1];

	while (client && *disk) {
		size_t n = strcspn(disk, "/");
		memcpy(name, disk, n);
		name[n] = 0;
		char mapped[NAME_CLIENT_MAX]; /* at most three times the bytes of the component */
		size_t m = name_to_client(name, mapped);
		memcpy(out, mapped, m);
		out += m;
		disk += n;
		if (*disk)
			*out++ = *disk++;
	}
	if (client)
		*out = 0;
	return client;
}

/* A symlink that may not be followed, or that leads out of the share, is closed to clients: -EACCES. */
static int resolve_error(int err)
{
	return err == EXDEV || err == ELOOP ? -EACCES : -err;
}

int posix_openat2(const struct posix_share *s, const char *path, int oflags, mode_t mode, unsigned flags)
{
	return posix_openat2_in(s, s->root, path, oflags, mode, flags);
}

int posix_openat2_in(
	const struct posix_share *s, int dir, const char *path, int oflags, mode_t mode, unsigned flags)
{
	struct open_how how = {
		.flags = (uint64_t)(oflags | O_CLOEXEC),
		.mode = oflags & O_CREAT ? mode : 0,
		.resolve = s->resolve,
	};
	long fd;

	if (flags & VFS_NOWAIT && !s->base.memory_speed)
		how.resolve |= RESOLVE_CACHED;
	/* without RESOLVE_CACHED, EAGAIN means that a rename elsewhere made the kernel unsure: openat2(2) */
	for (int attempt = 0; attempt < 1000; attempt++) {
		fd = syscall(SYS_openat2, dir, *path ? path : ".", &how, sizeof(how));
		if (fd >= 0)
			return (int)fd;
		if (errno != EINTR && (errno != EAGAIN || how.resolve & RESOLVE_CACHED))
			break;
	}
	return resolve_error(errno);
}

struct kernel_dirent { /* struct linux_dirent64, getdents(2) */
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

int posix_dents_next(struct posix_dents *d, struct posix_dent *out)
{
	for (;;) {
		if (d->pos >= d->end) {
			long n = syscall(SYS_getdents64, d->fd, d->buf, sizeof(d->buf));
			if (n <= 0)
				return n < 0 && errno != ENOENT ? -errno : 0; /* ENOENT: removed meanwhile */
			d->pos = 0;
			d->end = (size_t)n;
		}
		const struct kernel_dirent *k = (const void *)(d->buf + d->pos);
		d->pos += k->reclen;
		const char *n = k->name;
		if (n[0] == '.' && (n[1] == 0 || (n[1] == '.' && n[2] == 0)))
			continue;
		*out = (struct posix_dent){.name = n, .ino = k->ino, .type = k->type};
		return 1;
	}
}

/* Appends a component to a path of size PATH_MAX. */
static int append(char *path, const char *name)
{
	size_t len = strlen(path), n = strlen(name);

	if (n + 2 > PATH_MAX - len)
		return -ENAMETOOLONG;
	if (len)
		path[len++] = '/';
	memcpy(path + len, name, n + 1);
	return 0;
}

/* The entry of directory `path` that matches `name` but for case; *dir is opened on it, -1 if that fails. */
static int find_in(struct posix_share *s, const char *path, const char *name, char *spelled, int *dir)
{
	int fd = s->base.o.case_sensitive ? -EACCES : posix_openat2(s, path, O_RDONLY | O_DIRECTORY, 0, 0);
	int rc = -ENOENT;

	/* a directory that cannot be listed has the names that are asked for exactly, and no others */
	if (fd == -EACCES)
		fd = posix_openat2(s, path, O_PATH | O_DIRECTORY, 0, 0);
	else if (fd >= 0)
		rc = names_find(&s->names, fd, name, spelled);
	*dir = fd >= 0 ? fd : -1;
	return fd < 0 ? fd : rc;
}

/* Appends the entry of directory `path` that matches `name`: as it is, or in another case. 0 or -errno. */
static int append_spelled(struct posix_share *s, char *path, const char *name)
{
	char spelled[NAME_DISK_MAX + 1];
	size_t len = strlen(path);
	int dir, rc = append(path, name);
	if (rc < 0)
		return rc;
	int fd = posix_openat2(s, path, O_PATH | O_NOFOLLOW, 0, 0);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (fd != -ENOENT)
		return fd;
	path[len] = 0;
	rc = find_in(s, path, name, spelled, &dir);
	if (dir >= 0)
		close(dir);
	return rc < 0 ? rc : append(path, spelled);
}

/* From left to right until something is missing, which is -ENOTDIR. */
static int spell_directories(struct posix_share *s, char *path)
{
	char want[PATH_MAX];
	int rc = 0;

	strcpy(want, path);
	*path = 0;
	for (char *name = want, *end; rc == 0 && name; name = end) {
		end = strchr(name, '/');
		if (end)
			*end++ = 0;
		rc = append_spelled(s, path, name);
	}
	return rc == -ENOENT ? -ENOTDIR : rc;
}

/* *dir: the folder, if there is one, to be closed. */
static int spell(struct posix_share *s, char *path, int *dir)
{
	char *slash = strrchr(path, '/');
	char leaf[NAME_DISK_MAX + 1], spelled[NAME_DISK_MAX + 1];

	strcpy(leaf, slash ? slash + 1 : path);
	*(slash ? slash : path) = 0;
	int rc = find_in(s, path, leaf, spelled, dir); /* mostly the parent is right already */
	if (rc == -ENOENT && *dir < 0) {
		rc = spell_directories(s, path);
		if (rc == 0)
			rc = find_in(s, path, leaf, spelled, dir);
	}
	if (*dir < 0)
		return rc == -ENOENT ? -ENOTDIR : rc; /* -ENOENT is about the last component only */
	int appended = append(path, rc == 0 ? spelled : leaf);
	return appended < 0 ? appended : rc;
}

int posix_spell(struct posix_share *s, char *path, unsigned flags)
{
	int dir, rc;

	if (flags & VFS_NOWAIT && !s->base.memory_speed)
		return -EAGAIN;
	rc = spell(s, path, &dir);
	if (dir >= 0)
		close(dir);
	return rc;
}

int posix_open_existing(struct posix_share *s, char *path, int oflags, unsigned flags)
{
	int fd = posix_openat2(s, path, oflags, 0, flags);

	if (fd != -ENOENT || *path == 0)
		return fd;
	int rc = posix_spell(s, path, flags);
	if (rc < 0)
		return rc;
	fd = posix_openat2(s, path, oflags, 0, flags);
	if (fd != -ENOENT)
		return fd;
	/* if the name is still there, what is missing is where a symlink points: it is not to be created */
	fd = posix_openat2(s, path, O_PATH | O_NOFOLLOW, 0, 0);
	if (fd < 0)
		return fd;
	close(fd);
	return -EACCES;
}

int posix_parent_open(const struct posix_share *s, const char *path, struct posix_parent *out)
{
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX];

	*out = (struct posix_parent){.fd = s->root, .leaf = slash ? slash + 1 : path};
	if (!slash)
		return 0;
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = 0;
	out->fd = posix_openat2(s, parent, O_PATH | O_DIRECTORY, 0, 0);
	out->owned = out->fd >= 0;
	return out->fd < 0 ? (out->fd == -ENOENT ? -ENOTDIR : out->fd) : 0;
}

void posix_parent_close(struct posix_parent *p)
{
	if (p->owned)
		close(p->fd);
	p->owned = false;
}

int posix_parent_for_new(struct posix_share *s, char *path, struct posix_parent *out)
{
	int dir, rc = spell(s, path, &dir);

	if (rc == -ENOENT) {
		*out = (struct posix_parent){.fd = dir, .owned = true, .leaf = vfs_basename(path)};
		return 0;
	}
	if (dir >= 0)
		close(dir);
	return rc == 0 ? -EEXIST : rc;
}
