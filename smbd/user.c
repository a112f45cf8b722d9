/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

enum { NSS_BUFFER = 16384, NSS_BUFFER_MAX = 64 << 20, MAX_GROUPS = 65536, FIRST_GROUPS = 64 };

static bool find_account(TALLOC_CTX *mem, const char *name, struct passwd *pw)
{
	struct passwd *found = NULL;
	int rc = ERANGE;

	for (size_t size = NSS_BUFFER; rc == ERANGE && size <= NSS_BUFFER_MAX; size *= 4) {
		char *buf = talloc_array(mem, char, size);
		rc = buf ? getpwnam_r(name, pw, buf, size, &found) : ENOMEM;
	}
	return rc == 0 && found;
}

/* A group with many members needs a large buffer. */
static bool find_group(TALLOC_CTX *mem, const char *name, struct group *gr)
{
	struct group *found = NULL;
	int rc = ERANGE;

	for (size_t size = NSS_BUFFER; rc == ERANGE && size <= NSS_BUFFER_MAX; size *= 4) {
		char *buf = talloc_array(mem, char, size);
		rc = buf ? getgrnam_r(name, gr, buf, size, &found) : ENOMEM;
	}
	return rc == 0 && found;
}

static gid_t *groups_of(TALLOC_CTX *mem, const char *name, gid_t primary, int *count)
{
	for (int size = FIRST_GROUPS; size <= MAX_GROUPS; size = *count > size ? *count : size * 2) {
		gid_t *list = talloc_array(mem, gid_t, (size_t)size);
		*count = size;
		if (!list)
			return NULL;
		if (getgrouplist(name, primary, list, count) >= 0)
			return list;
		talloc_free(list);
	}
	return NULL;
}

static struct vfs_cred *own_cred(void)
{
	gid_t groups[FIRST_GROUPS];
	int n = getgroups(FIRST_GROUPS, groups);

	return vfs_cred_new(geteuid(), getegid(), groups, n > 0 ? (unsigned)n : 0);
}

struct vfs_cred *user_cred(const struct server *s, const char *account)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct vfs_cred *cred = NULL;
	struct passwd pw;
	int count;

	if (!s->privileged) {
		cred = own_cred();
	} else if (find_account(mem, account, &pw)) {
		gid_t *groups = groups_of(mem, pw.pw_name, pw.pw_gid, &count);
		if (groups)
			cred = vfs_cred_new(pw.pw_uid, pw.pw_gid, groups, (unsigned)count);
	}
	talloc_free(mem);
	return cred;
}

static bool in_group(const char *account, const char *group)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct group gr;
	struct passwd pw;
	bool member = false;
	int count;

	if (find_group(mem, group, &gr) && find_account(mem, account, &pw)) {
		gid_t *groups = groups_of(mem, pw.pw_name, pw.pw_gid, &count);
		for (int i = 0; groups && i < count; i++)
			member |= groups[i] == gr.gr_gid;
	}
	talloc_free(mem);
	return member;
}

bool user_in_list(const char *account, const char *const *list)
{
	for (; *list; list++) {
		const char *name = *list;
		bool group = *name == '@' || *name == '+' || *name == '&';
		name += strspn(name, "@+&");
		if (strcmp(name, "*") == 0)
			return true;
		if (group ? in_group(account, name) : strcasecmp(account, name) == 0)
			return true;
	}
	return false;
}

struct vfs_cred *user_cred_with_group(const struct vfs_cred *c, const char *group)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct group gr;

	group += strspn(group, "@+&");
	struct vfs_cred *cred = find_group(mem, group, &gr) ? vfs_cred_new(c->uid, gr.gr_gid, c->groups, c->ngroups) : NULL;
	talloc_free(mem);
	return cred;
}

char *user_home(TALLOC_CTX *mem, const char *account)
{
	TALLOC_CTX *tmp = talloc_new(NULL);
	struct passwd pw;
	char *home = find_account(tmp, account, &pw) ? talloc_strdup(mem, pw.pw_dir) : NULL;

	talloc_free(tmp);
	return home;
}
