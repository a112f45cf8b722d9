/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "ctl/ctl.h"

#include <getopt.h>
#include <stdarg.h>
#include <string.h>

int ctl_fail(const char *fmt, ...)
{
	va_list ap;

	fputs("daxsmbctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return CTL_FAILED;
}

struct conf *ctl_load(const struct ctl *ctl)
{
	const char *error;
	struct conf *c = conf_load(ctl->mem, ctl->conf_path, &error);

	if (!c)
		ctl_fail("%s: %s", ctl->conf_path, error);
	return c;
}

static void print_messages(const struct conf *c, size_t count[3])
{
	static const char *const words[] = {"note", "warning", "error"};
	const struct conf_message *m;
	size_t n = conf_messages(c, &m);

	for (size_t i = 0; i < n; i++) {
		count[m[i].severity]++;
		fprintf(stderr, "%s:%u: %s: %s%s%s\n", m[i].file, m[i].line, words[m[i].severity],
			m[i].parameter ? m[i].parameter : "", m[i].parameter ? ": " : "", m[i].text);
	}
}

/* The values that hold in the section, with those of [global] and the defaults. */
static void dump(TALLOC_CTX *mem, const struct conf_section *s, bool global)
{
	printf("[%s]\n", conf_section_name(s));
	for (unsigned p = 0; p < P_COUNT; p++) {
		if (!conf_is_honoured(p) || p == P_INCLUDE || p == P_COPY || (conf_is_global(p) && !global))
			continue;
		char *value = conf_show(mem, s, p);
		printf("\t%s = %s\n", conf_param_name(p), value ? value : "");
		talloc_free(value);
	}
}

static void dump_all(TALLOC_CTX *mem, const struct conf *c)
{
	dump(mem, conf_global(c), true);
	if (conf_homes(c))
		dump(mem, conf_homes(c), false);
	for (size_t i = 0; i < conf_share_count(c); i++)
		dump(mem, conf_share(c, i), false);
}

int ctl_check(const struct ctl *ctl, int argc, char **argv)
{
	struct ctl own = *ctl;
	bool verbose = false;
	size_t count[3] = {0};
	int o;

	while ((o = getopt(argc, argv, "v")) != -1) {
		if (o != 'v')
			return CTL_USAGE;
		verbose = true;
	}
	if (argc - optind > 1)
		return CTL_USAGE;
	if (optind < argc)
		own.conf_path = argv[optind];
	struct conf *c = ctl_load(&own);
	if (!c)
		return CTL_FAILED;
	print_messages(c, count);
	if (verbose)
		dump_all(ctl->mem, c);
	fprintf(stderr, "%s: %s: %zu shares%s, %zu errors, %zu warnings, %zu notes\n", own.conf_path,
		conf_has_errors(c) ? "daxsmbd would not start" : "usable", conf_share_count(c),
		conf_homes(c) ? " and homes" : "", count[CONF_ERROR], count[CONF_WARNING], count[CONF_NOTE]);
	return conf_has_errors(c) ? CTL_FAILED : CTL_OK;
}
