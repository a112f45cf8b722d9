/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/memory.h"
#include "core/clock.h"
#include "wire/short_name.h"
#include "wire/utf16.h"

#include <errno.h>
#include <stdlib.h>

struct memory_node *memory_node_new(struct memory_share *s, mode_t mode, const struct vfs_cred *cred)
{
	struct memory_node *n = calloc(1, sizeof(*n));
	struct cred_view v = cred_effective(cred);

	if (!n)
		return NULL;
	n->refs = 1;
	n->ino = ++s->next_ino;
	n->mode = mode;
	n->nlink = S_ISDIR(mode) ? 2 : 0;
	n->uid = cred ? cred->uid : v.uid;
	n->gid = cred ? cred->gid : v.gid;
	n->creation_time = n->access_time = n->write_time = n->change_time = nttime_now();
	list_init(&n->eas);
	list_init(&n->entries);
	return n;
}

void memory_node_unref(struct memory_node *n)
{
	struct list *l;

	if (!n || --n->refs)
		return;
	while ((l = list_pop(&n->eas)))
		free(container_of(l, struct memory_ea, link));
	LIST_FOREACH_SAFE (pos, &n->entries)
		memory_remove_entry(n, container_of(pos, struct memory_entry, link));
	memory_drop_pages(n, 0);
	free(n->pages);
	free(n);
}

unsigned memory_permissions(const struct memory_node *n, const struct vfs_cred *cred)
{
	struct vfs_stat st = {.unix_mode = n->mode, .uid = n->uid, .gid = n->gid};
	struct cred_view v = cred_effective(cred);

	if (cred)
		return access_from_mode(&st, cred->uid, cred->gid, cred->groups, cred->ngroups);
	return access_from_mode(&st, v.uid, v.gid, v.groups, v.ngroups);
}

static struct memory_entry *find_short(const struct memory_node *dir, const char *want)
{
	char have[NAME_CLIENT_MAX], short_name[SHORT_NAME_SIZE];

	LIST_FOREACH (pos, &dir->entries) {
		struct memory_entry *e = container_of(pos, struct memory_entry, link);
		name_to_client(e->name, have);
		short_name_of(have, short_name);
		if (name_casecmp(short_name, want) == 0)
			return e;
	}
	return NULL;
}

struct memory_entry *memory_find(
	const struct memory_share *s, const struct memory_node *dir, const char *name)
{
	char want[NAME_CLIENT_MAX], have[NAME_CLIENT_MAX];

	LIST_FOREACH (pos, &dir->entries) {
		struct memory_entry *e = container_of(pos, struct memory_entry, link);
		if (strcmp(e->name, name) == 0)
			return e;
	}
	if (s->base.o.case_sensitive)
		return NULL;
	name_to_client(name, want);
	LIST_FOREACH (pos, &dir->entries) {
		struct memory_entry *e = container_of(pos, struct memory_entry, link);
		name_to_client(e->name, have);
		if (name_casecmp(have, want) == 0)
			return e;
	}
	return short_name_is_made(want) ? find_short(dir, want) : NULL;
}

static void touch_directory(struct memory_node *dir)
{
	dir->write_time = dir->change_time = nttime_now();
}

int memory_add_entry(struct memory_node *dir, const char *name, struct memory_node *n)
{
	struct memory_entry *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	strcpy(e->name, name);
	e->cookie = ++dir->next_cookie;
	e->node = n;
	n->refs++;
	n->change_time = nttime_now();
	if (memory_is_directory(n)) {
		n->parent = dir;
		dir->nlink++;
	} else {
		n->nlink++;
	}
	list_append(&dir->entries, &e->link);
	touch_directory(dir);
	return 0;
}

void memory_remove_entry(struct memory_node *dir, struct memory_entry *e)
{
	struct memory_node *n = e->node;

	list_remove(&e->link);
	free(e);
	n->change_time = nttime_now();
	if (memory_is_directory(n)) {
		n->parent = NULL;
		dir->nlink--;
	} else {
		n->nlink--;
	}
	touch_directory(dir);
	memory_node_unref(n);
}

/* One component further; out->path grows by the name as it is spelled. */
static int step(struct memory_share *s, const struct vfs_cred *cred, struct memory_place *p, const char *name)
{
	size_t len = strlen(p->path);

	if (!p->node || !memory_is_directory(p->node))
		return -ENOTDIR;
	if (!(memory_permissions(p->node, cred) & MAY_EXECUTE))
		return -EACCES;
	strcpy(p->asked, name);
	p->parent = p->node;
	p->entry = memory_find(s, p->parent, name);
	p->node = p->entry ? p->entry->node : NULL;
	const char *spelled = p->entry ? p->entry->name : name;
	size_t n = strlen(spelled);
	if (n + 2 > sizeof(p->path) - len)
		return -ENAMETOOLONG;
	if (len)
		p->path[len++] = '/';
	memcpy(p->path + len, spelled, n + 1);
	return 0;
}

int memory_walk(
	struct memory_share *s, const struct vfs_cred *cred, const char *client, struct memory_place *out)
{
	char disk[PATH_MAX];
	int rc = path_to_disk(client, disk, sizeof(disk));

	out->parent = NULL;
	out->entry = NULL;
	out->node = s->root;
	out->path[0] = out->asked[0] = 0;
	for (char *name = disk, *end; rc == 0 && name && *name; name = end) {
		end = strchr(name, '/');
		if (end)
			*end++ = 0;
		rc = step(s, cred, out, name);
	}
	return rc;
}

char *memory_client_path(const char *disk)
{
	char *client = malloc(3 * strlen(disk) + 1), *out = client;

	while (client && *disk) {
		char name[NAME_DISK_MAX + 1], mapped[NAME_CLIENT_MAX];
		size_t n = strcspn(disk, "/");
		memcpy(name, disk, n);
		name[n] = 0;
		n = name_to_client(name, mapped);
		memcpy(out, mapped, n);
		out += n;
		disk += strlen(name);
		if (*disk)
			*out++ = *disk++;
	}
	if (client)
		*out = 0;
	return client;
}
