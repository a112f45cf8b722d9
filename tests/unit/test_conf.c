/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct conf *parse(const char *text)
{
	const char *error;
	struct conf *c = conf_parse(NULL, text, strlen(text), "test.conf", &error);

	assert_non_null(c);
	return c;
}

static const struct conf_message *find_message(
	const struct conf *c, enum conf_severity severity, const char *part)
{
	const struct conf_message *m;
	size_t n = conf_messages(c, &m);

	for (size_t i = 0; i < n; i++)
		if (m[i].severity == severity && strstr(m[i].text, part))
			return &m[i];
	return NULL;
}

static void assert_said(const char *text, enum conf_severity severity, const char *part)
{
	struct conf *c = parse(text);

	if (!find_message(c, severity, part))
		fail_msg("nothing says \"%s\" about %s", part, text);
	assert_true(conf_has_errors(c) == (severity == CONF_ERROR));
	talloc_free(c);
}

static void assert_silent(const char *text)
{
	struct conf *c = parse(text);
	const struct conf_message *m;
	size_t n = conf_messages(c, &m);

	if (n)
		fail_msg("%s: %s", m[0].parameter ? m[0].parameter : "", m[0].text);
	talloc_free(c);
}

static void an_empty_file_has_the_defaults(void **state)
{
	struct conf *c = parse("");
	const struct conf_section *g = conf_global(c);

	assert_int_equal(conf_share_count(c), 0);
	assert_null(conf_homes(c));
	assert_string_equal(conf_str(g, P_WORKGROUP), "WORKGROUP");
	assert_true(strlen(conf_str(g, P_NETBIOS_NAME)) > 0);
	assert_true(conf_bool(g, P_READ_ONLY));
	assert_int_equal(conf_int(g, P_CREATE_MASK), 0744);
	assert_int_equal(conf_int(g, P_SERVER_MIN_PROTOCOL), 0x0202);
	assert_int_equal(conf_int(g, P_SERVER_MAX_PROTOCOL), 0x0311);
	assert_int_equal(conf_int(g, P_SMB_ENCRYPT), CONF_ENCRYPT_IF_REQUIRED);
	assert_int_equal(conf_int(g, P_CONNECTION_MEMORY), 128 << 20);
	assert_string_equal(conf_list(g, P_SMB_PORTS)[0], "445");
	assert_null(conf_list(g, P_SMB_PORTS)[1]);
	assert_null(conf_list(g, P_VALID_USERS)[0]);
	assert_false(conf_has_errors(c));
	talloc_free(c);
}

static void every_default_is_silent_when_written_down(void **state)
{
	struct conf *c = parse("");
	char *text = talloc_strdup(c, "[global]\n");

	for (unsigned p = 0; p < P_COUNT; p++)
		if (conf_is_honoured(p) && p != P_INCLUDE && p != P_COPY) {
			char *value = conf_show(c, conf_global(c), p);
			text = talloc_asprintf_append(text, "%s = %s\n", conf_param_name(p), value);
		}
	assert_silent(text);
	talloc_free(c);
}

static void names_have_no_case_and_no_blanks(void **state)
{
	struct conf *c =
		parse("[Global]\nWORK GROUP = A\n[s]\npath=/a\nReadOnly = No\nforce  Create\tmode = 0660\n");

	assert_string_equal(conf_str(conf_global(c), P_WORKGROUP), "A");
	assert_false(conf_bool(conf_share(c, 0), P_READ_ONLY));
	assert_int_equal(conf_int(conf_share(c, 0), P_FORCE_CREATE_MODE), 0660);
	talloc_free(c);
}

static void synonyms_stand_for_their_parameter(void **state)
{
	struct conf *c = parse(
		"[a]\npath=/a\nwritable=yes\npublic=yes\n[b]\ndirectory=/b\nwriteable=no\nbrowsable=no\n");

	assert_false(conf_bool(conf_share(c, 0), P_READ_ONLY));
	assert_true(conf_bool(conf_share(c, 0), P_GUEST_OK));
	assert_string_equal(conf_str(conf_share(c, 1), P_PATH), "/b");
	assert_true(conf_bool(conf_share(c, 1), P_READ_ONLY));
	assert_false(conf_bool(conf_share(c, 1), P_BROWSEABLE));
	talloc_free(c);
	assert_said("[a]\npath=/a\nwritable = maybe\n", CONF_ERROR, "expected yes or no");
}

static void shares_take_what_global_says(void **state)
{
	struct conf *c = parse(
		"[global]\nread only = no\ncreate mask = 0600\n[a]\npath=/a\n[b]\npath=/b\nread only=yes\n");

	assert_false(conf_bool(conf_find_share(c, "A"), P_READ_ONLY));
	assert_true(conf_bool(conf_find_share(c, "b"), P_READ_ONLY));
	assert_int_equal(conf_int(conf_find_share(c, "b"), P_CREATE_MASK), 0600);
	assert_true(conf_is_set(conf_find_share(c, "b"), P_READ_ONLY));
	assert_false(conf_is_set(conf_find_share(c, "a"), P_READ_ONLY));
	assert_null(conf_find_share(c, "global"));
	talloc_free(c);
}

static void a_section_is_found_by_name_homes_too(void **state)
{
	struct conf *c = parse("[homes]\nread only = no\n[a]\npath=/a\n"), *none = parse("[a]\npath=/a\n");

	assert_ptr_equal(conf_find_section(c, "HOMES"), conf_homes(c));
	assert_ptr_equal(conf_find_section(c, "A"), conf_share(c, 0));
	assert_null(conf_find_section(c, "global"));
	assert_null(conf_find_section(none, "homes"));
	talloc_free(c);
	talloc_free(none);
}

static void a_section_may_come_again(void **state)
{
	struct conf *c = parse("[a]\npath=/a\n[b]\npath=/b\n[A]\nread only=no\n");

	assert_int_equal(conf_share_count(c), 2);
	assert_false(conf_bool(conf_share(c, 0), P_READ_ONLY));
	talloc_free(c);
}

static void lines_go_on_after_a_backslash_and_comments_do_not(void **state)
{
	struct conf *c = parse(
		"# first \\\nworkgroup = W\n; second\n[a]\r\npath = /a\\\r\nb\\\n/c\ncomment = x # y\n");

	assert_string_equal(conf_str(conf_global(c), P_WORKGROUP), "W");
	assert_string_equal(conf_str(conf_share(c, 0), P_PATH), "/ab/c");
	assert_string_equal(conf_str(conf_share(c, 0), P_COMMENT), "x # y");
	talloc_free(c);
}

static void messages_name_the_line_after_a_continuation(void **state)
{
	struct conf *c = parse("[a]\npath=\\\n/a\nread only = perhaps\n");
	const struct conf_message *m = find_message(c, CONF_ERROR, "expected yes or no, not \"perhaps\"");

	assert_non_null(m);
	assert_string_equal(m->file, "test.conf");
	assert_int_equal(m->line, 4);
	assert_string_equal(m->parameter, "read only");
	talloc_free(c);
}

static void lists_split_at_blanks_and_commas_outside_quotes(void **state)
{
	struct conf *c = parse("[a]\npath=/a\nvalid users = ann, \"Bob B\"\t@staff,,+\"big group\"\n");
	const char *const *l = conf_list(conf_share(c, 0), P_VALID_USERS);

	assert_string_equal(l[0], "ann");
	assert_string_equal(l[1], "Bob B");
	assert_string_equal(l[2], "@staff");
	assert_string_equal(l[3], "+big group");
	assert_null(l[4]);
	talloc_free(c);
}

static void slashed_lists_keep_blanks_and_may_be_quoted(void **state)
{
	struct conf *c = parse("[a]\npath=\"/a b\"\nveto files = \"/My Files/*.tmp/\"\n");
	const char *const *l = conf_list(conf_share(c, 0), P_VETO_FILES);

	assert_string_equal(l[0], "My Files");
	assert_string_equal(l[1], "*.tmp");
	assert_null(l[2]);
	assert_string_equal(conf_str(conf_share(c, 0), P_PATH), "/a b");
	talloc_free(c);
}

static void sizes_take_suffixes_and_have_bounds(void **state)
{
	struct conf *c = parse("smb2 max read = 1M\nsmb2 max write = 64kb\nmax connection memory = 2G\n");

	assert_int_equal(conf_int(conf_global(c), P_SMB2_MAX_READ), 1 << 20);
	assert_int_equal(conf_int(conf_global(c), P_SMB2_MAX_WRITE), 1 << 16);
	assert_int_equal(conf_int(conf_global(c), P_CONNECTION_MEMORY), 2ll << 30);
	talloc_free(c);
	assert_said("smb2 max read = 16M\n", CONF_ERROR, "expected a size from 65536 to 8388608");
	assert_said("smb2 max read = 9999999999999999999G\n", CONF_ERROR, "expected a size");
	assert_said("smb2 max credits = 0\n", CONF_ERROR, "expected a whole number from 1 to 8192");
	assert_said("deadtime = -1\n", CONF_ERROR, "expected a whole number");
	assert_said("create mask = 0788\n", CONF_ERROR, "expected an octal mode");
	assert_said("create mask = 77777\n", CONF_ERROR, "expected an octal mode");
}

static void unknown_names_get_a_warning_with_the_nearest_one(void **state)
{
	assert_said("[a]\npath=/a\nvalid user = ann\n", CONF_WARNING, "did you mean \"valid users\"?");
	assert_said("[a]\npath=/a\nbrowseble = no\n", CONF_WARNING, "did you mean \"browseable\"?");
	assert_said("something quite different = 1\n", CONF_WARNING, "unknown parameter");
}

static void harmless_parameters_are_named_as_ignored(void **state)
{
	assert_said("load printers = no\n", CONF_NOTE, "ignored: Printing");
	assert_said("winbind nested groups = yes\n", CONF_NOTE, "ignored: Users are Unix accounts");
	assert_said("socket options = TCP_NODELAY\n", CONF_NOTE, "ignored");
	assert_said("[a]\npath=/a\nfruit:metadata = stream\n", CONF_NOTE, "ignored");
	assert_said("[a]\npath=/a\nvfs objects = catia fruit streams_xattr\n", CONF_NOTE, "fruit is ignored");
}

static void what_cannot_be_protected_is_an_error(void **state)
{
	assert_said("security = ads\n", CONF_ERROR, "no log-on through a domain");
	assert_said("server role = member server\n", CONF_ERROR, "only a standalone server");
	assert_said("passdb backend = ldapsam:ldap://x\n", CONF_ERROR, "expected smbpasswd");
	assert_said("root directory = /jail\n", CONF_ERROR, "not supported");
	assert_said("ntlm auth = disabled\n", CONF_ERROR, "no log-on without NTLM");
	assert_said("username map script = /bin/x\n", CONF_ERROR, "runs no programs");
	assert_said("[a]\npath=/a\nroot preexec close = yes\n", CONF_ERROR, "not supported");
	assert_said("[a]\npath=/a\nhide unwriteable files = yes\n", CONF_ERROR, "not supported");
	assert_said(
		"[a]\npath=/a\nvfs objects = catia acl_xattr\n", CONF_ERROR, "acl_xattr is not supported");
	assert_said("[a]\npath=/a\nvfs objects = acl_xatr\n", CONF_ERROR, "unknown module");
	assert_said("[a]\npath=/a\ninvalid users = &admins\n", CONF_ERROR, "netgroups");
	assert_said("[IPC$]\nhosts deny = ALL\n", CONF_ERROR, "cannot be set up");
	assert_silent("domain logons = no\nroot directory =\nclustering = no\n");
}

static void a_host_name_that_should_keep_somebody_out_is_an_error(void **state)
{
	assert_said("hosts deny = pirate\n", CONF_ERROR, "pirate never matches");
	assert_said("hosts allow = 10. EXCEPT pirate.example.org\n", CONF_ERROR, "never matches");
	assert_said("hosts allow = friend\n", CONF_WARNING, "friend never matches");
	assert_said("[a]\npath=/a\nhosts allow = 10.1.2.3/40\n", CONF_ERROR, "expected addresses");
	assert_said("hosts deny = @bad\n", CONF_ERROR, "netgroups");
	assert_silent("hosts allow = 10. 192.168.0.0/16, 127.0.0.1 EXCEPT 10.1.2.3\nhosts deny = ALL\n");
}

static void protocols_are_dialect_numbers(void **state)
{
	struct conf *c = parse("min protocol = SMB2\nserver max protocol = SMB3_00\n");

	assert_int_equal(conf_int(conf_global(c), P_SERVER_MIN_PROTOCOL), 0x0210);
	assert_int_equal(conf_int(conf_global(c), P_SERVER_MAX_PROTOCOL), 0x0300);
	talloc_free(c);
	c = parse("server min protocol = NT1\n");
	assert_int_equal(conf_int(conf_global(c), P_SERVER_MIN_PROTOCOL), 0x0202);
	assert_non_null(find_message(c, CONF_NOTE, "SMB1 is not offered"));
	talloc_free(c);
	assert_said("server max protocol = NT1\n", CONF_ERROR, "SMB1 is not offered");
	assert_said("min protocol = SMB3_11\nmax protocol = SMB2\n", CONF_ERROR,
		"older than server min protocol");
	assert_said("min protocol = SMB4\n", CONF_ERROR, "expected one of");
}

static void port_139_is_left_out(void **state)
{
	struct conf *c = parse("smb ports = 445 139 4450\n");

	assert_string_equal(conf_list(conf_global(c), P_SMB_PORTS)[0], "445");
	assert_string_equal(conf_list(conf_global(c), P_SMB_PORTS)[1], "4450");
	assert_null(conf_list(conf_global(c), P_SMB_PORTS)[2]);
	talloc_free(c);
	assert_said("smb ports = 139\n", CONF_ERROR, "no port is left");
	assert_said("smb ports = 65536\n", CONF_ERROR, "expected port numbers");
}

static void the_password_file_follows_from_the_backend(void **state)
{
	struct conf *c = parse("private dir = /p\n");

	assert_string_equal(conf_smbpasswd_path(c), "/p/smbpasswd");
	talloc_free(c);
	c = parse("smb passwd file = /x/pw\n");
	assert_string_equal(conf_smbpasswd_path(c), "/x/pw");
	talloc_free(c);
	c = parse("passdb backend = smbpasswd:/y/pw\nsmb passwd file = /x/pw\n");
	assert_string_equal(conf_smbpasswd_path(c), "/y/pw");
	talloc_free(c);
	assert_said("passdb backend = tdbsam\n", CONF_NOTE, "add them with daxsmbctl");
	assert_said("passdb backend = smbpasswd:pw\n", CONF_ERROR, "absolute");
}

static void printers_and_shares_without_a_path_are_left_out(void **state)
{
	struct conf *c = parse(
		"[printers]\nprintable=yes\npath=/p\n[lp]\npath=/lp\nprint ok=yes\n[nopath]\ncomment=x\n"
		"[a]\npath=/a\n[homes]\nread only=no\n");

	assert_int_equal(conf_share_count(c), 1);
	assert_string_equal(conf_section_name(conf_share(c, 0)), "a");
	assert_non_null(conf_homes(c));
	assert_false(conf_bool(conf_homes(c), P_READ_ONLY));
	assert_non_null(find_message(c, CONF_WARNING, "no path"));
	assert_false(conf_has_errors(c));
	talloc_free(c);
	assert_said("[a]\npath = relative\n", CONF_ERROR, "absolute folder");
}

static void a_share_for_guests_gets_a_warning(void **state)
{
	assert_said("[a]\npath=/a\nguest ok=yes\n", CONF_WARNING, "[a] can be read without a password");
	assert_said("[a]\npath=/a\npublic=yes\nwritable=yes\n", CONF_WARNING,
		"read and written without a password");
	assert_said("[a]\npath=/a\nguest only=yes\n", CONF_WARNING, "no effect in [a]");
}

static void copy_fills_in_what_is_not_set_yet(void **state)
{
	struct conf *c = parse("[a]\npath=/a\nread only=no\ncomment=A\n[b]\npath=/b\ncopy=a\n");

	assert_string_equal(conf_str(conf_share(c, 1), P_PATH), "/b");
	assert_string_equal(conf_str(conf_share(c, 1), P_COMMENT), "A");
	assert_false(conf_bool(conf_share(c, 1), P_READ_ONLY));
	talloc_free(c);
	assert_said("[b]\npath=/b\ncopy=later\n[later]\npath=/l\n", CONF_ERROR, "stands earlier");
}

static void lines_that_say_nothing_are_errors(void **state)
{
	assert_said("[a]\npath=/a\nhosts deny\n", CONF_ERROR, "expected a parameter, = and a value");
	assert_said("[a\npath=/a\n", CONF_ERROR, "must end with ]");
	assert_said("[a/b]\npath=/a\n", CONF_ERROR, "no name of a share");
	assert_said("= x\n", CONF_ERROR, "expected a parameter");
}

static void a_nul_byte_is_an_error(void **state)
{
	const char *error;
	struct conf *c = conf_parse(NULL, "a\0b", 3, "x", &error);

	assert_true(conf_has_errors(c));
	talloc_free(c);
}

static void a_global_parameter_in_a_share_is_ignored_aloud(void **state)
{
	struct conf *c = parse("[a]\npath=/a\nworkgroup = X\n");

	assert_non_null(find_message(c, CONF_WARNING, "belongs in [global]"));
	assert_string_equal(conf_str(conf_share(c, 0), P_WORKGROUP), "WORKGROUP");
	talloc_free(c);
}

static void variables_are_replaced(void **state)
{
	struct conf_vars v = {.user = "ann", .service = "s", .home = "/home/ann"};
	char *t = conf_expand(NULL, "%H/%u-%S-%%-%m-%", &v);

	assert_string_equal(t, "/home/ann/ann-s-%-%m-%");
	talloc_free(t);
	t = conf_expand(NULL, "%v|%h|%d|%T", NULL);
	assert_null(strchr(t, '%'));
	talloc_free(t);
}

static void a_client_cannot_choose_another_folder(void **state)
{
	struct conf_vars v = {.user = "../../etc", .client_name = "..", .service = "a\\b\n"};
	char *t = conf_expand(NULL, "/srv/%U/%m/%S", &v);

	assert_string_equal(t, "/srv/.._.._etc/__/a_b_");
	talloc_free(t);
}

/* A folder of our own with files in it. */
struct folder {
	char path[64];
};

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int make_folder(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	snprintf(f->path, sizeof(f->path), "/tmp/test_conf.XXXXXX");
	*state = f;
	return mkdtemp(f->path) ? 0 : -1;
}

static int remove_folder(void **state)
{
	static const char *const names[] = {"main", "inc", "deep", "inc.host1"};
	struct folder *f = *state;
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->path, names[i]);
		unlink(path);
	}
	int r = rmdir(f->path);
	free(f);
	return r;
}

static struct conf *load(const struct folder *f, const char *name)
{
	char path[128];
	const char *error = NULL;

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	struct conf *c = conf_load(NULL, path, &error);
	if (!c)
		assert_non_null(error);
	return c;
}

static void put(const struct folder *f, const char *name, const char *fmt, ...)
{
	char path[128], text[1024];
	va_list ap;

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	write_file(path, text);
}

static void includes_are_read_in_place(void **state)
{
	struct folder *f = *state;

	put(f, "main", "[a]\npath=/a\ninclude = %s/inc\nguest ok=maybe\n", f->path);
	put(f, "inc", "\nread only = no\nbogus line\n");
	struct conf *c = load(f, "main");
	const struct conf_message *m = find_message(c, CONF_ERROR, "expected a parameter");
	assert_false(conf_bool(conf_share(c, 0), P_READ_ONLY));
	assert_int_equal(m->line, 3);
	assert_non_null(strstr(m->file, "/inc"));
	m = find_message(c, CONF_ERROR, "expected yes or no");
	assert_int_equal(m->line, 4);
	assert_non_null(strstr(m->file, "/main"));
	talloc_free(c);
}

static void an_include_that_changes_the_section_is_said(void **state)
{
	struct folder *f = *state;

	put(f, "main", "[global]\ninclude = %s/inc\nread only = no\n", f->path);
	put(f, "inc", "[a]\npath=/a\n");
	struct conf *c = load(f, "main");
	assert_non_null(find_message(c, CONF_WARNING, "belong to [a]"));
	assert_true(conf_is_set(conf_share(c, 0), P_READ_ONLY));
	talloc_free(c);
}

static void a_missing_include_is_an_error(void **state)
{
	struct folder *f = *state;

	put(f, "main", "include = %s/inc\n", f->path);
	struct conf *c = load(f, "main");
	assert_non_null(find_message(c, CONF_ERROR, "No such file"));
	talloc_free(c);
}

static void an_include_for_some_clients_is_an_error_once_a_file_matches(void **state)
{
	struct folder *f = *state;

	put(f, "main", "include = %s/inc.%%m\n", f->path);
	struct conf *c = load(f, "main");
	assert_non_null(find_message(c, CONF_NOTE, "no file matches"));
	assert_false(conf_has_errors(c));
	talloc_free(c);
	put(f, "inc.host1", "[a]\npath=/a\n");
	c = load(f, "main");
	assert_non_null(find_message(c, CONF_ERROR, "depends on the client"));
	talloc_free(c);
}

static void includes_end_somewhere(void **state)
{
	struct folder *f = *state;

	put(f, "main", "include = %s/main\ninclude = %s/main\ninclude = %s/main\n", f->path, f->path,
		f->path);
	struct conf *c = load(f, "main");
	assert_non_null(find_message(c, CONF_ERROR, "too deep or too large"));
	talloc_free(c);
}

static void what_is_no_file_is_refused(void **state)
{
	const char *error = NULL;

	assert_null(conf_load(NULL, "/dev/zero", &error));
	assert_string_equal(error, "not a regular file");
	assert_null(conf_load(NULL, "/nonexistent/smb.conf", &error));
	assert_string_equal(error, "No such file or directory");
}

#define with_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_has_the_defaults),
		cmocka_unit_test(every_default_is_silent_when_written_down),
		cmocka_unit_test(names_have_no_case_and_no_blanks),
		cmocka_unit_test(synonyms_stand_for_their_parameter),
		cmocka_unit_test(shares_take_what_global_says),
		cmocka_unit_test(a_section_is_found_by_name_homes_too),
		cmocka_unit_test(a_section_may_come_again),
		cmocka_unit_test(lines_go_on_after_a_backslash_and_comments_do_not),
		cmocka_unit_test(messages_name_the_line_after_a_continuation),
		cmocka_unit_test(lists_split_at_blanks_and_commas_outside_quotes),
		cmocka_unit_test(slashed_lists_keep_blanks_and_may_be_quoted),
		cmocka_unit_test(sizes_take_suffixes_and_have_bounds),
		cmocka_unit_test(unknown_names_get_a_warning_with_the_nearest_one),
		cmocka_unit_test(harmless_parameters_are_named_as_ignored),
		cmocka_unit_test(what_cannot_be_protected_is_an_error),
		cmocka_unit_test(a_host_name_that_should_keep_somebody_out_is_an_error),
		cmocka_unit_test(protocols_are_dialect_numbers),
		cmocka_unit_test(port_139_is_left_out),
		cmocka_unit_test(the_password_file_follows_from_the_backend),
		cmocka_unit_test(printers_and_shares_without_a_path_are_left_out),
		cmocka_unit_test(a_share_for_guests_gets_a_warning),
		cmocka_unit_test(copy_fills_in_what_is_not_set_yet),
		cmocka_unit_test(lines_that_say_nothing_are_errors),
		cmocka_unit_test(a_nul_byte_is_an_error),
		cmocka_unit_test(a_global_parameter_in_a_share_is_ignored_aloud),
		cmocka_unit_test(variables_are_replaced),
		cmocka_unit_test(a_client_cannot_choose_another_folder),
		with_folder(includes_are_read_in_place),
		with_folder(an_include_that_changes_the_section_is_said),
		with_folder(a_missing_include_is_an_error),
		with_folder(an_include_for_some_clients_is_an_error_once_a_file_matches),
		with_folder(includes_end_somewhere),
		cmocka_unit_test(what_is_no_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
