/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_SETTINGS_H
#define SMBD_SETTINGS_H

#include "conf/conf.h"

#include <stdatomic.h>

/*
 * What may be configured anew while the server runs: immutable, counted, exchanged as a whole. Each reactor
 * has a reference to the latest that it was told (local->settings); who needs sections for longer than a
 * turn, a tree or a job, has one of its own.
 */
struct settings {
	atomic_uint refs;
	uint64_t generation; /* counts up */
	const struct conf *conf;
	unsigned revoke_timeout, max_session_grants; /* seconds; of direct grants */
	unsigned poll_us;
};

/* One ref; NULL: memory is short. conf must live as long; a talloc child of the settings does. */
struct settings *settings_new(const struct conf *conf, uint64_t generation);
struct settings *settings_ref(struct settings *s);
void settings_unref(struct settings *s); /* NULL is fine */

#endif
