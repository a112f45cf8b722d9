/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_LEASE_H
#define SMBD_LEASE_H

#include "core/status.h"
#include "wire/create_context.h"

/*
 * What a holder may cache of a file, and how that is taken from him. Pure: the states are kept, and guarded by a lock,
 * elsewhere (node.c). Leases and oplocks are one model, [MS-FSA] 2.1.1.10, in the bits of [MS-SMB2] 2.2.13.2.8: read (R),
 * handle (H) and write (W) caching. An oplock of level II is R, exclusive RW, batch RWH.
 *
 *   settled     `held` is what he has
 *   breaking    he was told to keep no more than `asked` and has not answered; until then he has what he had. In the end
 *               nothing beyond `required` may be left: where that is less than `asked`, his answer is followed by a
 *               further step
 */
enum { LEASE_ALL = SMB2_LEASE_READ | SMB2_LEASE_HANDLE | SMB2_LEASE_WRITE };

struct lease_state {
	uint8_t held;
	bool is_oplock; /* comes down to R or to nothing, there is no other level below */
	bool breaking;
	uint8_t asked, required; /* while breaking */
	uint16_t epoch;          /* counts changes, [MS-SMB2] 3.3.1.12 */
};

/* Why something is taken; what, and who waits for the answer, is a row in lease.c. */
enum lease_cause {
	LEASE_LOOK,      /* another opens the file for its attributes and security descriptor */
	LEASE_OPEN,      /* ... for more than that */
	LEASE_SHARING,   /* ... but the share modes of who is there do not let him */
	LEASE_OVERWRITE, /* ... and discards the data */
	LEASE_DATA,      /* another changes data or size through a handle that he has */
	LEASE_NAME,      /* another renames, links or deletes the file */
	LEASE_CAUSES
};

/* What the holder is to be told. */
struct lease_notice {
	uint8_t from, to;
	bool ack; /* he is to answer */
};

/* True: *n is to be sent. False: he has nothing that is in the way, or is breaking already and goes on from there. */
bool lease_break(struct lease_state *s, enum lease_cause cause, struct lease_notice *n);
/*
 * After lease_break: must the one who caused it wait for the holder? waited: he has done so before, and does until the
 * last step, so that he is not overtaken by those who came after him.
 */
bool lease_blocks(const struct lease_state *s, enum lease_cause cause, bool waited);

/*
 * The holder's answer, [MS-SMB2] 3.3.5.22.2: STATUS_SUCCESS, STATUS_UNSUCCESSFUL (he was not asked) or
 * STATUS_REQUEST_NOT_ACCEPTED (he may not keep that much; nothing changes). *more: there is a further step, *n is to be
 * sent.
 */
ntstatus_t lease_ack(struct lease_state *s, uint32_t keeps, bool *more, struct lease_notice *n);
/* He has not answered in time: he has nothing now. */
void lease_expire(struct lease_state *s);

/* What others have of the file: all its openers but those with the same lease. */
struct lease_others {
	bool opens;   /* one is open for more than attributes */
	bool oplocks; /* one holds an oplock */
	uint8_t held; /* all that any of them holds */
};

/* The combinations that exist; without R there is none. */
uint8_t lease_valid(uint32_t bits);
/* What a new holder gets of what he wishes, [MS-FSA] 2.1.5.18. */
uint8_t lease_grant(uint8_t wish, bool is_oplock, const struct lease_others *o);
/* A further open with the same lease wishes for more: all of it or nothing. True: it has changed. */
bool lease_upgrade(struct lease_state *s, uint8_t wish, const struct lease_others *o);

#endif
