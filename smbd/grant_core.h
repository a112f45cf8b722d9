/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_GRANT_CORE_H
#define SMBD_GRANT_CORE_H

#include "core/workers.h"
#include "smbd/grant.h"

/* A grant from the inside: for grant*.c alone. */

struct grant_tag {
	struct rdma_target target;
	struct grant *grant;
	bool registered, settling;
};

struct grant {
	struct local *local;
	uint64_t id;
	enum grant_state state;
	enum grant_cause cause; /* of its end */
	struct list open_link, conn_link;
	struct open *open; /* NULL: it has gone */
	struct conn *conn; /* likewise */
	uint64_t session_id, message_id; /* of the MAP request, while it waits; 0: it does not */
	ntstatus_t refusal;
	struct smb2_ioctl_req ioctl;

	uint64_t offset, length;
	uint32_t access;
	uint8_t durability, guard_kind;
	unsigned revoke_timeout; /* seconds; as the holder was told */
	const char *user, *peer, *share, *path; /* for status and audit */

	struct vfs_file *file;   /* counted */
	struct vfs_cred *cred;   /* counted */
	struct vfs_guard *guard; /* counted */
	struct vfs_pin *pin;     /* made and given back by the job */
	int pin_error;
	struct reactor *home; /* where the guard's word goes: read by its thread */
	struct job job;

	struct tevent_timer *deadline;
	bool lease_breaks; /* somebody else has begun to break the lease already */
	uint64_t born_ns, recalled_ns;
	bool failed; /* a Write could not set the file's times or mode: what was written is not committed any more */
	unsigned tag_count;
	struct grant_tag tags[];
};

struct grant_stats {
	struct grant_times times[GRANT_CAUSES];
};

/* Begins to make the pin. */
void grant_pin(struct grant *g);

uint64_t grant_bytes_read(const struct grant *g);
uint64_t grant_bytes_written(const struct grant *g);

/* An event; all that follows from it is done when this returns. g may be gone then. */
void grant_step(struct grant *g, enum grant_event e);

/* A line for the record, with all that there is to say of g. */
void grant_audit(const struct grant *g, const char *what);
/* grant_map.c: what the configuration says of direct access through this open. */
ntstatus_t grant_policy(const struct open *o);
/* grant_map.c: makes the tags and answers the MAP; false: they cannot be had. */
bool grant_register(struct grant *g);
/* grant_map.c: the guard's word, for vfs_pin; arg is the grant. */
extern const struct vfs_guard_events grant_guard_events;

#endif
