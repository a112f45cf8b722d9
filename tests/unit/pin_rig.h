/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_UNIT_PIN_RIG_H
#define TESTS_UNIT_PIN_RIG_H

#include "guard_rig.h"
#include "vfs/dax_inode.h"
#include "vfs/pin.h"

/* On the strongest guard that the folder has. */

struct world {
	struct helper helper;
	struct vfs_guard *guard;
	struct vfs_share *share;
	char path[200];
	struct owner owner;
	struct vfs_pin *pin;
};

static const char *waits;
static char why[400];

static inline int setup_in(void **state, enum vfs_guard_kind kind)
{
	const struct vfs_share_options o = {.mapped = VFS_MAPPED_YES, .create_mask = 0700};
	struct world *w = calloc(1, sizeof(*w));

	*state = w;
	w->helper = helper_start();
	make_file("file", w->path, sizeof(w->path));
	if (vfs_guard_open(folder, kind, &w->guard, why, sizeof(why)) == 0)
		waits = strcmp(vfs_guard_name(w->guard), "lease") == 0 ? "break_lease" : "fanotify";
	return vfs_share_open(folder, &o, &w->share);
}

static inline int setup(void **state)
{
	make_folder("pin");
	return setup_in(state, VFS_GUARD_AUTO);
}

static inline int setup_lease(void **state)
{
	make_folder("pin");
	return setup_in(state, VFS_GUARD_LEASE);
}

static inline int teardown(void **state)
{
	struct world *w = *state;

	vfs_unpin(w->pin);
	vfs_guards_stop();
	vfs_guard_unref(w->guard);
	vfs_share_unref(w->share);
	helper_end(&w->helper);
	remove_folder();
	free(w);
	return 0;
}

static inline struct world *need_guard(void **state)
{
	struct world *w = *state;

	if (!w->guard) {
		print_message("SKIPPED: no guard here: %s\n", why);
		skip();
	}
	return w;
}

static inline struct vfs_file *open_in(struct vfs_share *s, const char *name, unsigned access)
{
	struct vfs_open_how how = {.path = name, .access = access};
	struct vfs_file *f;
	struct vfs_stat st;

	assert_int_equal(vfs_open(s, NULL, &how, 0, &f, &st), 0);
	return f;
}

static inline int pin(struct world *w, struct vfs_file *f, uint64_t offset, uint64_t len, unsigned access)
{
	return vfs_pin(w->guard, f, offset, len, access, &owner_events, &w->owner, &w->pin);
}

/* Pins all of the file for both; the handle is not needed afterwards. */
static inline struct world *pinned(void **state)
{
	struct world *w = need_guard(state);
	struct vfs_file *f = open_in(w->share, "file", VFS_READ | VFS_WRITE);

	assert_int_equal(pin(w, f, 0, FILE_SIZE, VFS_READ | VFS_WRITE), 0);
	vfs_file_unref(f);
	return w;
}

static inline unsigned facts_of(struct world *w, bool held)
{
	struct vfs_guard_facts f;

	vfs_guard_facts(w->guard, &f);
	return held ? f.held : f.ranges;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define LEASE_CASE(f) \
	{ \
#f "_under_a_lease", f, setup_lease, teardown, NULL \
	}

#endif
