/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/bench.h"
#include "client/path.h"
#include "core/random.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LIST_ENTRIES = 1000, FILL_BLOCK = 1 << 20, ECHO_TRIES = 64, TEMPLATE_PIECES = 2 };

int bench_mount(struct bench *b, TALLOC_CTX *mem, struct daxsmb_mount *m)
{
	struct cli *cli = b->cli;
	ntstatus_t status =
		daxsmb_mount(mem, cli->ev, cli->url.host, cli->url.port, cli->url.share, &cli->options, m);

	if (status_is_ok(status))
		return CLI_OK;
	cli_fail(cli, "", m->stage, status);
	return CLI_NO_CONNECTION;
}

static ntstatus_t open_file(struct bench *b, struct daxsmb_tree *t, const char *name, uint32_t disposition,
	struct smb2_file_id *id)
{
	char *path = client_path_join(b, b->folder, name);
	bool writes = disposition == FILE_CREATE || b->op->writes;
	struct smb2_create_req q = {
		.impersonation_level = 2,
		.desired_access = FILE_READ_DATA | FILE_READ_ATTRIBUTES | (writes ? FILE_WRITE_DATA : 0),
		.file_attributes = FILE_ATTRIBUTE_NORMAL,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = disposition,
		.create_options = FILE_NON_DIRECTORY_FILE,
	};
	struct smb2_create_rsp p;
	ntstatus_t status = path ? daxsmb_open(b->cli->ev, t, path, &q, &p) : (ntstatus_t)STATUS_NO_MEMORY;

	*id = p.file_id;
	talloc_free(path);
	return status;
}

static ntstatus_t fill_file(struct bench *b, struct smb2_file_id id)
{
	ntstatus_t status = STATUS_SUCCESS;
	uint32_t most = daxsmb_tree_max_write(b->cli->m.tree);

	for (uint64_t at = 0; at < b->file_size && status_is_ok(status);) {
		uint64_t left = b->file_size - at, block = most < FILL_BLOCK ? most : FILL_BLOCK;
		struct smb2_write_req q = {
			.offset = at, .file_id = id, .data = BYTES(b->payload, left < block ? left : block)};
		struct tevent_req *req = daxsmb_write_send(b, b->cli->ev, b->cli->m.tree, &q);
		struct smb2_write_rsp p = {0};

		status = STATUS_NO_MEMORY;
		if (req && tevent_req_poll(req, b->cli->ev))
			status = daxsmb_write_recv(req, &p);
		if (status_is_ok(status) && p.count == 0)
			status = STATUS_DISK_FULL;
		talloc_free(req);
		at += p.count;
	}
	return status;
}

const char *bench_file_name(struct bench *b, unsigned i)
{
	return b->cli->direct && i ? talloc_asprintf(b, "file-%u", i) : "file";
}

static ntstatus_t make_file(struct bench *b, const char *name)
{
	struct smb2_file_id id;
	ntstatus_t status = name ? open_file(b, b->cli->m.tree, name, FILE_CREATE, &id)
				 : (ntstatus_t)STATUS_NO_MEMORY;

	if (!status_is_ok(status))
		return status;
	status = fill_file(b, id);
	daxsmb_close(b->cli->ev, b->cli->m.tree, id);
	return status;
}

static ntstatus_t make_files(struct bench *b)
{
	unsigned n = b->cli->direct ? b->connections : 1;
	ntstatus_t status = STATUS_SUCCESS;

	for (unsigned i = 0; i < n && status_is_ok(status); i++)
		status = make_file(b, bench_file_name(b, i));
	return status;
}

static ntstatus_t make_entries(struct bench *b)
{
	char *many = client_path_join(b, b->folder, "many");
	ntstatus_t status = daxsmb_mkdir(b->cli->ev, b->cli->m.tree, many);

	for (unsigned i = 0; i < LIST_ENTRIES && status_is_ok(status); i++) {
		char name[32];
		struct smb2_file_id id;

		snprintf(name, sizeof(name), "many\\entry-%04u.txt", i);
		status = open_file(b, b->cli->m.tree, name, FILE_CREATE, &id);
		if (status_is_ok(status))
			status = daxsmb_close(b->cli->ev, b->cli->m.tree, id);
	}
	talloc_free(many);
	return status;
}

int bench_prepare(struct bench *b)
{
	size_t payload = b->size > FILL_BLOCK ? b->size : FILL_BLOCK;
	ntstatus_t status;

	b->random = random_u64() | 1;
	b->payload = talloc_size(b, payload);
	b->folder = talloc_asprintf(b, "daxsmb-bench-%08x", (unsigned)(random_u64() & 0xFFFFFFFF));
	if (!b->payload || !b->folder)
		return cli_fail(b->cli, "", NULL, STATUS_NO_MEMORY);
	random_bytes(b->payload, payload);
	status = daxsmb_mkdir(b->cli->ev, b->cli->m.tree, b->folder);
	if (status_is_ok(status) && b->op->needs_file)
		status = make_files(b);
	if (status_is_ok(status) && b->op->needs_directory)
		status = make_entries(b);
	return status_is_ok(status) ? CLI_OK : cli_fail(b->cli, b->folder, "prepare", status);
}

static void clean_folder(struct bench *b, const char *dir)
{
	struct remote_entry *list;
	size_t count;

	if (!status_is_ok(remote_list(b, b->cli, dir, "*", &list, &count)))
		return;
	for (size_t i = 0; i < count; i++) {
		char *path = client_path_join(list, dir, list[i].name);

		if (path && remote_is_directory(&list[i]))
			clean_folder(b, path);
		else if (path)
			daxsmb_delete(b->cli->ev, b->cli->m.tree, path, false);
	}
	talloc_free(list);
	daxsmb_delete(b->cli->ev, b->cli->m.tree, dir, true);
}

void bench_clean(struct bench *b)
{
	if (b->folder)
		clean_folder(b, b->folder);
}

/* Asks for credits until the slots can all be in flight, or the server gives no more. */
static void gather_credits(struct bench *b, struct bench_conn *c, uint32_t want)
{
	struct daxsmb_conn *conn = c->m.conn;
	uint32_t before = 0;

	for (unsigned i = 0;
		i < ECHO_TRIES && conn->credits.available < want && conn->credits.available > before; i++) {
		struct tevent_req *req = daxsmb_echo_send(b, b->cli->ev, conn);

		before = conn->credits.available;
		if (req)
			tevent_req_poll(req, b->cli->ev);
		talloc_free(req);
	}
}

static bool slots_new(struct bench *b, struct bench_conn *c)
{
	size_t sealed = c->seal ? 4096 + b->size : 0;

	c->slots = talloc_zero_array(b, struct bench_slot, b->depth);
	c->ready = talloc_zero_array(b, uint32_t, b->depth);
	c->by_id = talloc_zero_array(b, uint32_t, BENCH_IDS);
	/* What is queued but not sent belongs to requests in flight: one frame a slot. */
	c->out = talloc_zero_array(b, struct iovec, b->depth * TEMPLATE_PIECES);
	if (!c->slots || !c->ready || !c->by_id || !c->out)
		return false;
	for (unsigned i = 0; i < b->depth; i++) {
		struct bench_slot *s = &c->slots[i];

		s->conn = c;
		s->index = i;
		s->sealed = talloc_size(c->slots, sealed);
		if (!s->sealed || !b->op->build(c, s))
			return false;
		c->ready[c->ready_count++] = i;
	}
	return true;
}

/* Long answers are cut short where they need not be looked at, so little room does for them. */
static bool input_new(struct bench *b, struct bench_conn *c)
{
	bool whole = c->seal || b->verify;
	bool large = b->op->moves && !b->op->writes && b->size > 32768;

	c->in_chunk = large && !whole ? 16384 : 262144;
	c->in_cap = c->in_chunk * 2 + 131072 + (whole ? (size_t)b->size : 0);
	c->in = talloc_size(b, c->in_cap);
	return c->in != NULL;
}

static ntstatus_t attach_one(struct bench *b, struct bench_conn *c)
{
	uint16_t charge = client_credits_charge(b->op->moves ? b->size : 0);
	ntstatus_t status = STATUS_SUCCESS;

	c->bench = b;
	c->sign = daxsmb_session_signs(c->m.session);
	c->seal = daxsmb_session_seals(c->m.session) || c->m.tree->seal;
	if (b->op->moves && b->size > (b->op->writes ? daxsmb_tree_max_write(c->m.tree)
						     : daxsmb_tree_max_read(c->m.tree)))
		return STATUS_INVALID_BUFFER_SIZE;
	if (b->op->needs_file)
		status = open_file(b, c->m.tree, "file", FILE_OPEN, &c->file);
	if (!status_is_ok(status))
		return status;
	gather_credits(b, c, b->depth * (charge > BENCH_PARTS ? charge : BENCH_PARTS));
	c->credits = c->m.conn->credits.available;
	c->next_id = c->m.conn->credits.next_id;
	if (b->cli->options.via == DAXSMB_VIA_SMBDIRECT)
		bench_direct_attach(c);
	else
		c->fd = transport_tcp_release(c->m.conn->transport);
	return slots_new(b, c) && input_new(b, c) ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

int bench_attach(struct bench *b)
{
	b->conns = talloc_zero_array(b, struct bench_conn, b->connections);
	if (!b->conns)
		return cli_fail(b->cli, "", NULL, STATUS_NO_MEMORY);
	for (unsigned i = 0; i < b->connections; i++)
		b->conns[i].fd = -1;
	for (unsigned i = 0; i < b->connections; i++) {
		int code = bench_mount(b, b->conns, &b->conns[i].m);
		ntstatus_t status;

		if (code)
			return code;
		status = attach_one(b, &b->conns[i]);
		if (!status_is_ok(status))
			return cli_fail(b->cli, b->folder, "bench", status);
	}
	return CLI_OK;
}

/* Closes the connections and waits until the server has done so too: then it has let go of their files. */
void bench_detach(struct bench *b)
{
	struct timeval patience = {.tv_sec = 5};
	char rest[4096];

	for (unsigned i = 0; b->conns && i < b->connections; i++) {
		if (b->conns[i].direct)
			bench_direct_detach(&b->conns[i]);
		if (b->conns[i].fd >= 0)
			shutdown(b->conns[i].fd, SHUT_WR);
	}
	for (unsigned i = 0; b->conns && i < b->connections; i++) {
		int fd = b->conns[i].fd;

		if (fd < 0)
			continue;
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		while (read(fd, rest, sizeof(rest)) > 0)
			;
		close(fd);
		b->conns[i].fd = -1;
	}
}

static void hold_readable(struct tevent_context *ev, struct tevent_fd *fde, uint16_t flags, void *arg)
{
	bool *end = arg;
	char c;

	*end = read(STDIN_FILENO, &c, 1) <= 0;
}

/* Until the input ends; the connections live meanwhile, and answer a server that asks whether they do. */
static void hold_wait(struct bench *b)
{
	struct tevent_fd *fde;
	bool end = false;

	if (!cli_can_wait_for(STDIN_FILENO))
		return;
	fde = tevent_add_fd(b->cli->ev, b, STDIN_FILENO, TEVENT_FD_READ, hold_readable, &end);
	while (fde && !end && tevent_loop_once(b->cli->ev) == 0)
		;
	talloc_free(fde);
}

int bench_hold(struct bench *b)
{
	/* The one that the subcommand began with counts. */
	for (unsigned i = 1; i < b->hold; i++) {
		struct daxsmb_mount m;
		int code = bench_mount(b, b, &m);

		if (code)
			return code;
	}
	printf("holding %u\n", b->hold);
	fflush(stdout);
	hold_wait(b);
	return CLI_OK;
}
