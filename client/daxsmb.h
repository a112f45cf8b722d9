/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CLIENT_DAXSMB_H
#define CLIENT_DAXSMB_H

#include "core/status.h"
#include "wire/commands.h"
#include "wire/info.h"

#include <talloc.h>
#include <tevent.h>

/*
 * libdaxsmb: an asynchronous SMB2/SMB3 client, dialects 2.0.2 to 3.1.1.
 *
 * Threads: a connection, and all that hangs from it, belongs to the thread that runs its tevent context.
 * Ownership: connection > session > tree is the talloc tree; freeing a parent ends its children, and requests
 *   in flight end with STATUS_CONNECTION_DISCONNECTED. A request may be freed at any time; its answer is then
 *   dropped. What an x_recv hands out as struct bytes is borrowed from the request: it lives until that is
 *   freed.
 * Callbacks: run from the event loop only, never inside an x_send or another function of this library.
 * Errors: NTSTATUS. When a connection is lost every request on it ends once with the reason, and so does
 *   every later one.
 * Units: bytes, NTTIME, milliseconds. Paths and names are UTF-8; in paths both / and \ separate.
 * Memory: x_send returns NULL when memory is short.
 */

enum daxsmb_protect {
	DAXSMB_PROTECT_OFF,  /* signs where the server demands it, seals where a share demands it */
	DAXSMB_PROTECT_SIGN, /* every message signed, in both directions */
	DAXSMB_PROTECT_SEAL, /* every message encrypted */
};

enum daxsmb_via {
	DAXSMB_VIA_TCP,       /* port 445 */
	DAXSMB_VIA_SMBDIRECT, /* [MS-SMBD] on software iWARP, port 5445: payloads are placed by RDMA */
};

/* Copied by whoever takes it. Zeroes are good defaults. */
struct daxsmb_options {
	enum daxsmb_via via;
	uint16_t min_dialect, max_dialect; /* SMB2_DIALECT_*; 0: 2.0.2 and 3.1.1 */
	enum daxsmb_protect protect;
	const char *user, *domain, *password; /* user NULL or "": anonymous */
	unsigned timeout_ms;                  /* silence of a server that owes an answer; 0: 60 seconds */
	uint16_t credits;                     /* the window of credits to keep; 0: 512 */
};

struct daxsmb_conn;
struct daxsmb_session;
struct daxsmb_tree;

/* "3.1.1" and the like; 0 and "?" for what is no dialect. */
uint16_t daxsmb_dialect_from_name(const char *name);
const char *daxsmb_dialect_name(uint16_t dialect);

/* //host[:port]/share[/path], smb://host[:port]/share[/path] or \\host\share\path; IPv6 hosts in brackets. */
struct daxsmb_url {
	const char *host;
	uint16_t port;     /* 0 unless given */
	const char *share; /* "" if there is none */
	const char *path;  /* with backslashes, without one at either end; "" is the root of the share */
};

/* Strings are allocated under mem. False if text has no such shape. */
bool daxsmb_url_parse(TALLOC_CTX *mem, const char *text, struct daxsmb_url *out);

/*
 * TCP, perhaps SMB Direct, and NEGOTIATE. Resolves the name first, which may block. port 0: the usual one of
 * o->via. The connection is moved under mem.
 */
struct tevent_req *daxsmb_connect_send(TALLOC_CTX *mem, struct tevent_context *ev, const char *host,
	uint16_t port, const struct daxsmb_options *o);
ntstatus_t daxsmb_connect_recv(struct tevent_req *req, TALLOC_CTX *mem, struct daxsmb_conn **out);

uint16_t daxsmb_conn_dialect(const struct daxsmb_conn *c);
/* STATUS_SUCCESS, or why the connection is lost. */
ntstatus_t daxsmb_conn_status(const struct daxsmb_conn *c);

/* SESSION_SETUP. The session is a child of the connection. */
struct tevent_req *daxsmb_session_setup_send(
	TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_conn *c, const struct daxsmb_options *o);
ntstatus_t daxsmb_session_setup_recv(struct tevent_req *req, struct daxsmb_session **out);
bool daxsmb_session_signs(const struct daxsmb_session *s);
bool daxsmb_session_seals(const struct daxsmb_session *s);

/*
 * TREE_CONNECT and, for 3.0 and 3.0.2, the check that nobody altered NEGOTIATE. The tree is a child of the
 * session.
 */
struct tevent_req *daxsmb_tree_connect_send(
	TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_session *s, const char *share);
ntstatus_t daxsmb_tree_connect_recv(struct tevent_req *req, struct daxsmb_tree **out);
struct daxsmb_session *daxsmb_tree_session(const struct daxsmb_tree *t);
struct daxsmb_conn *daxsmb_tree_conn(const struct daxsmb_tree *t);
uint32_t daxsmb_tree_max_read(const struct daxsmb_tree *t);  /* bytes in one READ */
uint32_t daxsmb_tree_max_write(const struct daxsmb_tree *t); /* bytes in one WRITE */

/*
 * One request each; [MS-SMB2] 2.2 says what the fields mean. create: `path` replaces in->name. read, write:
 * how the payload travels is the library's choice, so that length and channel fields are its own. write:
 * in->data is borrowed until the request ends. Cancelling (tevent_req_cancel) asks the server; the request
 * then ends with its answer. A recv returns the server's status; *out is filled for STATUS_SUCCESS and
 * STATUS_BUFFER_OVERFLOW.
 */
#define DAXSMB_OP(name, REQ, RSP) \
	struct tevent_req *daxsmb_##name##_send( \
		TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_tree *t, const struct REQ *in); \
	ntstatus_t daxsmb_##name##_recv(struct tevent_req *req, struct RSP *out)
struct tevent_req *daxsmb_create_send(TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_tree *t,
	const char *path, const struct smb2_create_req *in);
ntstatus_t daxsmb_create_recv(struct tevent_req *req, struct smb2_create_rsp *out);
DAXSMB_OP(close, smb2_close_req, smb2_close_rsp);
DAXSMB_OP(flush, smb2_flush_req, smb2_empty);
DAXSMB_OP(read, smb2_read_req, smb2_read_rsp);
/*
 * For daxsmb_read_recv: out->data is what was read. `to`, in->length bytes, borrowed until the request ends,
 * or NULL: where the connection has RDMA the server may place the data there, and out->data then is that
 * memory; else it is the request's. A READ or WRITE that is freed before its answer has come takes such
 * memory away, and a server that still uses it loses the connection.
 */
struct tevent_req *daxsmb_read_into_send(TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_tree *t,
	const struct smb2_read_req *in, uint8_t *to);
DAXSMB_OP(write, smb2_write_req, smb2_write_rsp);
DAXSMB_OP(ioctl, smb2_ioctl_req, smb2_ioctl_rsp);
DAXSMB_OP(query_directory, smb2_query_directory_req, smb2_output_rsp);
DAXSMB_OP(change_notify, smb2_change_notify_req, smb2_output_rsp);
DAXSMB_OP(query_info, smb2_query_info_req, smb2_output_rsp);
DAXSMB_OP(set_info, smb2_set_info_req, smb2_empty);
#undef DAXSMB_OP

struct tevent_req *daxsmb_echo_send(TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_conn *c);
struct tevent_req *daxsmb_logoff_send(TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_session *s);
struct tevent_req *daxsmb_tree_disconnect_send(
	TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_tree *t);
/* For these three. */
ntstatus_t daxsmb_simple_recv(struct tevent_req *req);

/*
 * CREATE, QUERY_INFO and CLOSE in one compound. info_class: what of *out is filled. Names are allocated
 * under mem.
 */
struct tevent_req *daxsmb_stat_send(TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_tree *t,
	const char *path, uint8_t info_class);
ntstatus_t daxsmb_stat_recv(struct tevent_req *req, TALLOC_CTX *mem, struct file_facts *out);

/*
 * CREATE and CLOSE in one compound: makes a directory, or deletes (FILE_DELETE_ON_CLOSE among the options).
 */
struct tevent_req *daxsmb_touch_send(TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_tree *t,
	const char *path, const struct smb2_create_req *in);
ntstatus_t daxsmb_touch_recv(struct tevent_req *req);

/* The same for programs that wait: each runs ev until its request has ended. */
struct daxsmb_mount {
	struct daxsmb_conn *conn;
	struct daxsmb_session *session;
	struct daxsmb_tree *tree;
	const char *stage; /* after a failure: "connect", "log on" or "open share" */
};
ntstatus_t daxsmb_mount(TALLOC_CTX *mem, struct tevent_context *ev, const char *host, uint16_t port,
	const char *share, const struct daxsmb_options *o, struct daxsmb_mount *out);
ntstatus_t daxsmb_open(struct tevent_context *ev, struct daxsmb_tree *t, const char *path,
	const struct smb2_create_req *in, struct smb2_create_rsp *out); /* out->contexts is empty */
ntstatus_t daxsmb_close(struct tevent_context *ev, struct daxsmb_tree *t, struct smb2_file_id id);
ntstatus_t daxsmb_stat(TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_tree *t, const char *path,
	struct file_facts *out); /* FileAllInformation */
ntstatus_t daxsmb_mkdir(struct tevent_context *ev, struct daxsmb_tree *t, const char *path);
ntstatus_t daxsmb_delete(struct tevent_context *ev, struct daxsmb_tree *t, const char *path, bool directory);
/*
 * Calls fn for each entry but . and .. of an open directory until it returns false; names live during the
 * call.
 */
ntstatus_t daxsmb_list(struct tevent_context *ev, struct daxsmb_tree *t, struct smb2_file_id dir,
	const char *pattern, bool (*fn)(void *arg, const struct dir_entry_facts *e), void *arg);
/* Logs off and frees the connection. */
void daxsmb_unmount(struct tevent_context *ev, struct daxsmb_mount *m);

#endif
