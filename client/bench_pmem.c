/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The load on mapped memory: b->depth operations at a time on each connection, each through libdaxsmb as a
 * program would do it. A write counts once its memory may be used again; a commit, a write with what makes it
 * durable, once that is answered. Each connection has a file of its own, for a lease to write is for one.
 */
#include "client/bench.h"
#include "client/direct_copy.h"
#include "client/path.h"
#include "core/clock.h"

struct pmem_load;
struct pmem_run;

struct pmem_slot {
	struct pmem_load *load;
	uint8_t *memory; /* of a read */
	uint64_t start_ns;
};

struct pmem_load {
	struct bench *b;
	struct pmem_run *run;
	struct daxsmb_mount m;        /* of all but the first, which is the subcommand's */
	struct daxsmb_direct *direct; /* NULL: not begun */
	struct daxsmb_file *file;
	struct daxsmb_region *region;
	struct pmem_slot *slots;
	uint64_t random;
};

struct pmem_run {
	struct bench *b;
	struct pmem_load *loads;
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

static struct pmem_run *run_of(const struct pmem_slot *s)
{
	return s->load->run;
}

static void slot_end(struct pmem_slot *s, ntstatus_t status)
{
	struct pmem_run *r = run_of(s);
	uint64_t now = clock_now_ns();

	r->busy--;
	bench_count(r->b, s->start_ns, now, r->b->size, !status_is_ok(status), status);
	r->stop |= !bench_tick(r->b, now) || !status_is_ok(status);
	if (!r->stop)
		slot_begin(s);
}

static void slot_done(struct tevent_req *req)
{
	struct pmem_slot *s = tevent_req_callback_data_void(req);
	ntstatus_t status = daxsmb_region_recv(req);

	talloc_free(req);
	slot_end(s, status);
}

static struct tevent_req *slot_send(struct pmem_slot *s)
{
	struct pmem_load *l = s->load;
	const struct bench *b = l->b;
	uint64_t at = random_offset(l);

	if (b->op->commits)
		return daxsmb_region_write_durably_send(l->slots, l->region, at, b->payload, b->size);
	return b->op->writes ? daxsmb_region_write_send(l->slots, l->region, at, b->payload, b->size)
			     : daxsmb_region_read_send(l->slots, l->region, at, s->memory, b->size);
}

static void slot_begin(struct pmem_slot *s)
{
	struct tevent_req *req;

	s->start_ns = clock_now_ns();
	run_of(s)->busy++;
	req = slot_send(s);
	if (req)
		tevent_req_set_callback(req, slot_done, s);
	else
		slot_end(s, STATUS_NO_MEMORY);
}

static ntstatus_t load_map(struct pmem_load *l, const char *name)
{
	struct bench *b = l->b;
	uint32_t access = PMEM_ACCESS_READ | (b->op->writes ? PMEM_ACCESS_WRITE : 0);
	struct smb2_create_req q = {
		.desired_access =
			FILE_READ_DATA | FILE_READ_ATTRIBUTES | (b->op->writes ? FILE_WRITE_DATA : 0),
		.create_disposition = FILE_OPEN,
		.create_options = FILE_NON_DIRECTORY_FILE,
	};
	char *path = client_path_join(l->slots, b->folder, name);
	struct daxsmb_region_facts facts;
	ntstatus_t status = path ? daxsmb_file_open(l->direct, path, &q, access, &l->file)
				 : (ntstatus_t)STATUS_NO_MEMORY;

	if (status_is_ok(status))
		status = daxsmb_map(l->file, 0, b->file_size, access, &l->region);
	if (!status_is_ok(status))
		return status;
	daxsmb_region_facts(l->region, &facts);
	b->durability = facts.durability;
	b->guard = facts.guard;
	/* What goes over SMB is not what is to be measured. */
	return facts.direct ? STATUS_SUCCESS : STATUS_SHARING_VIOLATION;
}

static bool load_prepare(struct pmem_load *l)
{
	struct bench *b = l->b;

	l->random = b->random + (uint64_t)(l - l->run->loads);
	l->slots = talloc_zero_array(b, struct pmem_slot, b->depth);
	for (unsigned i = 0; l->slots && i < b->depth; i++) {
		l->slots[i].load = l;
		l->slots[i].memory = talloc_size(l->slots, b->size);
		if (!l->slots[i].memory)
			return false;
	}
	return l->slots;
}

static struct daxsmb_direct *load_direct(struct pmem_load *l, bool first)
{
	struct cli *cli = l->b->cli;
	struct daxsmb_direct *d;

	if (first)
		d = cli_direct(cli);
	else
		d = daxsmb_direct_new(l->m.tree, cli->ev, cli->url.host, cli->direct_port, &cli->options);
	return d && daxsmb_direct_set_poll(d, l->b->poll_us) ? d : NULL;
}

static int load_begin(struct pmem_load *l, unsigned i)
{
	struct bench *b = l->b;
	ntstatus_t status = STATUS_NO_MEMORY;
	int code = i ? bench_mount(b, b, &l->m) : CLI_OK;

	if (code)
		return code;
	l->direct = load_direct(l, i == 0);
	if (l->direct && load_prepare(l))
		status = load_map(l, bench_file_name(b, i));
	return status_is_ok(status) ? CLI_OK : cli_fail(b->cli, b->folder, "map", status);
}

/* What was posted has arrived when a Read behind it is answered: the file is not closed before. */
static void load_end(struct pmem_load *l)
{
	if (l->region)
		(void)daxsmb_unmap(l->region);
	if (l->file)
		(void)daxsmb_file_close(l->file);
}

/* Only one connection can be looked at again and again. */
static int turn(struct pmem_run *r)
{
	return r->b->connections == 1 ? daxsmb_direct_loop_once(r->loads[0].direct)
				      : tevent_loop_once(r->b->cli->ev);
}

static void run_loads(struct pmem_run *r)
{
	struct bench *b = r->b;

	b->begin_ns = clock_now_ns() + (uint64_t)(b->warm_up * 1e9);
	for (unsigned i = 0; i < b->connections; i++)
		for (unsigned k = 0; k < b->depth && !r->stop; k++)
			slot_begin(&r->loads[i].slots[k]);
	while (r->busy && !r->stop && turn(r) == 0)
		;
	b->stopping = true;
	while (r->busy && turn(r) == 0)
		;
}

int bench_pmem_run(struct bench *b)
{
	struct pmem_run r = {.b = b};
	int code = CLI_OK;

	if (!b->op->moves || b->op->run || (b->poll_us && b->connections > 1)) {
		cli_error("bench: direct access measures read, write and commit; --poll on one connection");
		return CLI_USAGE;
	}
	r.loads = talloc_zero_array(b, struct pmem_load, b->connections);
	for (unsigned i = 0; r.loads && i < b->connections && code == CLI_OK; i++) {
		r.loads[i].b = b;
		r.loads[i].run = &r;
		code = load_begin(&r.loads[i], i);
	}
	if (!r.loads)
		return cli_fail(b->cli, b->folder, NULL, STATUS_NO_MEMORY);
	if (code == CLI_OK)
		run_loads(&r);
	for (unsigned i = 0; i < b->connections; i++) {
		load_end(&r.loads[i]);
		if (i && r.loads[i].m.conn)
			daxsmb_unmount(b->cli->ev, &r.loads[i].m);
	}
	return code;
}
