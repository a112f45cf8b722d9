/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The client over SMB Direct and software iWARP, on a loopback connection whose other end is the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "rdma/iwarp.h"
#include "rdma/smbdirect.h"
#include "tests/unit/client_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_S = 20, BLOCK = 1 << 20, REQUESTS = 16 };

#define assert_status(got, want) assert_string_equal(status_name(got), status_name((ntstatus_t)(want)))

/* A request as the server has it. */
struct seen {
	struct smb2_header h;
	struct smbdirect_descriptor d;
	struct bytes data; /* of a WRITE that carries it; child of the event context */
};

static struct rig rig; /* its transport is not used */
static struct smbdirect *server;
static struct seen seen[REQUESTS];
static unsigned seen_count;
static bool server_up, server_gone, tired;
static uint8_t *memory, *file;
static unsigned works;
static int work_error;

/* ---- the server's end ---- */

static void server_established(void *arg)
{
	server_up = true;
}

static void *server_reserve(void *arg, size_t size, uint8_t **data)
{
	return *data = talloc_size(rig.ev, size);
}

static void server_release(void *arg, void *mem)
{
	talloc_free(mem);
}

static void server_received(void *arg, uint8_t *data, size_t len, void *mem)
{
	struct rd r = rd_over(BYTES(data, len));
	struct seen *s = &seen[seen_count++];
	struct smb2_read_req read;
	struct smb2_write_req write = {0};
	struct bytes info = BYTES(NULL, 0);
	unsigned n;

	assert_true(seen_count <= REQUESTS);
	assert_true(smb2_header_decode(&r, &s->h));
	if (s->h.command == SMB2_READ && smb2_read_req_decode(&r, &read))
		info = read.channel_info;
	if (s->h.command == SMB2_WRITE && smb2_write_req_decode(&r, &write))
		info = write.channel_info;
	if (info.len)
		assert_true(smbdirect_descriptors_decode(info, &s->d, &n));
	if (write.data.len)
		s->data = BYTES(talloc_memdup(rig.ev, write.data.data, write.data.len), write.data.len);
	talloc_free(mem);
}

static void server_ended(void *arg, const char *why)
{
	server_gone = true;
}

static struct rdma_conn *server_start(
	TALLOC_CTX *mem, struct tevent_context *ev, const struct rdma_params *p, void *how)
{
	return iwarp_start(mem, ev, *(int *)how, false, p);
}

static void server_new(int fd)
{
	static const struct smbdirect_handlers h = {
		server_established, server_reserve, server_release, server_received, server_ended};
	struct smbdirect_params p = {.credits = 32,
		.receive_size = 4096,
		.max_message = 4 << 20,
		.max_read_write = 1 << 20,
		.negotiate_seconds = PATIENCE_S,
		.idle_seconds = 60};
	struct rdma_params rdma = {.ird = 4, .ord = 4, .crc = true, .setup_seconds = PATIENCE_S};

	server = smbdirect_new(rig.ev, rig.ev, &p, &rdma, server_start, &fd, &h, NULL);
	assert_non_null(server);
}

struct reply {
	struct smbdirect_message m;
	struct iovec iov;
	uint8_t buf[256];
};

static void reply_done(struct smbdirect_message *m, int error)
{
	talloc_free(container_of(m, struct reply, m));
}

/* Answers request n: count is DataRemaining of a READ, Count of a WRITE. */
static void answer(unsigned n, ntstatus_t status, uint32_t count, bool invalidate)
{
	struct reply *r = talloc_zero(rig.ev, struct reply);
	struct wr w = wr_over(r->buf, sizeof(r->buf));
	struct smb2_header h = seen[n].h;

	h.flags = SMB2_FLAGS_SERVER_TO_REDIR;
	h.status = status;
	h.credits = h.credit_charge;
	smb2_header_encode(&w, &h);
	if (status != STATUS_SUCCESS)
		smb2_error_rsp_encode(&w, &(struct smb2_error_rsp){0});
	else if (h.command == SMB2_READ)
		smb2_read_rsp_encode(&w, &(struct smb2_read_rsp){.data_remaining = count});
	else
		smb2_write_rsp_encode(&w, &(struct smb2_write_rsp){.count = count});
	r->iov = (struct iovec){r->buf, w.pos};
	r->m = (struct smbdirect_message){
		.iov = &r->iov, .n = 1, .invalidate = invalidate, .tag = seen[n].d.token, .done = reply_done};
	smbdirect_send(server, &r->m);
}

struct work {
	struct rdma_work w;
	struct iovec iov;
};

static void work_done(struct rdma_work *w, int error)
{
	works--;
	if (error)
		work_error = error;
	talloc_free(container_of(w, struct work, w));
}

/* An RDMA Write or Read of [at, at + n) of what request i has lent, from or to the same place in the file. */
static void transfer(unsigned i, bool write, size_t at, size_t n)
{
	struct work *x = talloc_zero(rig.ev, struct work);

	x->iov = (struct iovec){file + at, n};
	x->w = (struct rdma_work){.iov = &x->iov,
		.n = 1,
		.tag = seen[i].d.token,
		.remote_offset = seen[i].d.offset + at,
		.done = work_done};
	works++;
	(write ? rdma_write : rdma_read)(smbdirect_rdma(server), &x->w);
}

/* ---- the world ---- */

static void is_tired(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *arg)
{
	tired = true;
}

#define until(condition) \
	do { \
		while (!(condition) && !tired) \
			assert_int_equal(tevent_loop_once(rig.ev), 0); \
		if (tired) \
			fail_msg("waited in vain for " #condition); \
	} while (0)

static void tcp_pair(int fd[2])
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd[0], (struct sockaddr *)&a, len), 0);
	fd[1] = accept(listener, NULL, NULL);
	assert_true(fd[1] >= 0);
	close(listener);
}

/* A client on one end of a connection; the other end. */
static int client_new(void)
{
	int fd[2];

	rig_setup(&rig, SMB2_DIALECT_0311, 64);
	tired = server_up = server_gone = false;
	seen_count = works = 0;
	work_error = 0;
	memset(seen, 0, sizeof(seen));
	memory = talloc_zero_size(rig.ev, BLOCK);
	file = talloc_size(rig.ev, BLOCK);
	for (size_t i = 0; i < BLOCK; i++)
		file[i] = (uint8_t)(i * 7 + i / 4099 + 1);
	tevent_add_timer(rig.ev, rig.ev, tevent_timeval_current_ofs(PATIENCE_S, 0), is_tired, NULL);
	tcp_pair(fd);
	client_conn_attach(rig.conn, transport_smbdirect_new(rig.conn, rig.ev, fd[0], PATIENCE_S));
	return fd[1];
}

static int setup(void **state)
{
	server_new(client_new());
	until(server_up && rig.conn->transport->max_transfer);
	return 0;
}

static int teardown(void **state)
{
	if (server)
		smbdirect_close(server);
	server = NULL;
	rig_teardown(&rig);
	return 0;
}

static struct tevent_req *read_block(void)
{
	struct smb2_read_req q = {.length = BLOCK};

	return rig_watch(&rig, daxsmb_read_into_send(rig.ev, rig.ev, rig.tree, &q, memory));
}

static struct tevent_req *write_bytes(size_t n)
{
	struct smb2_write_req q = {.data = BYTES(memory, n)};

	return rig_watch(&rig, daxsmb_write_send(rig.ev, rig.ev, rig.tree, &q));
}

/* ---- cases ---- */

static void what_is_sent_before_the_negotiation_waits_for_it(void **state)
{
	int fd = client_new();

	write_bytes(100);
	server_new(fd);
	until(seen_count == 1);
	assert_int_equal(seen[0].data.len, 100);
	answer(0, STATUS_SUCCESS, 100, false);
	until(rig.ended == 1);
	assert_status(rig.last, STATUS_SUCCESS);
}

static void payloads_in_the_message_arrive_whole_even_if_their_owner_goes(void **state)
{
	size_t size = 3 * BLOCK / 4;
	struct tevent_req *req;

	rig.conn->dialect = SMB2_DIALECT_0210;
	memcpy(memory, file, size);
	req = write_bytes(size);
	talloc_free(req);
	memset(memory, 0, size);
	until(seen_count == 1);
	assert_int_equal(seen[0].data.len, size);
	assert_memory_equal(seen[0].data.data, file, size);
}

static void a_read_is_placed_in_the_caller_s_memory(void **state)
{
	struct tevent_req *req = read_block();
	struct smb2_read_rsp p;

	until(seen_count == 1);
	assert_int_equal(seen[0].d.length, BLOCK);
	transfer(0, true, 0, BLOCK);
	answer(0, STATUS_SUCCESS, BLOCK, true);
	until(rig.ended == 1);
	assert_status(daxsmb_read_recv(req, &p), STATUS_SUCCESS);
	assert_ptr_equal(p.data.data, memory);
	assert_int_equal(p.data.len, BLOCK);
	assert_memory_equal(memory, file, BLOCK);
}

static void a_write_is_fetched_from_the_caller_s_memory(void **state)
{
	struct tevent_req *req;
	struct smb2_write_rsp p;

	memset(memory, 'w', BLOCK);
	req = write_bytes(BLOCK);
	until(seen_count == 1);
	transfer(0, false, 0, BLOCK / 2);
	transfer(0, false, BLOCK / 2, BLOCK / 2);
	until(works == 0);
	assert_int_equal(work_error, 0);
	assert_memory_equal(file, memory, BLOCK);
	answer(0, STATUS_SUCCESS, BLOCK, true);
	until(rig.ended == 1);
	assert_status(daxsmb_write_recv(req, &p), STATUS_SUCCESS);
	assert_int_equal(p.count, BLOCK);
}

static void tags_are_given_up_without_invalidation_too(void **state)
{
	struct rdma_facts f;

	for (unsigned i = 0; i < 4; i++) {
		struct tevent_req *req = read_block();

		until(seen_count == i + 1);
		transfer(i, true, 0, 4096);
		answer(i, STATUS_SUCCESS, 4096, i % 2);
		until(rig.ended == i + 1);
		assert_status(rig.last, STATUS_SUCCESS);
		talloc_free(req);
	}
	/* That one nobody waits for: the connection ends, orderly. */
	answer(0, STATUS_ACCESS_DENIED, 0, false);
	until(rig.conn->dead);
	rdma_facts(smbdirect_rdma(server), &f);
	assert_int_equal(f.bytes_written, 4 * 4096);
}

static void an_error_leaves_the_connection_usable(void **state)
{
	read_block();
	until(seen_count == 1);
	answer(0, STATUS_END_OF_FILE, 0, true);
	until(rig.ended == 1);
	read_block();
	until(seen_count == 2);
	transfer(1, true, 0, BLOCK);
	answer(1, STATUS_SUCCESS, BLOCK, false);
	until(rig.ended == 2);
	assert_status(rig.last, STATUS_SUCCESS);
	assert_memory_equal(memory, file, BLOCK);
}

/* The memory is freed with the request: a sanitizer sees any late access. */
static void the_memory_of_a_freed_request_is_not_touched(void **state)
{
	struct tevent_req *req = read_block();

	until(seen_count == 1);
	transfer(0, true, 0, BLOCK);
	talloc_free(req);
	TALLOC_FREE(memory);
	until(rig.conn->dead && server_gone);
	assert_int_equal(rig.ended, 0);
}

static void memory_that_goes_in_the_middle_of_a_transfer_is_not_touched_any_more(void **state)
{
	struct tevent_req *req = read_block();

	until(seen_count == 1);
	transfer(0, true, 0, BLOCK);
	until(memory[0] == file[0] && memory[1] == file[1]);
	talloc_free(req);
	TALLOC_FREE(memory);
	until(works == 0);
}

static void a_fetch_from_a_freed_request_gets_nothing(void **state)
{
	struct tevent_req *req = write_bytes(BLOCK);

	until(seen_count == 1);
	talloc_free(req);
	TALLOC_FREE(memory);
	transfer(0, false, 0, BLOCK);
	until(works == 0 && rig.conn->dead);
	assert_int_not_equal(work_error, 0);
}

static void a_server_that_goes_ends_every_request_once(void **state)
{
	read_block();
	write_bytes(BLOCK);
	write_bytes(100);
	until(seen_count == 3);
	transfer(0, true, 0, BLOCK);
	smbdirect_close(server);
	server = NULL;
	until(rig.ended == 3);
	assert_status(rig.last, STATUS_CONNECTION_DISCONNECTED);
}

static void a_silent_server_times_out_and_its_late_transfer_touches_nothing(void **state)
{
	rig.conn->timeout_ms = 50;
	read_block();
	until(seen_count == 1);
	until(rig.ended == 1);
	assert_status(rig.last, STATUS_IO_TIMEOUT);
	TALLOC_FREE(memory);
	transfer(0, true, 0, BLOCK);
	until(works == 0 && server_gone);
}

static void the_client_closes_with_everything_in_flight(void **state)
{
	read_block();
	write_bytes(BLOCK);
	until(seen_count == 2);
	transfer(0, true, 0, BLOCK);
	transfer(1, false, 0, BLOCK);
	talloc_free(rig.conn);
	TALLOC_FREE(memory);
	until(works == 0 && server_gone && rig.ended == 2);
}

static void a_peer_that_speaks_no_iwarp_is_given_up(void **state)
{
	static const char smb[] = "\0\0\0\x40\xfeSMB and what else a server on another port says";
	int fd = client_new();

	write_bytes(100);
	assert_int_equal(write(fd, smb, sizeof(smb)), sizeof(smb));
	until(rig.ended == 1);
	assert_status(rig.last, STATUS_CONNECTION_RESET);
	close(fd);
}

static void a_peer_that_hangs_up_at_once_is_given_up(void **state)
{
	int fd = client_new();

	write_bytes(100);
	close(fd);
	until(rig.ended == 1);
	assert_status(rig.last, STATUS_CONNECTION_RESET);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define WITHOUT_SERVER(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITHOUT_SERVER(what_is_sent_before_the_negotiation_waits_for_it),
		T(payloads_in_the_message_arrive_whole_even_if_their_owner_goes),
		T(a_read_is_placed_in_the_caller_s_memory),
		T(a_write_is_fetched_from_the_caller_s_memory),
		T(tags_are_given_up_without_invalidation_too),
		T(an_error_leaves_the_connection_usable),
		T(the_memory_of_a_freed_request_is_not_touched),
		T(memory_that_goes_in_the_middle_of_a_transfer_is_not_touched_any_more),
		T(a_fetch_from_a_freed_request_gets_nothing),
		T(a_server_that_goes_ends_every_request_once),
		T(a_silent_server_times_out_and_its_late_transfer_touches_nothing),
		T(the_client_closes_with_everything_in_flight),
		WITHOUT_SERVER(a_peer_that_speaks_no_iwarp_is_given_up),
		WITHOUT_SERVER(a_peer_that_hangs_up_at_once_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
