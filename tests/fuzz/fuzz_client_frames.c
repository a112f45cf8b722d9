/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What a server can send to the client. Byte 0 chooses the stage: 0 NEGOTIATE, 1 log-on, 2 an open share, 3
 * an open share with keys. Then messages, each behind its length in two bytes. Whatever comes, every
 * request ends exactly once.
 */
#include "tests/unit/client_rig.h"

#include "core/log.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void watch(struct rig *rig, struct tevent_req *req)
{
	if (req)
		rig_watch(rig, req);
}

static bool count_entry(void *arg, const struct dir_entry_facts *e)
{
	return ++*(unsigned *)arg < 1000;
}

/* A listing also reads what it got. */
static void listed(struct tevent_req *req)
{
	struct rig *rig = tevent_req_callback_data_void(req);
	struct smb2_output_rsp p;
	unsigned entries = 0;

	rig->ended++;
	if (status_is_ok(daxsmb_query_directory_recv(req, &p)))
		(void)dir_info_walk(req, FileIdBothDirectoryInformation, p.output, count_entry, &entries);
}

static void stat_read(struct tevent_req *req)
{
	struct rig *rig = tevent_req_callback_data_void(req);
	struct file_facts facts;

	rig->ended++;
	(void)daxsmb_stat_recv(req, req, &facts);
}

static void start_open(struct rig *rig)
{
	struct smb2_read_req read = {.length = 4096};
	struct smb2_write_req write = {.data = BYTES("data", 4)};
	struct smb2_query_directory_req list = {.info_class = FileIdBothDirectoryInformation,
		.pattern = BYTES("*\0", 2),
		.output_length = 4096};
	struct smb2_create_req create = {.create_disposition = FILE_OPEN};
	struct tevent_req *req = daxsmb_stat_send(rig->ev, rig->ev, rig->tree, "a", FileAllInformation);

	rig->started += 2;
	tevent_req_set_callback(req, stat_read, rig);
	req = daxsmb_query_directory_send(rig->ev, rig->ev, rig->tree, &list);
	tevent_req_set_callback(req, listed, rig);
	watch(rig, daxsmb_read_send(rig->ev, rig->ev, rig->tree, &read));
	watch(rig, daxsmb_write_send(rig->ev, rig->ev, rig->tree, &write));
	watch(rig, daxsmb_touch_send(rig->ev, rig->ev, rig->tree, "b", &create));
	watch(rig, daxsmb_tree_connect_send(rig->ev, rig->ev, rig->session, "share"));
	watch(rig, daxsmb_echo_send(rig->ev, rig->ev, rig->conn));
}

static void start(struct rig *rig, uint8_t stage)
{
	struct daxsmb_options o = {.user = "user", .password = "password"};

	switch (stage & 3) {
	case 0:
		rig->conn->dialect = 0;
		watch(rig, client_negotiate_send(rig->ev, rig->ev, rig->conn));
		return;
	case 1:
		watch(rig, daxsmb_session_setup_send(rig->ev, rig->ev, rig->conn, &o));
		return;
	case 3:
		rig->conn->cipher = 2;
		rig->conn->signing = 1;
		rig->session->seal = stage & 4;
		rig->session->sign = stage & 8;
		if (!client_session_keyed(rig->session, BYTES("0123456789abcdef", 16)))
			abort();
	}
	start_open(rig);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r = rd_over(BYTES(data, size));
	struct rig rig;
	uint8_t stage = rd_u8(&r);

	log_threshold[LOGC_client] = -1;
	rig_setup(&rig, stage & 16 ? SMB2_DIALECT_0302 : SMB2_DIALECT_0311, 64);
	start(&rig, stage);
	while (rd_left(&r))
		rig_receive(&rig, rd_bytes(&r, rd_u16(&r)));
	client_conn_fail(rig.conn, STATUS_CONNECTION_DISCONNECTED);
	rig_run(&rig);
	if (rig.started != rig.ended)
		abort();
	rig_teardown(&rig);
	return 0;
}
