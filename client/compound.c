/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Related compounds, [MS-SMB2] 3.2.4.1.4: one round trip for what takes several requests. */
#include "client/exchange.h"
#include "client/req.h"

enum { FIXED_ROOM = 64, INFO_OUTPUT = 4096 };

struct stat_state {
	uint8_t info_class;
	ntstatus_t status;
	struct tevent_req *sub; /* keeps what was answered */
};

void exchange_add_close(TALLOC_CTX *mem, struct exchange_params *p)
{
	struct smb2_close_req q = {.file_id = SMB2_FILE_ID_NONE};

	smb2_close_req_encode(exchange_add(mem, p, SMB2_CLOSE, 1, FIXED_ROOM), &q);
}

static void stat_done(struct tevent_req *sub)
{
	struct tevent_req *req = tevent_req_callback_data(sub, struct tevent_req);

	/* The first that failed says why; the rest fails for its sake. */
	for (unsigned i = 0; i < 3; i++) {
		ntstatus_t status = exchange_answer(sub, i, NULL, NULL);

		if (status != STATUS_BUFFER_OVERFLOW && req_failed(req, status))
			return;
	}
	tevent_req_done(req);
}

struct tevent_req *daxsmb_stat_send(TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_tree *t,
	const char *path, uint8_t info_class)
{
	struct stat_state *s;
	struct tevent_req *req = tevent_req_create(mem, &s, struct stat_state);
	struct exchange_params p = exchange_on_tree(t);
	struct smb2_create_req create = {
		.impersonation_level = 2,
		.desired_access = FILE_READ_ATTRIBUTES | FILE_READ_EA,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = FILE_OPEN,
	};
	struct smb2_query_info_req query = {.info_type = SMB2_0_INFO_FILE,
		.info_class = info_class,
		.output_length = INFO_OUTPUT,
		.file_id = SMB2_FILE_ID_NONE};

	if (!req)
		return NULL;
	s->info_class = info_class;
	exchange_add_create(s, &p, path, &create);
	smb2_query_info_req_encode(exchange_add(s, &p, SMB2_QUERY_INFO, 1, FIXED_ROOM), &query);
	exchange_add_close(s, &p);
	s->sub = exchange_send(s, ev, &p);
	if (tevent_req_nomem(s->sub, req))
		return tevent_req_post(req, ev);
	tevent_req_set_callback(s->sub, stat_done, req);
	return req;
}

ntstatus_t daxsmb_stat_recv(struct tevent_req *req, TALLOC_CTX *mem, struct file_facts *out)
{
	struct stat_state *s = tevent_req_data(req, struct stat_state);
	ntstatus_t status = req_status(req);
	struct smb2_output_rsp p;
	struct rd body;

	if (!status_is_ok(status))
		return status;
	status = exchange_answer(s->sub, 1, &body, NULL);
	/* Too long a name for the buffer is no reason to give up the rest. */
	if (status != STATUS_SUCCESS && status != STATUS_BUFFER_OVERFLOW)
		return status;
	*out = (struct file_facts){0};
	if (!smb2_output_rsp_decode(&body, &p) || !file_info_decode(mem, s->info_class, p.output, out))
		return STATUS_INVALID_NETWORK_RESPONSE;
	return STATUS_SUCCESS;
}

struct tevent_req *daxsmb_touch_send(TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_tree *t,
	const char *path, const struct smb2_create_req *in)
{
	struct exchange_params p = exchange_on_tree(t);

	exchange_add_create(mem, &p, path, in);
	exchange_add_close(mem, &p);
	return exchange_send(mem, ev, &p);
}

ntstatus_t daxsmb_touch_recv(struct tevent_req *req)
{
	ntstatus_t create = exchange_answer(req, 0, NULL, NULL);

	return status_is_ok(create) ? exchange_answer(req, 1, NULL, NULL) : create;
}
