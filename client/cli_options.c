/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/cli.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	OPT_DIALECT = 500,
	OPT_PROTECT,
	OPT_DEPTH,
	OPT_BLOCK,
	OPT_TIMEOUT,
	OPT_VIA,
	OPT_DIRECT,
	OPT_DIRECT_PORT
};
enum { DEFAULT_BLOCK = 1 << 20, MAX_DEPTH = 1024, MAX_OPTIONS = 64 };

static const struct option common[] = {
	{"user", required_argument, NULL, 'U'},
	{"anonymous", no_argument, NULL, 'N'},
	{"recursive", no_argument, NULL, 'r'},
	{"parents", no_argument, NULL, 'p'},
	{"long", no_argument, NULL, 'l'},
	{"quiet", no_argument, NULL, 'q'},
	{"dialect", required_argument, NULL, OPT_DIALECT},
	{"protect", required_argument, NULL, OPT_PROTECT},
	{"depth", required_argument, NULL, OPT_DEPTH},
	{"block", required_argument, NULL, OPT_BLOCK},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"via", required_argument, NULL, OPT_VIA},
	{"direct", no_argument, NULL, OPT_DIRECT},
	{"direct-port", required_argument, NULL, OPT_DIRECT_PORT},
};

bool cli_size(const char *text, uint64_t *out)
{
	static const char units[] = "kmgt";
	char *end;
	const char *unit;

	errno = 0;
	*out = strtoull(text, &end, 10);
	if (errno || end == text || !isdigit((unsigned char)*text) || *out == 0)
		return false;
	if (!*end)
		return true;
	unit = strchr(units, tolower((unsigned char)*end));
	if (!unit || (end[1] && strcasecmp(end + 1, "b") && strcasecmp(end + 1, "ib")))
		return false;
	for (; unit >= units; unit--) {
		if (*out > UINT64_MAX / 1024)
			return false;
		*out *= 1024;
	}
	return true;
}

static bool take_dialect(struct cli *cli, const char *value)
{
	char *low = talloc_strdup(cli, value);
	char *dash = low ? strchr(low, '-') : NULL;

	if (!low)
		return false;
	if (dash)
		*dash++ = '\0';
	cli->options.min_dialect = daxsmb_dialect_from_name(low);
	cli->options.max_dialect = dash ? daxsmb_dialect_from_name(dash) : cli->options.min_dialect;
	return cli->options.min_dialect && cli->options.max_dialect >= cli->options.min_dialect;
}

/* The place of a word among n, or -1. */
static int find_word(const char *const *words, size_t n, const char *value)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i], value) == 0)
			return (int)i;
	return -1;
}

static bool take_protect(struct cli *cli, const char *value)
{
	static const char *const words[] = {
		[DAXSMB_PROTECT_OFF] = "off", [DAXSMB_PROTECT_SIGN] = "sign", [DAXSMB_PROTECT_SEAL] = "seal"};
	int i = find_word(words, ARRAY_SIZE(words), value);

	cli->options.protect = i < 0 ? DAXSMB_PROTECT_OFF : (enum daxsmb_protect)i;
	return i >= 0;
}

static bool take_via(struct cli *cli, const char *value)
{
	static const char *const words[] = {[DAXSMB_VIA_TCP] = "tcp", [DAXSMB_VIA_SMBDIRECT] = "smbdirect"};
	int i = find_word(words, ARRAY_SIZE(words), value);

	cli->direct = strcmp(value, "direct") == 0;
	cli->options.via = i < 0 ? DAXSMB_VIA_TCP : (enum daxsmb_via)i;
	return i >= 0 || cli->direct;
}

static bool take_number(const char *value, uint64_t most, uint64_t *out)
{
	return cli_size(value, out) && *out <= most;
}

static bool take_flag(struct cli *cli, int code)
{
	switch (code) {
	case 'N':
		return cli->anonymous = true;
	case 'r':
		return cli->recursive = true;
	case 'p':
		return cli->parents = true;
	case 'l':
		return cli->long_listing = true;
	case 'q':
		return cli->quiet = true;
	case OPT_DIRECT:
		return cli->direct = true;
	}
	return false;
}

static bool take_common(struct cli *cli, int code, char *value)
{
	uint64_t n;

	switch (code) {
	case 'U':
		return cli_credentials(cli, value);
	case OPT_DIALECT:
		return take_dialect(cli, value);
	case OPT_PROTECT:
		return take_protect(cli, value);
	case OPT_VIA:
		return take_via(cli, value);
	case OPT_DIRECT_PORT:
		if (!take_number(value, UINT16_MAX, &n))
			return false;
		cli->direct_port = (uint16_t)n;
		return true;
	case OPT_DEPTH:
		if (!take_number(value, MAX_DEPTH, &n))
			return false;
		cli->depth = (unsigned)n;
		return true;
	case OPT_BLOCK:
		if (!take_number(value, 8 << 20, &n))
			return false;
		cli->block = (uint32_t)n;
		return true;
	case OPT_TIMEOUT:
		if (!take_number(value, 86400, &n))
			return false;
		cli->options.timeout_ms = (unsigned)n * 1000;
		return true;
	}
	return take_flag(cli, code);
}

static void merge_options(const struct command *c, struct option *all)
{
	size_t n = ARRAY_SIZE(common);

	memcpy(all, common, sizeof(common));
	for (const struct option *o = c->options; o && o->name && n + 1 < MAX_OPTIONS; o++)
		all[n++] = *o;
	all[n] = (struct option){0};
}

static const char *option_name(const struct option *all, int code)
{
	for (; all->name; all++)
		if (all->val == code)
			return all->name;
	return "?";
}

bool cli_parse(struct cli *cli, int argc, char **argv)
{
	const struct command *c = cli->command;
	struct option all[MAX_OPTIONS];
	int code;

	cli->block = DEFAULT_BLOCK;
	cli->extra = talloc_zero_size(cli, c->extra_size + 1);
	merge_options(c, all);
	while ((code = getopt_long(argc, argv, "U:Nrplq", all, NULL)) != -1) {
		bool own = code >= 1000;

		if (code == '?')
			return false;
		if (own ? c->take(cli, code, optarg) : take_common(cli, code, optarg))
			continue;
		cli_error("--%s: \"%s\" is not what it takes", option_name(all, code), optarg ? optarg : "");
		return false;
	}
	cli->argc = argc - optind;
	cli->argv = argv + optind;
	if (cli->argc < c->min_operands || cli->argc > c->max_operands) {
		cli_error("usage: daxsmb %s [OPTION...] %s", c->name, c->operands);
		return false;
	}
	return true;
}
