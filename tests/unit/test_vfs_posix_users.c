/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs_posix_rig.h"

#include <sys/xattr.h>

/* Identities are switched, which only root can do: the tests are skipped otherwise. */
static struct vfs_cred *alice, *bob;
enum { ALICE = 60001, BOB = 60002, TEAM = 60010 };

static void need_root(void)
{
	if (geteuid() != 0) {
		print_message("skipped: only root can act as other users\n");
		skip();
	}
	gid_t team = TEAM;
	alice = vfs_cred_new(ALICE, ALICE, &team, 1);
	bob = vfs_cred_new(BOB, BOB, NULL, 0);
	assert_int_equal(chmod(share_root, 0777), 0);
}

static void forget_users(void)
{
	vfs_cred_unref(alice);
	vfs_cred_unref(bob);
}

static int open_as(struct vfs_cred *cred, const char *path, unsigned access)
{
	struct vfs_open_how how = {.path = path, .access = access};
	struct vfs_file *f;
	struct vfs_stat st;
	int rc = vfs_open(share, cred, &how, 0, &f, &st);

	if (rc == 0)
		vfs_file_unref(f);
	return rc;
}

static struct vfs_file *create_as(struct vfs_cred *cred, const char *path, bool directory)
{
	struct vfs_open_how how = {.path = path,
		.disposition = VFS_CREATE_NEW,
		.access = VFS_READ | VFS_WRITE,
		.directory = directory,
		.attributes = directory ? 0 : FILE_ATTRIBUTE_ARCHIVE};
	struct vfs_file *f;
	struct vfs_stat st;

	assert_int_equal(vfs_open(share, cred, &how, 0, &f, &st), 0);
	assert_int_equal(st.uid, cred ? cred->uid : 0);
	assert_int_equal(st.gid, cred ? cred->gid : 0);
	return f;
}

static void each_call_acts_as_its_user(void **state)
{
	need_root();
	struct vfs_file *a = create_as(alice, "alice", false), *b = create_as(bob, "bob", false);
	struct vfs_file *r = create_as(NULL, "root", false), *d = create_as(alice, "private", true);

	assert_int_equal(chmod(local("alice"), 0600), 0);
	assert_int_equal(chmod(local("bob"), 0640), 0);
	assert_int_equal(chown(local("bob"), BOB, TEAM), 0);
	assert_int_equal(chmod(local("private"), 0700), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(open_as(alice, "alice", VFS_READ | VFS_WRITE), 0);
		assert_int_equal(open_as(bob, "alice", VFS_READ), -EACCES);
		assert_int_equal(open_as(NULL, "alice", VFS_READ | VFS_WRITE), 0);
		assert_int_equal(open_as(bob, "alice", VFS_NONE), 0);
		assert_int_equal(open_as(alice, "bob", VFS_READ), 0); /* by group */
		assert_int_equal(open_as(alice, "bob", VFS_WRITE), -EACCES);
		assert_int_equal(open_as(bob, "root", VFS_WRITE), -EACCES);
		assert_int_equal(open_as(bob, "private/x", VFS_NONE), -EACCES);
		assert_int_equal(open_as(alice, "private/x", VFS_NONE), -ENOENT);
	}
	vfs_file_unref(a);
	vfs_file_unref(b);
	vfs_file_unref(r);
	vfs_file_unref(d);
	forget_users();
}

static void *act_as_bob(void *arg)
{
	for (int i = 0; i < 500; i++)
		if (open_as(bob, "alice", VFS_READ) != -EACCES || open_as(alice, "alice", VFS_READ) != 0)
			return (void *)1;
	return NULL;
}

static void users_of_different_threads_do_not_mix(void **state)
{
	pthread_t threads[4];
	void *failed;

	need_root();
	vfs_file_unref(create_as(alice, "alice", false));
	assert_int_equal(chmod(local("alice"), 0600), 0);
	/* a thread that is started while its creator acts as somebody else starts from there */
	assert_int_equal(open_as(alice, "alice", VFS_READ), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, act_as_bob, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(open_as(NULL, "alice", VFS_READ), 0);
	forget_users();
}

static void attributes_are_known_to_whoever_may_stat(void **state)
{
	struct vfs_stat st;

	need_root();
	struct vfs_file *f = create_as(alice, "a", false), *root_dir;
	assert_int_equal(chmod(local("a"), 0), 0);
	assert_int_equal(vfs_lookup(share, bob, "a", 0, &st), 0);
	assert_int_equal(st.attributes, FILE_ATTRIBUTE_ARCHIVE);
	assert_int_equal(open_as(bob, "a", VFS_READ), -EACCES); /* and bob is bob again afterwards */
	(void)open_as(bob, "a", VFS_NONE);
	assert_int_equal(stat_of(f).attributes, FILE_ATTRIBUTE_ARCHIVE);
	root_dir = opened("", VFS_READ);
	struct vfs_dir *d;
	struct vfs_dir_entry e;
	assert_int_equal(vfs_dir_open(root_dir, bob, "a*", &d), 0);
	assert_int_equal(vfs_dir_next(d, true, &e), 1);
	assert_int_equal(e.st.attributes, FILE_ATTRIBUTE_ARCHIVE);
	vfs_dir_close(d);
	vfs_file_unref(root_dir);
	vfs_file_unref(f);
	forget_users();
}

static void owner_and_writers_may_set_attributes_and_times(void **state)
{
	struct vfs_times t = {.write_time = 130000000000000000ull, .creation_time = 120000000000000000ull};

	need_root();
	struct vfs_file *f = create_as(alice, "a", false);
	assert_int_equal(chmod(local("a"), 0444), 0);
	assert_int_equal(vfs_set_attributes(f, alice, FILE_ATTRIBUTE_HIDDEN), 0);
	assert_int_equal(vfs_set_times(f, alice, &t), 0);
	assert_int_equal(vfs_set_attributes(f, bob, 0), -EACCES);
	assert_int_equal(vfs_set_times(f, bob, &t), -EACCES);
	assert_int_equal(stat_of(f).attributes, FILE_ATTRIBUTE_HIDDEN);
	assert_int_equal(stat_of(f).write_time, t.write_time);
	assert_int_equal(chmod(local("a"), 0666), 0);
	assert_int_equal(vfs_set_attributes(f, bob, 0), 0);
	assert_int_equal(vfs_set_times(f, bob, &t), 0);
	assert_int_equal(vfs_ea_set(f, bob, "x", BYTES("y", 1)), 0);
	assert_int_equal(chmod(local("a"), 0644), 0);
	assert_int_equal(vfs_ea_set(f, bob, "x", BYTES("y", 1)), -EACCES);
	vfs_file_unref(f);
	forget_users();
}

static uint32_t maximal(struct vfs_file *f, struct vfs_cred *cred)
{
	uint32_t mask;

	assert_int_equal(vfs_maximal_access(f, cred, &mask), 0);
	return mask;
}

static void maximal_access_follows_mode_owner_and_parent(void **state)
{
	uint32_t always = FILE_READ_ATTRIBUTES | ACCESS_READ_CONTROL | ACCESS_SYNCHRONIZE;
	uint32_t reading = FILE_READ_DATA | FILE_READ_EA | FILE_EXECUTE;
	uint32_t writing = FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES |
			   FILE_DELETE_CHILD;
	uint32_t owning = ACCESS_WRITE_DAC | ACCESS_WRITE_OWNER;

	need_root();
	struct vfs_file *d = create_as(alice, "d", true), *f = create_as(alice, "d/a", false);
	assert_int_equal(chmod(local("d/a"), 0640), 0);
	assert_int_equal(maximal(f, alice), always | reading | writing | owning | ACCESS_DELETE);
	assert_int_equal(maximal(f, bob), always);
	assert_int_equal(maximal(f, NULL), FILE_ALL_ACCESS);
	assert_int_equal(chmod(local("d/a"), 0644), 0);
	assert_int_equal(maximal(f, bob), always | reading);
	assert_int_equal(chmod(local("d"), 0777), 0);
	assert_int_equal(maximal(f, bob), always | reading | ACCESS_DELETE);
	assert_int_equal(chmod(local("d"), 01777), 0);
	assert_int_equal(maximal(f, bob), always | reading);
	assert_int_equal(vfs_unlink(f, bob, "d/a"), -EPERM);
	assert_int_equal(
		maximal(d, bob) & (FILE_DELETE_CHILD | FILE_ADD_FILE), FILE_DELETE_CHILD | FILE_ADD_FILE);
	assert_int_equal(vfs_unlink(f, alice, "d/a"), 0);
	vfs_file_unref(f);
	vfs_file_unref(d);
	forget_users();
}

static void maximal_access_honours_access_control_lists(void **state)
{
	/* system.posix_acl_access: version 2; rw- owner, r-- user bob, --- group, r-- mask, --- other */
	uint8_t acl[] = {2, 0, 0, 0, 1, 0, 6, 0, 0xFF, 0xFF, 0xFF, 0xFF, 2, 0, 4, 0, 0, 0, 0, 0, 4, 0, 0, 0,
		0xFF, 0xFF, 0xFF, 0xFF, 0x10, 0, 4, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x20, 0, 0, 0, 0xFF, 0xFF,
		0xFF, 0xFF};

	need_root();
	struct vfs_file *f = create_as(alice, "a", false);
	acl[16] = BOB & 0xFF;
	acl[17] = BOB >> 8;
	if (setxattr(local("a"), "system.posix_acl_access", acl, sizeof(acl), 0) < 0) {
		print_message("skipped: no access control lists here\n");
		skip();
	}
	assert_true(maximal(f, bob) & FILE_READ_DATA);
	assert_false(maximal(f, bob) & FILE_WRITE_DATA);
	assert_int_equal(open_as(bob, "a", VFS_READ), 0);
	vfs_file_unref(f);
	forget_users();
}

static void unreadable_folders_have_exact_names_only(void **state)
{
	need_root();
	struct vfs_file *d = create_as(alice, "d", true);
	vfs_file_unref(create_as(alice, "d/File", false));
	assert_int_equal(chmod(local("d"), 0711), 0);
	assert_int_equal(open_as(bob, "d/File", VFS_READ), 0);
	assert_int_equal(open_as(bob, "d/file", VFS_READ), -ENOENT);
	struct vfs_dir *cursor;
	struct vfs_dir_entry e;
	int rc = vfs_dir_open(d, bob, "F*", &cursor);
	assert_int_equal(rc, 0);
	assert_int_equal(vfs_dir_next(cursor, true, &e), -EACCES);
	vfs_dir_close(cursor);
	vfs_file_unref(d);
	forget_users();
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		CASE(each_call_acts_as_its_user),
		CASE(users_of_different_threads_do_not_mix),
		CASE(attributes_are_known_to_whoever_may_stat),
		CASE(owner_and_writers_may_set_attributes_and_times),
		CASE(maximal_access_follows_mode_owner_and_parent),
		CASE(maximal_access_honours_access_control_lists),
		CASE(unreadable_folders_have_exact_names_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_twice(run_all);
}
