/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "ctl/ctl.h"

#include "auth/userdb.h"
#include "core/bytes.h"

#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PASSWORD_LONGEST = 256 };

/* The folder of the password file, with those above it, if they are missing. */
static int make_folders(TALLOC_CTX *mem, const char *file)
{
	char *path = talloc_strdup(mem, file);
	char *last = path ? strrchr(path, '/') : NULL;

	if (!last)
		return -ENOMEM;
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int r = mkdir(path, slash == last ? 0700 : 0755);
		*slash = '/';
		if (r < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static bool read_password(const char *name, bool from_stdin, char *buf, size_t size)
{
	if (!from_stdin)
		return ctl_ask_password(name, buf, size);
	if (ctl_read_line(STDIN_FILENO, buf, size) && *buf)
		return true;
	ctl_fail("expected a password of 1 to %zu bytes as one line on the standard input", size - 1);
	return false;
}

static int set_password(
	const struct ctl *ctl, const char *file, const char *name, bool from_stdin, bool replace)
{
	const struct passwd *account = getpwnam(name);
	char password[PASSWORD_LONGEST + 1];

	if (!account)
		return ctl_fail("there is no Unix account named %s; files need an owner, so add one first "
				"(adduser --system --no-create-home %s)",
			name, name);
	uint32_t uid = account->pw_uid;
	if (!read_password(name, from_stdin, password, sizeof(password))) {
		explicit_bzero(password, sizeof(password));
		return CTL_FAILED;
	}
	int r = make_folders(ctl->mem, file);
	if (r == 0)
		r = userdb_set(file, name, uid, password, replace);
	explicit_bzero(password, sizeof(password));
	if (r == -EEXIST)
		return ctl_fail("%s is a user already; use passwd to change the password", name);
	if (r == -ENOENT)
		return ctl_fail("%s is no user yet; use add", name);
	if (r < 0)
		return ctl_fail("%s: %s", file, strerror(-r));
	return CTL_OK;
}

static int parse_password_command(
	const struct ctl *ctl, const char *file, int argc, char **argv, bool replace)
{
	static const struct option options[] = {{"stdin", no_argument, NULL, 'i'}, {0}};
	bool from_stdin = false;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o != 'i')
			return CTL_USAGE;
		from_stdin = true;
	}
	if (argc - optind != 1)
		return CTL_USAGE;
	return set_password(ctl, file, argv[optind], from_stdin, replace);
}

static int user_add(const struct ctl *ctl, const char *file, int argc, char **argv)
{
	return parse_password_command(ctl, file, argc, argv, false);
}

static int user_passwd(const struct ctl *ctl, const char *file, int argc, char **argv)
{
	return parse_password_command(ctl, file, argc, argv, true);
}

static int user_del(const struct ctl *ctl, const char *file, int argc, char **argv)
{
	if (argc != 2)
		return CTL_USAGE;
	int r = userdb_delete(file, argv[1]);
	if (r == -ENOENT)
		return ctl_fail("%s is no user in %s", argv[1], file);
	return r < 0 ? ctl_fail("%s: %s", file, strerror(-r)) : CTL_OK;
}

static int print_user(void *arg, const struct userdb_entry *e)
{
	const char *state = e->disabled ? "disabled" : e->has_password ? "enabled" : "no password";

	printf("%s\t%u\t%s\n", e->name, e->uid, state);
	return 0;
}

static int user_list(const struct ctl *ctl, const char *file, int argc, char **argv)
{
	if (argc != 1)
		return CTL_USAGE;
	int r = userdb_list(file, print_user, NULL);
	return r < 0 && r != -ENOENT ? ctl_fail("%s: %s", file, strerror(-r)) : CTL_OK;
}

static const struct {
	const char *name;
	int (*run)(const struct ctl *ctl, const char *file, int argc, char **argv);
} commands[] = {{"add", user_add}, {"passwd", user_passwd}, {"del", user_del}, {"list", user_list}};

int ctl_user(const struct ctl *ctl, int argc, char **argv)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (argc < 2 || strcmp(argv[1], commands[i].name) != 0)
			continue;
		struct conf *c = ctl_load(ctl);
		if (!c)
			return CTL_FAILED;
		if (!conf_smbpasswd_path(c))
			return ctl_fail("%s names no password file that can be used; see daxsmbctl check",
				ctl->conf_path);
		return commands[i].run(ctl, conf_smbpasswd_path(c), argc - 1, argv + 1);
	}
	return CTL_USAGE;
}
