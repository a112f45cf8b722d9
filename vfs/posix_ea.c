/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/posix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/xattr.h>

/*
 * Clients' EAs are attributes of the "user." class; the prefix is not shown. The kernel refuses the f*xattr
 * calls on O_PATH descriptors; for those the path through /proc reaches the same inode.
 */
static const char prefix[] = "user.";
enum { PREFIX_LEN = sizeof(prefix) - 1 };

ssize_t posix_getxattr(int fd, bool path_only, const char *name, void *buf, size_t size)
{
	ssize_t n =
		path_only ? getxattr(posix_fd_path(fd).s, name, buf, size) : fgetxattr(fd, name, buf, size);

	return n < 0 ? -errno : n;
}

int posix_setxattr(int fd, bool path_only, const char *name, const void *value, size_t size)
{
	int rc = path_only ? setxattr(posix_fd_path(fd).s, name, value, size, 0)
			   : fsetxattr(fd, name, value, size, 0);

	return rc < 0 ? -errno : 0;
}

static int remove_xattr(const struct posix_file *f, const char *name)
{
	int rc = f->path_only ? removexattr(posix_fd_path(f->fd).s, name) : fremovexattr(f->fd, name);

	return rc < 0 ? -errno : 0;
}

static ssize_t list_xattr(const struct posix_file *f, char *buf, size_t size)
{
	ssize_t n =
		f->path_only ? listxattr(posix_fd_path(f->fd).s, buf, size) : flistxattr(f->fd, buf, size);

	return n < 0 ? -errno : n;
}

static ssize_t read_one(const struct posix_file *f, const char *name, char *buf, size_t size)
{
	return name ? posix_getxattr(f->fd, f->path_only, name, buf, size) : list_xattr(f, buf, size);
}

/* The whole list (name NULL) or value, malloced; its size may change between asking for it and reading. */
static ssize_t read_all(const struct posix_file *f, const char *name, char **out)
{
	enum { MOSTLY_ENOUGH = 256, ATTEMPTS = 8 };
	ssize_t size = MOSTLY_ENOUGH, n = -ERANGE;

	*out = NULL;
	for (int attempt = 0; attempt < ATTEMPTS && n == -ERANGE && size >= 0; attempt++) {
		*out = malloc((size_t)size + 1);
		if (!*out)
			return -ENOMEM;
		n = read_one(f, name, *out, (size_t)size);
		if (n > 0) {
			(*out)[n] = 0;
			return n;
		}
		free(*out);
		*out = NULL;
		if (n == -ERANGE)
			size = read_one(f, name, NULL, 0);
	}
	return size < 0 ? size : n == -ERANGE ? -EAGAIN : n;
}

static int show_one(const struct posix_file *f, const char *full,
	int (*fn)(void *, const char *, struct bytes), void *arg)
{
	const char *name = full + PREFIX_LEN;
	char *value;

	if (strncmp(full, prefix, PREFIX_LEN) != 0 || vfs_ea_is_reserved(name))
		return 0;
	/* the handle has FILE_READ_EA: whoever ran last on this thread has no say in it */
	int rc = cred_assume(NULL);
	if (rc < 0)
		return rc;
	ssize_t n = read_all(f, full, &value);
	if (n < 0)
		return n == -ENODATA ? 0 : (int)n;
	/* for clients an EA without a value does not exist */
	rc = n > 0 ? fn(arg, name, BYTES(value, n)) : 0;
	free(value);
	return rc;
}

static int each_ea(const struct posix_file *f, const char *list, size_t len,
	int (*fn)(void *, const char *, struct bytes), void *arg)
{
	int rc = 0;

	for (const char *at = list; rc == 0 && at < list + len; at += strlen(at) + 1)
		rc = show_one(f, at, fn, arg);
	return rc;
}

int posix_ea_list(struct vfs_file *base, int (*fn)(void *, const char *, struct bytes), void *arg)
{
	struct posix_file *f = posix_file_of(base);
	char *list;

	/* to list the names takes no right, so that a file without any costs no change of identity */
	ssize_t n = read_all(f, NULL, &list);
	if (n < 0)
		return n == -EOPNOTSUPP || n == -EPERM ? 0 : (int)n;
	int rc = each_ea(f, list, (size_t)n, fn, arg);
	free(list);
	return rc;
}

/* EA names are compared without regard to case, [MS-FSCC] 2.4.15: the spelling that is there is kept. */
static void use_existing_spelling(const struct posix_file *f, char *full)
{
	char *list;
	ssize_t n = read_all(f, NULL, &list);

	for (const char *at = list; n > 0 && at < list + n; at += strlen(at) + 1) {
		if (strcasecmp(at, full) == 0) {
			strcpy(full, at);
			break;
		}
	}
	free(list);
}

int posix_ea_set(struct vfs_file *base, struct vfs_cred *cred, const char *name, struct bytes value)
{
	struct posix_file *f = posix_file_of(base);
	char full[256];
	int rc = cred_assume(cred);

	if (rc < 0)
		return rc;
	if (snprintf(full, sizeof(full), "%s%s", prefix, name) >= (int)sizeof(full))
		return -ENAMETOOLONG;
	use_existing_spelling(f, full);
	if (value.len)
		return posix_setxattr(f->fd, f->path_only, full, value.data, value.len);
	rc = remove_xattr(f, full);
	return rc == -ENODATA ? 0 : rc;
}
