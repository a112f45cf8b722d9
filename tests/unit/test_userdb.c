/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "auth/userdb.h"

#include "auth_hex.h"
#include "core/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* As pdbedit of Samba 4.17 writes them. */
#define SAMBA_ALICE \
	"alice:1000:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:A4F49C406510BDCAB6824EE7C30FD852:[U          " \
	"]:LCT-65A1B2C3:\n"
#define SAMBA_BOB \
	"bob:1001:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:8846F7EAEE8FB117AD06BDD830B7586C:[DU         " \
	"]:LCT-00000000:\n"
#define SAMBA_NOPASS \
	"guest:65534:NO PASSWORDXXXXXXXXXXXXXXXXXXXXX:NO PASSWORDXXXXXXXXXXXXXXXXXXXXX:[NU         " \
	"]:LCT-00000000:\n"

static char folder[64], path[128];

static int make_folder(void **state)
{
	strcpy(folder, "/tmp/userdb-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/smbpasswd", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char name[512];
	DIR *d = opendir(folder);

	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		snprintf(name, sizeof(name), "%s/%s", folder, e->d_name);
		unlink(name);
	}
	closedir(d);
	return rmdir(folder);
}

static int count_files(void)
{
	int n = 0;
	DIR *d = opendir(folder);

	for (struct dirent *e = readdir(d); e; e = readdir(d))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void write_file(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void assert_file(const char *want)
{
	char got[4096] = "";
	int fd = open(path, O_RDONLY);

	assert_true(read(fd, got, sizeof(got) - 1) >= 0);
	close(fd);
	assert_string_equal(got, want);
}

static void nt_hash_is_md4_of_utf16(void **state)
{
	uint8_t h[16], other[16];

	nt_hash("Password", h);
	assert_memory_equal(h, hex("a4f49c406510bdcab6824ee7c30fd852").data, 16);
	nt_hash("", h);
	assert_memory_equal(h, hex("31d6cfe0d16ae931b73c59d7e0c089c0").data, 16);
	nt_hash("\xff\xfe", h); /* no text: a hash that nobody's password has, and never the same */
	nt_hash("\xff\xfe", other);
	assert_memory_not_equal(h, other, 16);
}

static void entries_that_samba_wrote_are_read(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct userdb_entry e;

	write_file(SAMBA_ALICE SAMBA_BOB SAMBA_NOPASS);
	assert_int_equal(userdb_find(mem, path, "alice", &e), 0);
	assert_string_equal(e.name, "alice");
	assert_int_equal(e.uid, 1000);
	assert_memory_equal(e.nt_hash, hex("A4F49C406510BDCAB6824EE7C30FD852").data, 16);
	assert_true(e.has_password && !e.disabled && !e.no_password_required);
	assert_int_equal(e.last_change, 0x65A1B2C3);
	assert_int_equal(userdb_find(mem, path, "BOB", &e), 0);
	assert_string_equal(e.name, "bob");
	assert_true(e.disabled);
	assert_int_equal(userdb_find(mem, path, "guest", &e), 0);
	assert_true(!e.has_password && e.no_password_required);
	assert_int_equal(userdb_find(mem, path, "carol", &e), -ENOENT);
	talloc_free(mem);
}

static void first_of_two_entries_of_a_name_counts(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct userdb_entry e;

	write_file(SAMBA_ALICE
		"ALICE:7:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:8846F7EAEE8FB117AD06BDD830B7586C:[U]:\n");
	assert_int_equal(userdb_find(mem, path, "Alice", &e), 0);
	assert_int_equal(e.uid, 1000);
	talloc_free(mem);
}

static void lines_without_flags_or_line_end_are_read(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct userdb_entry e;

	write_file("old:5:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:8846F7EAEE8FB117AD06BDD830B7586C:\r\n"
		   "last:6:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:8846f7eaee8fb117ad06bdd830b7586c");
	assert_int_equal(userdb_find(mem, path, "old", &e), 0);
	assert_true(e.has_password);
	assert_int_equal(userdb_find(mem, path, "last", &e), 0);
	assert_memory_equal(e.nt_hash, hex("8846F7EAEE8FB117AD06BDD830B7586C").data, 16);
	talloc_free(mem);
}

static int count_entry(void *arg, const struct userdb_entry *e)
{
	return ++*(int *)arg == 100 ? 7 : 0;
}

static void malformed_lines_are_passed_over(void **state)
{
	int n = 0;

	write_file("# comment\n\n:\n::::\nx\nname\nname:\nname:x:XX:YY:[U]:\n"
		   "name:99999999999:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:8846F7EAEE8FB117AD06BDD830B7586C:[U]:\n"
		   "name:1:short:8846F7EAEE8FB117AD06BDD830B7586C:[U]:\n" SAMBA_ALICE);
	assert_int_equal(userdb_list(path, count_entry, &n), 0);
	assert_int_equal(n, 1);
}

static void missing_file_has_no_users(void **state)
{
	struct userdb_entry e;
	int n = 0;

	assert_int_equal(userdb_find(NULL, path, "alice", &e), -ENOENT);
	assert_int_equal(userdb_list(path, count_entry, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(userdb_delete(path, "alice"), -ENOENT);
	assert_int_equal(userdb_set(path, "alice", 1, "x", true), -ENOENT);
	assert_int_equal(count_files(), 0);
}

static void folder_in_place_of_the_file_is_an_error(void **state)
{
	struct userdb_entry e;

	assert_true(userdb_find(NULL, folder, "alice", &e) < 0);
	assert_int_not_equal(userdb_find(NULL, folder, "alice", &e), -ENOENT);
}

static void added_user_is_found_and_the_file_is_private(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct userdb_entry e;
	struct stat st;
	uint8_t want[16];

	assert_int_equal(userdb_set(path, "alice", 1000, "secret", false), 0);
	assert_int_equal(userdb_find(mem, path, "alice", &e), 0);
	nt_hash("secret", want);
	assert_memory_equal(e.nt_hash, want, 16);
	assert_true(e.has_password && !e.disabled);
	assert_true(e.last_change <= time(NULL) && e.last_change > time(NULL) - 100);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(count_files(), 1);
	talloc_free(mem);
}

static void user_that_is_there_is_not_added_again(void **state)
{
	write_file(SAMBA_ALICE);
	assert_int_equal(userdb_set(path, "Alice", 5, "x", false), -EEXIST);
	assert_file(SAMBA_ALICE);
	assert_int_equal(count_files(), 1);
}

static void replacing_keeps_uid_spelling_and_lock(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct userdb_entry e;
	uint8_t want[16];

	write_file(SAMBA_BOB);
	assert_int_equal(userdb_set(path, "BOB", 77, "new", true), 0);
	assert_int_equal(userdb_find(mem, path, "bob", &e), 0);
	assert_string_equal(e.name, "bob");
	assert_int_equal(e.uid, 1001);
	assert_true(e.disabled);
	nt_hash("new", want);
	assert_memory_equal(e.nt_hash, want, 16);
	assert_int_equal(userdb_set(path, "carol", 1, "x", true), -ENOENT);
	talloc_free(mem);
}

static void disabling_writes_the_line_as_samba_reads_it(void **state)
{
	write_file(SAMBA_ALICE);
	assert_int_equal(userdb_disable(path, "alice", true), 0);
	assert_file("alice:1000:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:A4F49C406510BDCAB6824EE7C30FD852:[UD        "
		    " ]:LCT-65A1B2C3:\n");
	assert_int_equal(userdb_disable(path, "alice", false), 0);
	assert_file(SAMBA_ALICE);
}

static void user_without_password_stays_without_until_one_is_set(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct userdb_entry e;

	write_file(SAMBA_NOPASS);
	assert_int_equal(userdb_disable(path, "guest", true), 0);
	assert_int_equal(userdb_find(mem, path, "guest", &e), 0);
	assert_true(!e.has_password && e.no_password_required && e.disabled);
	assert_int_equal(userdb_set(path, "guest", 0, "now", true), 0);
	assert_int_equal(userdb_find(mem, path, "guest", &e), 0);
	assert_true(e.has_password && !e.no_password_required);
	talloc_free(mem);
}

static void changes_leave_other_lines_as_they_are(void **state)
{
	write_file("# made by hand\n\n" SAMBA_ALICE "what is this\nmachine$:9:odd\r\n" SAMBA_BOB "tail");
	assert_int_equal(userdb_delete(path, "alice"), 0);
	assert_file("# made by hand\n\nwhat is this\nmachine$:9:odd\r\n" SAMBA_BOB "tail\n");
	assert_int_equal(userdb_delete(path, "alice"), -ENOENT);
	assert_int_equal(userdb_delete(path, "bob"), 0);
	assert_file("# made by hand\n\nwhat is this\nmachine$:9:odd\r\ntail\n");
	assert_int_equal(count_files(), 1);
}

static void names_and_passwords_that_cannot_be_written_are_refused(void **state)
{
	static const char *const names[] = {"", "a:b", "a\nb", "#a", "\xff", "a\x7f"};
	char longest[257];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(userdb_set(path, names[i], 1, "x", false), -EINVAL);
	memset(longest, 'a', 256);
	longest[256] = 0;
	assert_int_equal(userdb_set(path, longest, 1, "x", false), -EINVAL);
	longest[255] = 0;
	assert_int_equal(userdb_set(path, longest, UINT32_MAX, "x", false), 0);
	assert_int_equal(userdb_set(path, "a", 1, "\xff", false), -EILSEQ);
	assert_int_equal(userdb_disable(path, longest, true), 0);
}

static void symbolic_link_stays_and_its_target_is_replaced(void **state)
{
	char link[160];
	struct stat st;

	write_file(SAMBA_ALICE);
	snprintf(link, sizeof(link), "%s/link", folder);
	assert_int_equal(symlink("smbpasswd", link), 0);
	assert_int_equal(userdb_delete(link, "alice"), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_file("");
}

static void concurrent_writers_lose_nothing(void **state)
{
	enum { WRITERS = 4, USERS = 15 };
	pid_t pids[WRITERS];
	int n = 0;

	for (int w = 0; w < WRITERS; w++) {
		pids[w] = fork();
		if (pids[w] != 0)
			continue;
		for (int u = 0; u < USERS; u++) {
			char name[32];
			snprintf(name, sizeof(name), "user-%d-%d", w, u);
			if (userdb_set(path, name, 1, "x", false) < 0)
				_exit(1);
		}
		_exit(0);
	}
	for (int w = 0; w < WRITERS; w++) {
		int status;
		assert_int_equal(waitpid(pids[w], &status, 0), pids[w]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(userdb_list(path, count_entry, &n), 0);
	assert_int_equal(n, WRITERS * USERS);
	assert_int_equal(count_files(), 1);
}

static void walk_ends_with_what_the_callback_says(void **state)
{
	int n = 99;

	write_file(SAMBA_ALICE SAMBA_BOB);
	assert_int_equal(userdb_list(path, count_entry, &n), 7);
	assert_int_equal(n, 100);
}

static void file_open_to_others_is_warned_of_but_read(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct userdb_entry e;
	char log[160], text[512] = "";
	int saved = log_threshold[LOGC_auth];

	write_file(SAMBA_ALICE);
	assert_int_equal(chmod(path, 0644), 0);
	snprintf(log, sizeof(log), "%s/log", folder);
	assert_int_equal(log_open(log), 0);
	log_threshold[LOGC_auth] = LOGL_WARNING;
	assert_int_equal(userdb_find(mem, path, "alice", &e), 0);
	log_threshold[LOGC_auth] = saved;
	int fd = open(log, O_RDONLY);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	assert_non_null(strstr(text, "chmod 600"));
	talloc_free(mem);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nt_hash_is_md4_of_utf16),
		TEST(entries_that_samba_wrote_are_read),
		TEST(first_of_two_entries_of_a_name_counts),
		TEST(lines_without_flags_or_line_end_are_read),
		TEST(malformed_lines_are_passed_over),
		TEST(missing_file_has_no_users),
		TEST(folder_in_place_of_the_file_is_an_error),
		TEST(added_user_is_found_and_the_file_is_private),
		TEST(user_that_is_there_is_not_added_again),
		TEST(replacing_keeps_uid_spelling_and_lock),
		TEST(disabling_writes_the_line_as_samba_reads_it),
		TEST(user_without_password_stays_without_until_one_is_set),
		TEST(changes_leave_other_lines_as_they_are),
		TEST(names_and_passwords_that_cannot_be_written_are_refused),
		TEST(symbolic_link_stays_and_its_target_is_replaced),
		TEST(concurrent_writers_lose_nothing),
		TEST(walk_ends_with_what_the_callback_says),
		TEST(file_open_to_others_is_warned_of_but_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
