/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "ctl/ctl.h"

#include "core/bytes.h"

#include "config.h"

#include <getopt.h>

static const struct {
	const char *name;
	int (*run)(const struct ctl *ctl, int argc, char **argv);
} commands[] = {
	{"check", ctl_check},
	{"user", ctl_user},
	{"status", ctl_status},
	{"revoke", ctl_revoke},
	{"reload", ctl_reload},
	{"stop", ctl_stop},
};

static void usage(FILE *out)
{
	fputs("usage: daxsmbctl [-s FILE] check [-v] [FILE]\n"
	      "       daxsmbctl [-s FILE] user add|passwd [--stdin] NAME\n"
	      "       daxsmbctl [-s FILE] user del NAME\n"
	      "       daxsmbctl [-s FILE] user list\n"
	      "       daxsmbctl [-s FILE] status [--json]\n"
	      "       daxsmbctl [-s FILE] revoke [SHARE]\n"
	      "       daxsmbctl [-s FILE] reload\n"
	      "       daxsmbctl [-s FILE] stop\n"
	      "       daxsmbctl --version\n",
		out);
}

static int run(const struct ctl *ctl, int argc, char **argv)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (argc > 0 && strcmp(argv[0], commands[i].name) == 0) {
			int status = commands[i].run(ctl, argc, argv);
			if (status == CTL_USAGE)
				usage(stderr);
			return status;
		}
	usage(stderr);
	return CTL_USAGE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"configfile", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	struct ctl ctl = {.mem = talloc_new(NULL), .conf_path = conf_default_path()};
	int o;

	while ((o = getopt_long(argc, argv, "+s:hV", options, NULL)) != -1)
		switch (o) {
		case 's':
			ctl.conf_path = optarg;
			break;
		case 'h':
			usage(stdout);
			return CTL_OK;
		case 'V':
			printf("daxsmbctl %s\n", DAXSMBD_VERSION);
			return CTL_OK;
		default:
			usage(stderr);
			return CTL_USAGE;
		}
	int first = optind;
	optind = 0;
	int status = run(&ctl, argc - first, argv + first);
	talloc_free(ctl.mem);
	return status;
}
