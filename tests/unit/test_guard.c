/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "guard_rig.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

/* Which guard is to be had where, and what all kinds have in common. */

static char why[400];

static int open_guard(const char *root, enum vfs_guard_kind wanted, struct vfs_guard **out)
{
	memset(why, '?', sizeof(why) - 1);
	*out = NULL;
	return vfs_guard_open(root, wanted, out, why, sizeof(why));
}

static int setup(void **state)
{
	make_folder("guard");
	return 0;
}

static int teardown(void **state)
{
	vfs_guards_stop();
	remove_folder();
	return 0;
}

static void exclusive_is_to_be_had_everywhere(void **state)
{
	struct vfs_guard *g;

	assert_int_equal(open_guard("/proc", VFS_GUARD_EXCLUSIVE, &g), 0);
	assert_string_equal(vfs_guard_name(g), "exclusive");
	assert_string_equal(why, "");
	vfs_guard_unref(g);
}

static void kind_that_is_not_to_be_had_is_refused_with_the_reason(void **state)
{
	static const enum vfs_guard_kind kinds[] = {VFS_GUARD_FANOTIFY, VFS_GUARD_LEASE};
	struct vfs_guard *g;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		assert_int_equal(open_guard("/proc", kinds[i], &g), -EOPNOTSUPP);
		assert_null(g);
		if (!strstr(why, "/proc: ") && !strstr(why, "needed"))
			fail_msg("the reason is: %s", why);
	}
}

/* That nobody else comes is for the administrator to say. */
static void exclusive_is_never_chosen(void **state)
{
	struct vfs_guard *g;

	assert_int_equal(open_guard("/proc", VFS_GUARD_AUTO, &g), -EOPNOTSUPP);
	assert_non_null(strstr(why, "fanotify: "));
	assert_non_null(strstr(why, "lease: "));
}

static void folder_that_is_missing_is_refused(void **state)
{
	struct vfs_guard *g;

	assert_int_equal(open_guard("/nonexistent/folder", VFS_GUARD_AUTO, &g), -EOPNOTSUPP);
	assert_non_null(strstr(why, strerror(ENOENT)));
}

static void strongest_is_chosen(void **state)
{
	struct vfs_guard *events, *lease, *g;
	int has_events = open_guard(folder, VFS_GUARD_FANOTIFY, &events);

	if (has_events < 0)
		print_message("fanotify is not to be had here: %s\n", why);
	int has_lease = open_guard(folder, VFS_GUARD_LEASE, &lease);
	int rc = open_guard(folder, VFS_GUARD_AUTO, &g);
	assert_int_equal(rc, has_events == 0 ? 0 : has_lease);
	if (rc == 0)
		assert_string_equal(vfs_guard_name(g), has_events == 0 ? "fanotify" : "lease");
	vfs_guard_unref(g);
	vfs_guard_unref(events);
	vfs_guard_unref(lease);
}

static void lease_is_chosen_where_there_are_no_events(void **state)
{
	enum { TMPFS_MAGIC = 0x01021994 };
	struct statfs fs;
	struct vfs_guard *g;

	if (statfs("/dev/shm", &fs) < 0 || fs.f_type != TMPFS_MAGIC || access("/dev/shm", W_OK) < 0) {
		print_message("SKIPPED: /dev/shm is no tmpfs\n");
		skip();
	}
	assert_int_equal(open_guard("/dev/shm", VFS_GUARD_FANOTIFY, &g), -EOPNOTSUPP);
	assert_int_equal(open_guard("/dev/shm", VFS_GUARD_AUTO, &g), 0);
	assert_string_equal(vfs_guard_name(g), "lease");
	vfs_guard_unref(g);
}

/* ---- privileges ---- */

static void drop_capability(unsigned cap)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &h, d) < 0)
		_exit(10);
	d[CAP_TO_INDEX(cap)].effective &= ~CAP_TO_MASK(cap);
	if (syscall(SYS_capset, &h, d) < 0)
		_exit(11);
}

static void release_at_once(void *arg, uint64_t offset, uint64_t length, uint64_t token)
{
	vfs_guard_release(token);
}

/* How often another process that truncates a guarded file was held: 1, if all is well. */
static int hold_once(struct vfs_guard *g)
{
	static const struct vfs_guard_events letting = {release_at_once, on_lost, NULL};
	struct vfs_guard_facts f;
	struct vfs_guarded *r;
	char path[200];
	int status = -1;

	snprintf(path, sizeof(path), "%s/held", folder);
	close(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	pid_t pid = fork();
	if (pid == 0) {
		raise(SIGSTOP);
		_exit(truncate(path, 0) == 0 ? 0 : 1);
	}
	if (waitpid(pid, NULL, WUNTRACED) != pid)
		return -1;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int rc = vfs_guard_add(g, fd, 0, 1, VFS_READ, &letting, NULL, &r);
	if (rc == 0)
		vfs_guard_arm(r);
	kill(pid, SIGCONT);
	if (waitpid(pid, &status, 0) != pid || status != 0 || rc < 0)
		return -2;
	vfs_guard_facts(g, &f);
	vfs_guard_remove(r);
	vfs_guards_stop();
	return (int)f.held_total;
}

/*
 * In a process of its own: what fanotify says without the capability. The exit status is 0 if that has the
 * word; without a word, if it holds a change.
 */
static int try_without(unsigned cap, bool prepared, const char *word)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		struct vfs_guard *g;
		if (prepared)
			vfs_guard_prepare();
		drop_capability(cap);
		int rc = open_guard(folder, VFS_GUARD_FANOTIFY, &g);
		if (!word)
			_exit(rc == 0 && hold_once(g) == 1 ? 0 : 1);
		_exit(rc == -EOPNOTSUPP && strstr(why, word) ? 0 : 1);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void lack_of_privilege_is_named(void **state)
{
	struct vfs_guard *g;

	if (open_guard(folder, VFS_GUARD_FANOTIFY, &g) < 0) {
		print_message("SKIPPED: no fanotify guard here: %s\n", why);
		skip();
	}
	vfs_guard_unref(g);
	vfs_guards_stop();
	assert_int_equal(try_without(CAP_SYS_ADMIN, false, "CAP_SYS_ADMIN"), 0);
	assert_int_equal(try_without(CAP_SYS_PTRACE, false, "CAP_SYS_PTRACE"), 0);
	assert_int_equal(try_without(CAP_SYS_ADMIN, true, NULL), 0);
}

/* ---- ranges ---- */

static void odd_ranges_and_files_are_refused(void **state)
{
	static const struct {
		uint64_t offset, len;
	} odd[] = {{0, 0}, {INT64_MAX, 1}, {1, INT64_MAX}, {UINT64_MAX, 1}, {0, UINT64_MAX}};
	struct owner o = {0};
	struct vfs_guarded *r;
	struct vfs_guard *g;
	char path[200];

	make_file("file", path, sizeof(path));
	int fd = open(path, O_RDWR | O_CLOEXEC), dir = open(folder, O_RDONLY | O_CLOEXEC);
	assert_int_equal(open_guard(folder, VFS_GUARD_EXCLUSIVE, &g), 0);
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
		assert_int_equal(
			vfs_guard_add(g, fd, odd[i].offset, odd[i].len, VFS_READ, &owner_events, &o, &r),
			-EINVAL);
	assert_int_equal(vfs_guard_add(g, dir, 0, 1, VFS_READ, &owner_events, &o, &r), -EINVAL);
	assert_int_equal(vfs_guard_add(g, -1, 0, 1, VFS_READ, &owner_events, &o, &r), -EBADF);
	close(fd);
	close(dir);
	vfs_guard_unref(g);
}

static void exclusive_holds_nothing_and_counts_its_ranges(void **state)
{
	struct helper h = helper_start();
	struct owner o = {0};
	struct vfs_guarded *r[3];
	struct vfs_guard_facts f;
	struct vfs_guard *g;
	char path[200];

	make_file("file", path, sizeof(path));
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(open_guard(folder, VFS_GUARD_EXCLUSIVE, &g), 0);
	for (size_t i = 0; i < ARRAY_SIZE(r); i++) {
		assert_int_equal(vfs_guard_add(g, fd, 0, PAGE, VFS_READ, &owner_events, &o, &r[i]), 0);
		vfs_guard_arm(r[i]);
	}
	vfs_guard_facts(g, &f);
	assert_int_equal(f.ranges, 3);
	assert_int_equal(helper_do(&h, ACT_TRUNCATE, path, 0, 0), 0);
	vfs_guard_release(12345); /* no such token */
	vfs_guard_remove(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(r); i++)
		vfs_guard_remove(r[i]);
	vfs_guard_facts(g, &f);
	assert_int_equal(f.ranges, 0);
	assert_int_equal(f.held_total, 0);
	assert_int_equal(f.lost, 0);
	assert_int_equal(o.n, 0);
	vfs_guard_unref(g);
	close(fd);
	helper_end(&h);
}

static void stop_tells_ranges_that_are_left(void **state)
{
	struct owner o = {0};
	struct vfs_guarded *r;
	struct vfs_guard *g;
	char path[200];

	make_file("file", path, sizeof(path));
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(open_guard(folder, VFS_GUARD_EXCLUSIVE, &g), 0);
	assert_int_equal(vfs_guard_add(g, fd, 0, PAGE, VFS_READ, &owner_events, &o, &r), 0);
	vfs_guard_arm(r);
	vfs_guard_unref(g); /* the range has it still */
	vfs_guards_stop();
	vfs_guards_stop();
	assert_int_equal(o.lost, 1);
	assert_string_equal(o.reason, "the server stops");
	vfs_guard_remove(r);
	close(fd);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(exclusive_is_to_be_had_everywhere),
		CASE(kind_that_is_not_to_be_had_is_refused_with_the_reason),
		CASE(exclusive_is_never_chosen),
		CASE(folder_that_is_missing_is_refused),
		CASE(strongest_is_chosen),
		CASE(lease_is_chosen_where_there_are_no_events),
		CASE(lack_of_privilege_is_named),
		CASE(odd_ranges_and_files_are_refused),
		CASE(exclusive_holds_nothing_and_counts_its_ranges),
		CASE(stop_tells_ranges_that_are_left),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
