/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Whole files by mappings, a stretch of the file at a time. */
#include "client/direct_copy.h"

#include <sys/stat.h>

/* Of a file whose size is known; of an input that tells nothing. */
static const uint64_t STRETCH = 1 << 30, STRETCH_UNKNOWN = 64 << 20;

struct transfer {
	struct cli *cli;
	struct daxsmb_file *file;
	struct direct_copy copy;
	struct progress progress;
	uint64_t at, size;
};

static uint64_t stretch_of(const struct transfer *t, uint64_t left)
{
	uint64_t most = daxsmb_file_offer(t->file)->max_length;

	if (most > STRETCH || most == 0)
		most = STRETCH;
	return left < most ? left : most;
}

static ntstatus_t transfer_open(
	struct transfer *t, const char *path, const struct smb2_create_req *q, uint32_t access)
{
	struct daxsmb_direct *d = cli_direct(t->cli);

	return d ? daxsmb_file_open(d, path, q, access, &t->file) : (ntstatus_t)STATUS_NO_MEMORY;
}

/* One stretch, mapped, moved and given back. */
static ntstatus_t transfer_stretch(
	struct transfer *t, uint64_t length, uint32_t access, ntstatus_t (*move)(struct direct_copy *c))
{
	ntstatus_t status = daxsmb_map(t->file, t->at, length, access, &t->copy.region), unmapped;

	if (!status_is_ok(status))
		return status;
	t->copy.done = 0;
	status = move(&t->copy);
	t->at += t->copy.done;
	unmapped = daxsmb_unmap(t->copy.region);
	return status_is_ok(status) ? unmapped : status;
}

static ntstatus_t transfer_end(struct transfer *t, ntstatus_t status)
{
	ntstatus_t closed = daxsmb_file_close(t->file);

	progress_end(&t->progress);
	return status_is_ok(status) ? closed : status;
}

ntstatus_t direct_get(struct cli *cli, const char *path, int fd, const char *label, int *local)
{
	struct smb2_create_req q = {
		.desired_access = FILE_READ_DATA | FILE_READ_ATTRIBUTES,
		.create_disposition = FILE_OPEN,
		.create_options = FILE_NON_DIRECTORY_FILE,
	};
	struct transfer t = {.cli = cli, .copy = {.cli = cli, .fd = fd}};
	ntstatus_t status;

	*local = 0;
	status = transfer_open(&t, path, &q, PMEM_ACCESS_READ);
	if (!status_is_ok(status))
		return status;
	t.size = daxsmb_file_size(t.file);
	t.copy.progress = &t.progress;
	progress_start(&t.progress, label, t.size, cli->quiet);
	while (status_is_ok(status) && t.at < t.size)
		status = transfer_stretch(
			&t, stretch_of(&t, t.size - t.at), PMEM_ACCESS_READ, direct_copy_out);
	*local = t.copy.local;
	return transfer_end(&t, status);
}

/* The file is made as long as what is to be mapped, and in the end as what there was. */
static ntstatus_t put_all(struct transfer *t, bool known)
{
	ntstatus_t status = STATUS_SUCCESS;
	uint64_t now = 0;

	while (status_is_ok(status) && !t->copy.end && !(known && t->at == t->size)) {
		uint64_t length = stretch_of(t, known ? t->size - t->at : STRETCH_UNKNOWN);

		now = t->at + length;
		status = direct_set_size(t->cli, t->file, now);
		if (status_is_ok(status))
			status = transfer_stretch(
				t, length, PMEM_ACCESS_READ | PMEM_ACCESS_WRITE, direct_copy_in);
	}
	if (status_is_ok(status) && now != t->at)
		status = direct_set_size(t->cli, t->file, t->at);
	return status;
}

ntstatus_t direct_put(struct cli *cli, int fd, const char *path, const char *label, int *local)
{
	struct smb2_create_req q = {
		.desired_access =
			FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES,
		.file_attributes = FILE_ATTRIBUTE_NORMAL,
		.create_disposition = FILE_OVERWRITE_IF,
		.create_options = FILE_NON_DIRECTORY_FILE,
	};
	struct transfer t = {.cli = cli, .copy = {.cli = cli, .fd = fd}};
	struct stat st;
	ntstatus_t status;
	bool known = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);

	*local = 0;
	status = transfer_open(&t, path, &q, PMEM_ACCESS_READ | PMEM_ACCESS_WRITE);
	if (!status_is_ok(status))
		return status;
	t.size = known ? (uint64_t)st.st_size : 0;
	t.copy.progress = &t.progress;
	progress_start(&t.progress, label, t.size, cli->quiet);
	status = put_all(&t, known);
	*local = t.copy.local;
	return transfer_end(&t, status);
}
