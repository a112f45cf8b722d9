/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/cred.h"
#include "core/list.h"
#include "core/log.h"

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * File system identities are a property of a thread. glibc's setgroups() changes all threads of the process,
 * so the system call is used. Each identity has a number that is not used again; a thread remembers the one
 * it last assumed without holding a reference.
 */
enum { ID_UNKNOWN = 0, ID_PROCESS = 1 };

struct numbered_cred {
	uint64_t id;
	struct vfs_cred c;
};

static _Thread_local uint64_t assumed = ID_UNKNOWN; /* a new thread inherits whatever its creator acted as */
static _Atomic uint64_t last_id = ID_PROCESS;

static struct {
	bool root;
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t ngroups;
} process;
static pthread_once_t process_once = PTHREAD_ONCE_INIT;

static void learn_process(void)
{
	int n = getgroups(0, NULL);

	process.uid = geteuid();
	process.gid = getegid();
	process.root = process.uid == 0;
	process.groups = calloc(n > 0 ? (size_t)n : 1, sizeof(gid_t));
	n = process.groups && n > 0 ? getgroups(n, process.groups) : 0;
	process.ngroups = n > 0 ? (size_t)n : 0;
}

struct vfs_cred *vfs_cred_new(uid_t uid, gid_t gid, const gid_t *groups, unsigned ngroups)
{
	struct numbered_cred *n = malloc(sizeof(*n) + ngroups * sizeof(gid_t));

	if (!n)
		return NULL;
	n->id = ++last_id;
	n->c.refs = 1;
	n->c.uid = uid;
	n->c.gid = gid;
	n->c.ngroups = ngroups;
	if (ngroups)
		memcpy(n->c.groups, groups, ngroups * sizeof(gid_t));
	return &n->c;
}

struct vfs_cred *vfs_cred_ref(struct vfs_cred *c)
{
	if (c)
		c->refs++;
	return c;
}

void vfs_cred_unref(struct vfs_cred *c)
{
	if (c && --c->refs == 0)
		free(container_of(c, struct numbered_cred, c));
}

struct cred_view cred_effective(const struct vfs_cred *c)
{
	pthread_once(&process_once, learn_process);
	if (!c || !process.root)
		return (struct cred_view){process.uid, process.gid, process.groups, process.ngroups};
	return (struct cred_view){c->uid, c->gid, c->groups, c->ngroups};
}

bool cred_differs_from_process(const struct vfs_cred *c)
{
	pthread_once(&process_once, learn_process);
	return process.root && c && c->uid != 0;
}

/*
 * setfsuid() and setfsgid() tell failure only by what a second call finds. Moving away from uid 0 takes the
 * file capabilities (CAP_DAC_OVERRIDE and so on) out of the effective set and moving back restores them,
 * capabilities(7).
 */
static int switch_to(struct cred_view v)
{
	if (syscall(SYS_setgroups, v.ngroups, v.groups) < 0)
		return -errno;
	setfsgid(v.gid);
	setfsuid(v.uid);
	if ((gid_t)setfsgid((gid_t)-1) != v.gid || (uid_t)setfsuid((uid_t)-1) != v.uid)
		return -EPERM;
	return 0;
}

int cred_assume(struct vfs_cred *c)
{
	uint64_t id = c ? container_of(c, struct numbered_cred, c)->id : ID_PROCESS;

	if (assumed == id)
		return 0;
	pthread_once(&process_once, learn_process);
	if (process.root) {
		assumed = ID_UNKNOWN;
		if (switch_to(cred_effective(c)) < 0) {
			log_error(vfs, "cannot act as uid %u", c ? c->uid : process.uid);
			return -EPERM;
		}
	}
	assumed = id;
	return 0;
}

int vfs_act_as_process(void)
{
	return cred_assume(NULL);
}
