/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs_cases.h"
#include "vfs_posix_rig.h"

#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

static int open_error(const char *path, unsigned access)
{
	struct vfs_file *f;
	struct vfs_stat st;
	int rc = open_path(path, access, &f, &st);

	if (rc == 0)
		vfs_file_unref(f);
	return rc;
}

static void a_root_must_be_a_directory_named_absolutely(void **state)
{
	struct vfs_share *s;

	make_local("file", "");
	assert_int_equal(vfs_share_open("relative", &usual, &s), -EINVAL);
	assert_int_equal(vfs_share_open(local("none"), &usual, &s), -ENOENT);
	assert_int_equal(vfs_share_open(local("file"), &usual, &s), -ENOTDIR);
}

static void symlinks_are_closed_unless_the_share_follows_them(void **state)
{
	struct vfs_open_how itself = {.path = "link", .no_follow = true},
			    with_data = {.path = "link", .no_follow = true, .access = VFS_READ};
	struct vfs_file *f;
	struct vfs_stat st;

	make_local("file", "x");
	assert_int_equal(mkdir(local("d"), 0755), 0);
	assert_int_equal(symlink("file", local("link")), 0);
	assert_int_equal(symlink("d", local("dlink")), 0);
	assert_int_equal(open_error("link", VFS_READ), -EACCES);
	assert_int_equal(open_error("dlink/x", VFS_NONE), -EACCES);
	assert_int_equal(exists("link"), -EACCES);
	assert_int_equal(vfs_open(share, NULL, &itself, 0, &f, &st), 0);
	assert_true(st.attributes & FILE_ATTRIBUTE_REPARSE_POINT);
	assert_int_equal(vfs_reopen(f, NULL, VFS_READ, 0), -EACCES);
	assert_int_equal(vfs_unlink(f, NULL, "link"), 0);
	vfs_file_unref(f);
	assert_int_equal(access(local("file"), F_OK), 0);
	assert_int_equal(symlink("file", local("link")), 0);
	assert_int_equal(vfs_open(share, NULL, &with_data, 0, &f, &st), 0);
	assert_true(S_ISLNK(st.unix_mode));
	vfs_file_unref(f);
	f = opened("", VFS_READ);
	assert_string_equal(listing(f, "*link", true), "");
	assert_string_equal(listing(f, "*link", false), "");
	assert_string_equal(listing(f, "link", true), "");
	vfs_file_unref(f);
}

static void reopen_following(void)
{
	struct vfs_share_options o = usual;

	close_share(share);
	o.follow_symlinks = true;
	share = open_share(&o);
}

static void symlinks_never_lead_out_of_the_share(void **state)
{
	static const char *const targets[] = {
		"/etc/passwd", "../../etc/passwd", "/", "..", "d/../../..", "/proc/self/root/etc/passwd"};
	struct vfs_file *f;
	struct vfs_stat st;

	reopen_following();
	assert_int_equal(mkdir(local("d"), 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		assert_int_equal(symlink(targets[i], local("out")), 0);
		assert_int_equal(open_error("out", VFS_NONE), -EACCES);
		assert_int_equal(open_error("out", VFS_READ), -EACCES);
		assert_int_equal(open_error("OUT", VFS_READ), -EACCES);
		assert_int_equal(open_error("out/passwd", VFS_READ), -EACCES);
		assert_int_equal(create("out", &f, &st), -EEXIST);
		assert_int_not_equal(create("out/new", &f, &st), 0);
		f = opened("", VFS_READ);
		assert_string_equal(listing(f, "*", true), ".|..|d|");
		assert_string_equal(listing(f, "out", true), "");
		vfs_file_unref(f);
		assert_int_equal(unlink(local("out")), 0);
	}
}

static void symlinks_within_the_share_lead_to_files(void **state)
{
	struct vfs_file *f;
	struct vfs_stat st;
	char c;

	reopen_following();
	assert_int_equal(mkdir(local("d"), 0755), 0);
	make_local("d/file", "x");
	assert_int_equal(symlink("d/file", local("link")), 0);
	assert_int_equal(symlink("../d", local("d/up")), 0);
	assert_int_equal(symlink("nothing", local("dangling")), 0);
	assert_int_equal(open_path("link", VFS_READ, &f, &st), 0);
	assert_int_equal(get(f, &c, 1, 0), 1);
	assert_int_equal(vfs_unlink(f, NULL, "link"), 0); /* the name it was opened by */
	assert_int_equal(access(local("d/file"), F_OK), 0);
	vfs_file_unref(f);
	assert_int_equal(open_error("d/up/file", VFS_READ), 0);
	assert_int_equal(open_error("D/UP/FILE", VFS_READ), 0);
	/* what can be neither opened nor created must not look like something to create */
	assert_int_equal(open_error("dangling", VFS_READ), -EACCES);
	assert_int_equal(create("dangling", &f, &st), -EEXIST);
	f = opened("", VFS_READ);
	assert_string_equal(listing(f, "dangling", true), "");
	vfs_file_unref(f);
}

static void special_files_are_refused(void **state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", local("sock"));
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(mkfifo(local("fifo"), 0666), 0);
	for (unsigned access = VFS_NONE; access <= (VFS_READ | VFS_WRITE); access++) {
		assert_int_equal(open_error("fifo", access), -EACCES);
		assert_int_equal(open_error("sock", access), -EACCES);
	}
	close(fd);
}

static void device_nodes_are_refused(void **state)
{
	if (geteuid() != 0 || mknod(local("null"), S_IFCHR | 0666, makedev(1, 3)) < 0) {
		print_message("skipped: only root can make device nodes\n");
		skip();
	}
	assert_int_equal(open_error("null", VFS_READ), -EACCES);
	assert_int_equal(open_error("null", VFS_NONE), -EACCES);
}

static void names_that_are_not_utf8_are_shown_and_found(void **state)
{
	static const char shown[] = "bad\xEE\xBF\xBF\xEE\xBF\x83";
	struct vfs_file *f = opened("", VFS_READ);

	make_local("bad\xFF\xC3", "x");
	assert_string_equal(listing(f, "bad*", true), "bad\xEE\xBF\xBF\xEE\xBF\x83|");
	assert_int_equal(open_error(shown, VFS_READ), 0);
	assert_string_equal(listing(f, shown, true), "bad\xEE\xBF\xBF\xEE\xBF\x83|");
	vfs_file_unref(f);
	f = opened(shown, VFS_NONE);
	assert_int_equal(vfs_unlink(f, NULL, shown), 0);
	assert_int_equal(access(local("bad\xFF\xC3"), F_OK), -1);
	vfs_file_unref(f);
}

static void mapped_names_are_plain_on_disk(void **state)
{
	make_file("a\xEF\x80\xA1"
		  "b\xEF\x80\xA8"); /* a*b and a last space */
	assert_int_equal(access(local("a*b "), F_OK), 0);
	make_local("q?", "");
	assert_int_equal(exists("q\xEF\x80\xA5"), 0);
}

static void dosattrib_is_written_as_samba_does(void **state)
{
	static const uint8_t head[16] = {0, 0, 5, 0, 5, 0, 0, 0, 0x11, 0, 0, 0, 0x22, 0, 0, 0};
	uint8_t value[64], time[8];
	struct vfs_open_how how = {.path = "a",
		.disposition = VFS_CREATE_NEW,
		.attributes = FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_HIDDEN};
	struct vfs_file *f;
	struct vfs_stat st;

	assert_int_equal(vfs_open(share, NULL, &how, 0, &f, &st), 0);
	assert_int_equal(getxattr(local("a"), "user.DOSATTRIB", value, sizeof(value)), 24);
	assert_memory_equal(value, head, sizeof(head));
	for (int i = 0; i < 8; i++)
		time[i] = (uint8_t)(st.creation_time >> 8 * i);
	assert_memory_equal(value + 16, time, 8);
	vfs_file_unref(f);
}

static void a_file_without_dosattrib_has_the_defaults(void **state)
{
	struct vfs_stat st;

	make_local("plain", "");
	make_local(".dot", "");
	assert_int_equal(chmod(local("plain"), 0444), 0);
	assert_int_equal(vfs_lookup(share, NULL, "plain", 0, &st), 0);
	assert_int_equal(st.attributes, FILE_ATTRIBUTE_NORMAL);
	assert_true(st.creation_time != 0 && st.creation_time <= st.change_time);
	assert_int_equal(vfs_lookup(share, NULL, ".dot", 0, &st), 0);
	assert_int_equal(st.attributes, FILE_ATTRIBUTE_HIDDEN);
	make_local("odd", "");
	assert_int_equal(setxattr(local("odd"), "user.DOSATTRIB", "nonsense", 8, 0), 0);
	assert_int_equal(vfs_lookup(share, NULL, "odd", 0, &st), 0);
	assert_int_equal(st.attributes, FILE_ATTRIBUTE_NORMAL);
}

static void a_lookup_that_would_wait_says_so(void **state)
{
	struct vfs_open_how make = {.path = "new", .disposition = VFS_CREATE_NEW}, how = {.path = "none"};
	bool slow = !vfs_share_is_memory_speed(share);
	struct vfs_file *f = NULL;
	struct vfs_stat st;

	assert_int_equal(vfs_open(share, NULL, &make, VFS_NOWAIT, &f, &st), slow ? -EAGAIN : 0);
	assert_int_equal(exists("new"), slow ? -ENOENT : 0);
	vfs_file_unref(f);
	assert_int_equal(vfs_open(share, NULL, &how, VFS_NOWAIT, &f, &st), slow ? -EAGAIN : -ENOENT);
	f = new_file("a");
	assert_int_equal(vfs_truncate(f, 1, VFS_NOWAIT), slow ? -EAGAIN : 0);
	assert_int_equal(vfs_lookup(share, NULL, "a", VFS_NOWAIT, &st), 0); /* it is in the cache now */
	assert_int_equal(vfs_fstat(f, VFS_NOWAIT, &st), 0);
	vfs_file_unref(f);
}

static void cached_data_is_read_without_waiting(void **state)
{
	struct vfs_file *f = new_file("a");
	char out[8];
	struct iovec v = {out, sizeof(out)};

	assert_int_equal(put(f, "cached!!", 8, 0), 8);
	ssize_t n = vfs_pread(f, &v, 1, 0, VFS_NOWAIT);
	assert_true(n == 8 || n == -EAGAIN); /* -EAGAIN: a file system that cannot tell */
	if (n == 8)
		assert_memory_equal(out, "cached!!", 8);
	vfs_file_unref(f);
}

/* A thread swaps a directory for a symlink to the outside while another opens a file beneath it. */
static atomic_bool stop;

static void *swap(void *arg)
{
	char dir[512], link[512], aside[512];

	snprintf(dir, sizeof(dir), "%s", local("swap"));
	snprintf(link, sizeof(link), "%s", local("evil"));
	snprintf(aside, sizeof(aside), "%s", local("aside"));
	while (!stop) {
		if (rename(dir, aside) < 0 || rename(link, dir) < 0 || rename(dir, link) < 0 ||
			rename(aside, dir) < 0)
			return strerror(errno);
	}
	return NULL;
}

static void a_directory_swapped_for_a_symlink_does_not_let_out(void **state)
{
	char outside[] = "/tmp/vfs-outside-XXXXXX", path[512];
	pthread_t thread;
	void *failed;
	unsigned inside = 0, refused = 0;

	reopen_following();
	assert_non_null(mkdtemp(outside));
	snprintf(path, sizeof(path), "%s/file", outside);
	int fd = open(path, O_WRONLY | O_CREAT, 0644);
	assert_int_equal(write(fd, "secret", 6), 6);
	close(fd);
	assert_int_equal(mkdir(local("swap"), 0755), 0);
	make_local("swap/file", "public");
	assert_int_equal(symlink(outside, local("evil")), 0);
	stop = false;
	assert_int_equal(pthread_create(&thread, NULL, swap, NULL), 0);
	for (int i = 0; i < 20000 || inside == 0 || refused == 0; i++) {
		struct vfs_file *f, *made;
		struct vfs_stat st;
		char out[6];
		if (open_path(i % 2 ? "swap/file" : "SWAP/FILE", VFS_READ, &f, &st) != 0) {
			refused++;
			if (i % 16 == 0 && create("swap/new", &made, &st) == 0) {
				(void)vfs_unlink(made, NULL, "swap/new");
				vfs_file_unref(made);
			}
			continue;
		}
		inside++;
		assert_int_equal(get(f, out, 6, 0), 6);
		assert_memory_equal(out, "public", 6);
		vfs_file_unref(f);
	}
	stop = true;
	pthread_join(thread, &failed);
	if (failed)
		fail_msg("swapping: %s", (const char *)failed);
	snprintf(path, sizeof(path), "%s/new", outside);
	assert_int_equal(access(path, F_OK), -1);
	nftw(outside, remove_one, 4, FTW_DEPTH | FTW_PHYS);
}

static void reading_goes_on_while_a_handle_is_reopened(void **state)
{
	char c;

	make_local("a", "x");
	for (int i = 0; i < 100; i++) {
		struct vfs_file *f = opened("a", VFS_READ);
		int fd = vfs_file_fd(f);
		assert_int_equal(vfs_reopen(f, NULL, VFS_WRITE, 0), 0);
		assert_int_equal(vfs_file_fd(f), fd);
		assert_int_equal(get(f, &c, 1, 0), 1);
		vfs_file_unref(f);
	}
}

/* Its argument is where its numbers begin; it comes back as 0. */
static void *fill_folder(void *arg)
{
	unsigned *first = arg, i = *first;
	struct vfs_file *f;
	struct vfs_stat st;
	char name[64];

	for (; i < *first + 200; i++) {
		snprintf(name, sizeof(name), "Folder/File%u", i);
		if (create(name, &f, &st) != 0)
			return NULL;
		snprintf(name, sizeof(name), "FOLDER/FILE%u", i);
		bool ok = exists(name) == 0;
		if (ok && i % 3 == 0)
			ok = vfs_unlink(f, NULL, name) == 0 && exists(name) == -ENOENT;
		vfs_file_unref(f);
		if (!ok)
			return NULL;
	}
	*first = 0;
	return NULL;
}

static void threads_fill_one_folder(void **state)
{
	pthread_t threads[4];
	unsigned first[ARRAY_SIZE(threads)];

	make_directory_at("Folder");
	for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
		first[i] = 1000 * (i + 1);
		assert_int_equal(pthread_create(&threads[i], NULL, fill_folder, &first[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(first[i], 0);
	}
	assert_int_equal(exists("folder/file1001"), 0);
	assert_int_equal(exists("folder/file3000"), -ENOENT);
}

static void a_full_disk_refuses_and_loses_nothing(void **state)
{
	enum { SIZE = 256 << 10 };
	struct vfs_open_how reserved = {
		.path = "small/reserved", .disposition = VFS_CREATE_NEW, .allocation = 4 * SIZE};
	struct vfs_file *f, *g;
	struct vfs_stat st;
	ssize_t n = 0;
	uint64_t end = 0;
	char block[8192], out[8192];

	assert_int_equal(mkdir(local("small"), 0755), 0);
	if (mount("none", local("small"), "tmpfs", 0, "size=256k") < 0) {
		print_message("skipped: only root can mount a small file system\n");
		skip();
	}
	memset(block, 'x', sizeof(block));
	f = new_file("small/a");
	while ((n = put(f, block, sizeof(block), end)) == sizeof(block))
		end += sizeof(block);
	assert_int_equal(n, -ENOSPC);
	assert_in_range(end, SIZE / 2, SIZE);
	assert_int_equal(get(f, out, sizeof(out), end - sizeof(out)), sizeof(out));
	assert_memory_equal(out, block, sizeof(out));
	assert_int_equal(vfs_open(share, NULL, &reserved, 0, &g, &st), -ENOSPC);
	assert_int_equal(exists("small/reserved"), -ENOENT);
	assert_int_equal(vfs_set_allocation(f, 4 * SIZE, 0), -ENOSPC);
	assert_int_equal(vfs_truncate(f, sizeof(block), 0), 0);
	assert_int_equal(put(f, block, sizeof(block), sizeof(block)), sizeof(block));
	/* another device: its inode numbers may be the same, ids must not */
	assert_int_not_equal(stat_of(f).dev, stat_of(g = opened("", VFS_NONE)).dev);
	assert_int_not_equal(stat_of(f).file_id, stat_of(f).ino);
	assert_int_equal(stat_of(g).file_id, stat_of(g).ino);
	assert_int_equal(vfs_rename(f, NULL, "small/a", "a", false), -EXDEV);
	vfs_file_unref(f);
	vfs_file_unref(g);
	assert_int_equal(umount2(local("small"), MNT_DETACH), 0);
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		VFS_CASES,
		CASE(a_root_must_be_a_directory_named_absolutely),
		CASE(symlinks_are_closed_unless_the_share_follows_them),
		CASE(symlinks_never_lead_out_of_the_share),
		CASE(symlinks_within_the_share_lead_to_files),
		CASE(special_files_are_refused),
		CASE(device_nodes_are_refused),
		CASE(names_that_are_not_utf8_are_shown_and_found),
		CASE(mapped_names_are_plain_on_disk),
		CASE(dosattrib_is_written_as_samba_does),
		CASE(a_file_without_dosattrib_has_the_defaults),
		CASE(a_lookup_that_would_wait_says_so),
		CASE(cached_data_is_read_without_waiting),
		CASE(a_directory_swapped_for_a_symlink_does_not_let_out),
		CASE(reading_goes_on_while_a_handle_is_reopened),
		CASE(threads_fill_one_folder),
		CASE(a_full_disk_refuses_and_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_twice(run_all);
}
