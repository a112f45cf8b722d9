/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The load on mapped memory: b->depth operations at a time, each through libdaxsmb as a program would do it.
 */
#include "client/bench.h"
#include "client/direct_copy.h"
#include "client/path.h"
#include "core/clock.h"

struct pmem_load;

struct pmem_slot {
	struct pmem_load *load;
	uint8_t *memory; /* of a read */
	uint64_t start_ns;
};

struct pmem_load {
	struct bench *b;
	struct daxsmb_file *file;
	struct daxsmb_region *region;
	struct pmem_slot *slots;
	uint64_t random;
	unsigned busy;
	bool stop;
};

static void slot_begin(struct pmem_slot *s);

static uint64_t random_offset(struct pmem_load *l)
{
	const struct bench *b = l->b;

	/* xorshift64: offsets need no better. */
	l->random ^= l->random << 13;
	l->random ^= l->random >> 7;
	l->random ^= l->random << 17;
	return l->random % (b->file_size / b->size) * b->size;
}

static void slot_end(struct pmem_slot *s, ntstatus_t status)
{
	struct pmem_load *l = s->load;
	uint64_t now = clock_now_ns();

	l->busy--;
	bench_count(l->b, s->start_ns, now, l->b->size, !status_is_ok(status), status);
	l->stop |= !bench_tick(l->b, now) || !status_is_ok(status);
	if (!l->stop)
		slot_begin(s);
}

static void slot_done(struct tevent_req *req)
{
	struct pmem_slot *s = tevent_req_callback_data_void(req);
	ntstatus_t status = daxsmb_region_recv(req);

	talloc_free(req);
	slot_end(s, status);
}

static void slot_written(struct tevent_req *req)
{
	struct pmem_slot *s = tevent_req_callback_data_void(req);
	ntstatus_t status = daxsmb_region_recv(req);

	talloc_free(req);
	req = status_is_ok(status) ? daxsmb_region_commit_send(s->load->slots, s->load->region) : NULL;
	if (req)
		tevent_req_set_callback(req, slot_done, s);
	else
		slot_end(s, status ? status : (ntstatus_t)STATUS_NO_MEMORY);
}

static void slot_begin(struct pmem_slot *s)
{
	struct pmem_load *l = s->load;
	struct bench *b = l->b;
	struct tevent_req *req;

	s->start_ns = clock_now_ns();
	l->busy++;
	if (b->op->writes)
		req = daxsmb_region_write_send(l->slots, l->region, random_offset(l), b->payload, b->size);
	else
		req = daxsmb_region_read_send(l->slots, l->region, random_offset(l), s->memory, b->size);
	if (req)
		tevent_req_set_callback(req, b->op->commits ? slot_written : slot_done, s);
	else
		slot_end(s, STATUS_NO_MEMORY);
}

static ntstatus_t load_map(struct pmem_load *l)
{
	struct bench *b = l->b;
	uint32_t access = PMEM_ACCESS_READ | (b->op->writes ? PMEM_ACCESS_WRITE : 0);
	struct smb2_create_req q = {
		.desired_access =
			FILE_READ_DATA | FILE_READ_ATTRIBUTES | (b->op->writes ? FILE_WRITE_DATA : 0),
		.create_disposition = FILE_OPEN,
		.create_options = FILE_NON_DIRECTORY_FILE,
	};
	char *path = client_path_join(l->slots, b->folder, "file");
	struct daxsmb_region_facts facts;
	ntstatus_t status = path ? daxsmb_file_open(cli_direct(b->cli), path, &q, access, &l->file)
				 : (ntstatus_t)STATUS_NO_MEMORY;

	if (status_is_ok(status))
		status = daxsmb_map(l->file, 0, b->file_size, access, &l->region);
	if (!status_is_ok(status))
		return status;
	daxsmb_region_facts(l->region, &facts);
	/* What goes over SMB is not what is to be measured. */
	return facts.direct ? STATUS_SUCCESS : STATUS_SHARING_VIOLATION;
}

static bool load_prepare(struct pmem_load *l)
{
	struct bench *b = l->b;

	l->random = b->random;
	l->slots = talloc_zero_array(b, struct pmem_slot, b->depth);
	for (unsigned i = 0; l->slots && i < b->depth; i++) {
		l->slots[i].load = l;
		l->slots[i].memory = talloc_size(l->slots, b->size);
		if (!l->slots[i].memory)
			return false;
	}
	return l->slots && cli_direct(b->cli);
}

static void load_run(struct pmem_load *l)
{
	struct bench *b = l->b;

	b->begin_ns = clock_now_ns() + (uint64_t)(b->warm_up * 1e9);
	for (unsigned i = 0; i < b->depth && !l->stop; i++)
		slot_begin(&l->slots[i]);
	while (l->busy && !l->stop && tevent_loop_once(b->cli->ev) == 0)
		;
	b->stopping = true;
	while (l->busy && tevent_loop_once(b->cli->ev) == 0)
		;
}

int bench_pmem_run(struct bench *b)
{
	struct pmem_load l = {.b = b};
	ntstatus_t status;

	if (b->connections > 1 || !b->op->moves || b->op->run) {
		cli_error("bench: direct access measures read, write and commit on one connection");
		return CLI_USAGE;
	}
	status = load_prepare(&l) ? load_map(&l) : (ntstatus_t)STATUS_NO_MEMORY;
	if (status_is_ok(status))
		load_run(&l);
	if (l.file)
		(void)daxsmb_file_close(l.file);
	talloc_free(l.slots);
	return status_is_ok(status) ? CLI_OK : cli_fail(b->cli, b->folder, "map", status);
}
