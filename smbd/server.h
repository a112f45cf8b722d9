/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_SERVER_H
#define SMBD_SERVER_H

#include "auth/auth.h"
#include "conf/conf.h"
#include "core/idtable.h"
#include "core/reactor.h"
#include "core/workers.h"
#include "smbd/settings.h"
#include "wire/negotiate_context.h"

#include <stdatomic.h>

/*
 * What the whole process shares. Immutable once the reactors run, but for members with a lock or atomics of their
 * own: throttle, nodes, shares, uses, stats; and for settings.
 */
struct server {
	const char *conf_path;
	const struct conf *conf; /* as of the start: what a restart alone can change */
	struct settings *settings; /* one ref; the latest. The main thread's once the reactors run */
	const char *log_level;     /* instead of the configuration's, or NULL */
	struct auth_policy policy;
	struct auth_throttle *throttle;
	struct node_table *nodes;
	struct share_cache *shares;
	struct workers *workers;
	struct reactors *reactors;
	struct listener *listener;
	const char *comment; /* server string */
	struct share_uses *uses;
	uint8_t guid[16];
	uint64_t start_time; /* NTTIME */

	uint16_t min_dialect, max_dialect;
	struct u16_list ciphers, signing; /* in order of preference */
	bool signing_required;
	bool encryption_offered, encryption_desired, encryption_required;
	bool multi_channel;
	bool leasing;
	bool rdma_crc;
	bool rdma_listening; /* SMB Direct is offered */
	bool privileged; /* may act as other users */
	uint32_t max_read, max_write, max_transact, max_credits;

	/* limits */
	uint32_t max_connections, max_unauthenticated, max_per_address, max_session_opens, max_opens;
	size_t connection_memory;
	unsigned auth_timeout, deadtime, shutdown_timeout; /* seconds; deadtime 0: never */

	struct {
		atomic_uint connections, unauthenticated, sessions, trees, opens;
	} stats;
	atomic_bool draining;
	int stop_fd; /* eventfd: somebody other than a signal asks for the end */
};

/* What one reactor has. Its thread only. */
struct local {
	struct server *server;
	struct settings *settings; /* one ref */
	struct reactor *reactor;
	struct tevent_context *ev;
	struct idtable *conns;
	struct idtable *sessions;
	struct idtable *grants;
	struct grant_stats *grant_stats;
	struct iobuf_pool *pool;
	uint64_t next_open; /* persistent halves of FileIds */
	uint8_t *scratch; /* SCRATCH_SIZE bytes: received data is looked at here first */
};
enum { SCRATCH_SIZE = 65536 };

/* reactors_start's callbacks; arg is the struct server. */
void *local_start(struct reactor *r, void *arg);
void local_stop(struct reactor *r);

#endif
