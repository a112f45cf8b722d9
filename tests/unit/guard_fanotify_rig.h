/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_GUARD_FANOTIFY_RIG_H
#define TESTS_GUARD_FANOTIFY_RIG_H

/* A file with a guarded range, and other processes. */

#include "guard_rig.h"

enum { HELPERS = 3, FIRST = 4 * PAGE, PAST = 8 * PAGE }; /* the range that is guarded */

static const char waits[] = "fanotify";

struct world {
	struct helper helpers[HELPERS];
	struct vfs_guard *guard;
	char path[200];
	int fd;
	struct owner owner;
	struct vfs_guarded *range;
};

static char no_guard[200]; /* why */

static inline int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	*state = w;
	for (size_t i = 0; i < HELPERS; i++)
		w->helpers[i] = helper_start();
	make_folder("guard_fanotify");
	make_file("file", w->path, sizeof(w->path));
	w->fd = open(w->path, O_RDWR | O_CLOEXEC);
	vfs_guard_open(folder, VFS_GUARD_FANOTIFY, &w->guard, no_guard, sizeof(no_guard));
	return 0;
}

static inline int teardown(void **state)
{
	struct world *w = *state;

	vfs_guard_remove(w->range);
	vfs_guards_stop();
	vfs_guard_unref(w->guard);
	for (size_t i = 0; i < HELPERS; i++)
		helper_end(&w->helpers[i]);
	close(w->fd);
	remove_folder();
	free(w);
	return 0;
}

static inline struct world *need_guard(void **state)
{
	struct world *w = *state;

	if (!w->guard) {
		print_message("SKIPPED: no fanotify guard here: %s\n", no_guard);
		skip();
	}
	return w;
}

static inline int add(
	struct world *w, uint64_t offset, uint64_t len, struct owner *o, struct vfs_guarded **out)
{
	int rc = vfs_guard_add(w->guard, w->fd, offset, len, VFS_READ | VFS_WRITE, &owner_events, o, out);

	if (rc == 0)
		vfs_guard_arm(*out);
	return rc;
}

/* With its range guarded. */
static inline struct world *guarded(void **state)
{
	struct world *w = need_guard(state);

	assert_int_equal(add(w, FIRST, PAST - FIRST, &w->owner, &w->range), 0);
	return w;
}

static inline struct vfs_guard_facts facts(struct world *w)
{
	struct vfs_guard_facts f;

	vfs_guard_facts(w->guard, &f);
	return f;
}

/* Size, storage and text of the file: what an effect would change. */
struct look {
	off_t size;
	blkcnt_t blocks;
	char text[FILE_SIZE];
};

static inline void look_at(const struct world *w, struct look *l)
{
	struct stat st;

	memset(l, 0, sizeof(*l));
	assert_int_equal(fstat(w->fd, &st), 0);
	l->size = st.st_size;
	l->blocks = st.st_blocks;
	assert_true(pread(w->fd, l->text, sizeof(l->text), 0) >= 0);
}

static inline bool has_changed(const struct world *w, const struct look *before)
{
	static struct look now;

	look_at(w, &now);
	return now.size != before->size || now.blocks != before->blocks ||
	       memcmp(now.text, before->text, FILE_SIZE);
}

struct change {
	enum act act;
	int64_t a, b;
	uint64_t offset, length; /* that are told */
	int64_t answer;
};

static inline void expect_held(struct world *w, const struct change *c)
{
	const struct helper *h = &w->helpers[0];
	static struct look before;

	look_at(w, &before);
	helper_tell(h, c->act, w->path, c->a, c->b);
	struct told t = next_conflict(&w->owner);
	assert_waits_in(h, waits);
	assert_false(has_changed(w, &before));
	assert_int_equal(t.offset, c->offset);
	assert_int_equal(t.length, c->length);
	assert_int_equal(facts(w).held, 1);
	vfs_guard_release(t.token);
	assert_int_equal(helper_answer(h), c->answer);
	assert_true(has_changed(w, &before));
	assert_int_equal(facts(w).held, 0);
}

#endif
