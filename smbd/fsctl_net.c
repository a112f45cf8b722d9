/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/fsctl.h"
#include "smbd/interfaces.h"
#include "smbd/negotiate.h"
#include "smbd/rpc.h"
#include "wire/utf16.h"

/*
 * [MS-SMB2] 3.3.5.15.12: the client asks again, signed, what was negotiated in the clear; if anything differs somebody
 * has been in between and the connection ends.
 */
void fsctl_validate_negotiate(struct req *r, const struct smb2_ioctl_req *q)
{
	struct conn *c = r->conn;
	const struct server *s = r->local->server;
	struct fsctl_validate_negotiate_req in;

	if (q->max_output_response < FSCTL_VALIDATE_NEGOTIATE_RSP_SIZE ||
		!fsctl_validate_negotiate_req_decode(q->input, &in)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	if (memcmp(in.guid, c->client_guid, sizeof(in.guid)) != 0 || in.capabilities != c->client_capabilities ||
		in.security_mode != c->client_security_mode ||
		negotiate_choose(s, in.dialects, in.dialect_count) != c->dialect) {
		r->disconnect = "negotiation was tampered with";
		return;
	}
	struct fsctl_validate_negotiate_rsp rsp = {
		.capabilities = c->server_capabilities,
		.security_mode = c->server_security_mode,
		.dialect = c->dialect,
	};
	memcpy(rsp.guid, s->guid, sizeof(rsp.guid));
	uint8_t buf[FSCTL_VALIDATE_NEGOTIATE_RSP_SIZE];
	struct wr w = wr_over(buf, sizeof(buf));
	fsctl_validate_negotiate_rsp_encode(&w, &rsp);
	r->signed_request = true; /* always signed */
	fsctl_reply(r, q, STATUS_SUCCESS, BYTES(buf, w.pos));
}

struct interface_writer {
	struct wr w;
	size_t last;
	bool full;
	uint32_t capability;
};

static bool add_interface(void *arg, const struct interface_address *a)
{
	struct interface_writer *iw = arg;
	struct fsctl_network_interface i = {
		.if_index = a->index,
		.capability = iw->capability,
		.link_speed = a->link_speed,
		.ipv6 = a->ipv6,
		.scope_id = a->scope_id,
	};

	memcpy(i.address, a->address, sizeof(i.address));
	iw->full = !fsctl_network_interface_append(&iw->w, &i, &iw->last);
	return !iw->full;
}

/*
 * Where SMB Direct is offered each address comes twice: cifs.ko joins channels of one kind only, and would find no
 * address for a further TCP channel in a list of RDMA-capable ones.
 */
static bool add_interfaces(struct interface_writer *iw, const struct server *s)
{
	if (!interfaces_walk(s->conf, add_interface, iw))
		return false;
	iw->capability = NETWORK_INTERFACE_RDMA_CAPABLE;
	return !s->rdma_listening || interfaces_walk(s->conf, add_interface, iw);
}

/* 3.3.5.15.11 */
void fsctl_network_interfaces(struct req *r, const struct smb2_ioctl_req *q)
{
	enum { ROOM = 16384 };
	uint8_t *buf;

	if (!(r->conn->server_capabilities & SMB2_GLOBAL_CAP_MULTI_CHANNEL)) {
		req_error(r, STATUS_NOT_SUPPORTED);
		return;
	}
	buf = talloc_array(r, uint8_t, ROOM);
	struct interface_writer iw = {wr_over(buf, q->max_output_response < ROOM ? q->max_output_response : ROOM),
		SIZE_MAX, false, 0};
	if (!buf || !add_interfaces(&iw, r->local->server))
		req_error(r, iw.full ? STATUS_BUFFER_TOO_SMALL : STATUS_INSUFFICIENT_RESOURCES);
	else
		fsctl_reply(r, q, STATUS_SUCCESS, BYTES(buf, iw.w.pos));
	talloc_free(buf);
}

/* Pipes are always there: [MS-FSCC] 2.3.49. */
void fsctl_pipe_wait(struct req *r, const struct smb2_ioctl_req *q)
{
	struct fsctl_pipe_wait_req in;

	if (r->tree->vfs) {
		req_error(r, STATUS_INVALID_DEVICE_REQUEST);
		return;
	}
	if (!fsctl_pipe_wait_req_decode(q->input, &in)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	char *name = utf16_to_utf8(r, in.name);
	if (name && rpc_pipe_known(name))
		fsctl_reply(r, q, STATUS_SUCCESS, BYTES(NULL, 0));
	else
		req_error(r, STATUS_OBJECT_NAME_NOT_FOUND);
	talloc_free(name);
}
