/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef WIRE_DCERPC_H
#define WIRE_DCERPC_H

#include "wire/cursor.h"

/*
 * PDUs of connection-oriented DCE/RPC, [C706] 12.6 and [MS-RPCE] 2.2.2, without security trailers of its own:
 * the session below authenticates. For each body X:
 *
 *   bool dcerpc_X_decode(struct rd *r, struct dcerpc_X *out)
 *       r is from dcerpc_body: base is the start of the PDU, the position behind its header. Views borrow.
 *   void dcerpc_X_encode(struct wr *w, const struct dcerpc_X *)
 *       Between dcerpc_pdu_begin and dcerpc_pdu_end; w->base is the start of the PDU.
 */

enum dcerpc_type {
	DCERPC_REQUEST = 0, DCERPC_RESPONSE = 2, DCERPC_FAULT = 3, DCERPC_BIND = 11, DCERPC_BIND_ACK = 12,
	DCERPC_BIND_NAK = 13, DCERPC_ALTER_CONTEXT = 14, DCERPC_ALTER_CONTEXT_RESP = 15, DCERPC_AUTH3 = 16,
	DCERPC_SHUTDOWN = 17, DCERPC_CO_CANCEL = 18, DCERPC_ORPHANED = 19,
};

enum { /* pfc_flags */
	DCERPC_FIRST_FRAG = 0x01, DCERPC_LAST_FRAG = 0x02, DCERPC_PENDING_CANCEL = 0x04,
	DCERPC_CONC_MPX = 0x10, DCERPC_DID_NOT_EXECUTE = 0x20, DCERPC_MAYBE = 0x40, DCERPC_OBJECT_UUID = 0x80,
};

enum {
	DCERPC_HEADER_SIZE = 16, DCERPC_FRAG_LENGTH_OFFSET = 8, DCERPC_AUTH_TRAILER_SIZE = 8,
	DCERPC_MUST_RECV_FRAG_SIZE = 1432, /* [C706] 12.6.3.1: every side takes fragments of this size */
	DCERPC_RESPONSE_OVERHEAD = 24,     /* bytes of a REQUEST or RESPONSE PDU before the stub */
};

enum { /* status of FAULT: [C706] appendix E, [MS-RPCE] 2.2.2.11 */
	DCERPC_FAULT_ACCESS_DENIED = 0x00000005,
	DCERPC_FAULT_BAD_STUB_DATA = 0x000006F7,
	DCERPC_FAULT_REMOTE_NO_MEMORY = 0x1C00001B,
	DCERPC_FAULT_OP_RNG_ERROR = 0x1C010002,
	DCERPC_FAULT_UNK_IF = 0x1C010003,
	DCERPC_FAULT_PROTO_ERROR = 0x1C01000B,
	DCERPC_FAULT_OUT_ARGS_TOO_BIG = 0x1C010013,
};

struct dcerpc_header {
	uint8_t type;
	uint8_t flags;
	/*
	 * Another data representation than little-endian, ASCII, IEEE: nothing behind the header can be
	 * decoded here.
	 */
	bool foreign;
	uint16_t frag_length; /* in whichever byte order the sender uses */
	uint16_t auth_length;
	uint32_t call_id;
};

/* Reads 16 bytes; false if short, not version 5.0 or 5.1, or frag_length cannot hold header and trailer. */
bool dcerpc_header_decode(struct rd *r, struct dcerpc_header *h);

/*
 * The body of a whole PDU, without the security trailer. False if the header does not fit the PDU's length.
 */
bool dcerpc_body(struct bytes pdu, const struct dcerpc_header *h, struct rd *r);

void dcerpc_pdu_begin(struct wr *w, enum dcerpc_type type, uint8_t flags, uint32_t call_id);
/* Writes the length: at most UINT16_MAX bytes, else bad. */
void dcerpc_pdu_end(struct wr *w);

struct dcerpc_syntax {
	uint8_t uuid[16]; /* as on the wire */
	uint32_t version; /* major | minor << 16 */
};
extern const struct dcerpc_syntax dcerpc_ndr20, dcerpc_ndr64;
bool dcerpc_syntax_equal(const struct dcerpc_syntax *a, const struct dcerpc_syntax *b);

/*
 * Bind time feature negotiation, [MS-RPCE] 3.3.1.5.3: a transfer syntax whose UUID carries flags. True if it
 * is one.
 */
enum { DCERPC_FEATURE_SECURITY_CONTEXT_MULTIPLEXING = 1, DCERPC_FEATURE_KEEP_CONNECTION_ON_ORPHAN = 2 };
bool dcerpc_syntax_is_features(const struct dcerpc_syntax *s, uint16_t *flags);
struct dcerpc_syntax dcerpc_features_syntax(uint16_t flags);

/* One presentation context of BIND and ALTER_CONTEXT. */
struct dcerpc_context {
	uint16_t id;
	uint8_t transfer_count;
	struct dcerpc_syntax abstract;
	struct bytes transfers; /* 20 bytes each: dcerpc_syntax_decode */
};
bool dcerpc_syntax_decode(struct rd *r, struct dcerpc_syntax *out);
void dcerpc_syntax_encode(struct wr *w, const struct dcerpc_syntax *s);
bool dcerpc_context_decode(struct rd *r, struct dcerpc_context *out);
void dcerpc_context_encode(struct wr *w, const struct dcerpc_context *c);

struct dcerpc_bind { /* also ALTER_CONTEXT */
	uint16_t max_xmit_frag, max_recv_frag;
	uint32_t assoc_group_id;
	uint8_t context_count; /* all are well-formed */
	struct bytes contexts; /* dcerpc_context_decode one by one */
};

enum { DCERPC_ACCEPTANCE, DCERPC_USER_REJECTION, DCERPC_PROVIDER_REJECTION, DCERPC_NEGOTIATE_ACK };
enum { DCERPC_REASON_NONE, DCERPC_ABSTRACT_SYNTAX_NOT_SUPPORTED, DCERPC_TRANSFER_SYNTAXES_NOT_SUPPORTED,
	DCERPC_LOCAL_LIMIT_EXCEEDED };
struct dcerpc_result {
	uint16_t result;
	uint16_t reason; /* DCERPC_NEGOTIATE_ACK: the features granted */
	struct dcerpc_syntax transfer;
};

struct dcerpc_bind_ack { /* also ALTER_CONTEXT_RESP */
	uint16_t max_xmit_frag, max_recv_frag;
	uint32_t assoc_group_id;
	struct bytes secondary_address; /* ASCII, with the terminator; may be empty */
	uint8_t result_count;
	struct dcerpc_result results[UINT8_MAX];
};

enum { DCERPC_NAK_NOT_SPECIFIED = 0, DCERPC_NAK_LOCAL_LIMIT_EXCEEDED = 2, DCERPC_NAK_PROTOCOL_VERSION = 4,
	DCERPC_NAK_AUTHENTICATION_TYPE = 8 };
struct dcerpc_bind_nak { /* the version offered instead is 5.0 always */
	uint16_t reason;
};

struct dcerpc_request {
	uint32_t alloc_hint;
	uint16_t context_id;
	uint16_t opnum;
	struct bytes stub;
};

struct dcerpc_response {
	uint32_t alloc_hint;
	uint16_t context_id;
	uint8_t cancel_count;
	struct bytes stub;
};

struct dcerpc_fault {
	uint16_t context_id;
	uint8_t cancel_count;
	uint32_t status;
};

#define DCERPC_CODEC(X)                                                                                       \
	bool X##_decode(struct rd *r, struct X *out);                                                         \
	void X##_encode(struct wr *w, const struct X *in)
DCERPC_CODEC(dcerpc_bind);
DCERPC_CODEC(dcerpc_bind_ack);
DCERPC_CODEC(dcerpc_bind_nak);
DCERPC_CODEC(dcerpc_response);
DCERPC_CODEC(dcerpc_fault);
#undef DCERPC_CODEC
/* flags of the header: with DCERPC_OBJECT_UUID an object UUID stands before the stub; it is skipped. */
bool dcerpc_request_decode(struct rd *r, uint8_t flags, struct dcerpc_request *out);
void dcerpc_request_encode(struct wr *w, const struct dcerpc_request *in);

#endif
