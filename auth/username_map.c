/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "auth/account.h"
#include "core/log.h"
#include "wire/utf16.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * [!]unixname = name "name with blanks" DOMAIN\name @group *
 * Each line is tried on what the lines before have made of the name; `!` ends the file when the line has
 * matched.
 */

enum { LOOKUP_BUFFER = 64 * 1024 };

static char *trim(char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	size_t len = strlen(s);
	while (len && isspace((unsigned char)s[len - 1]))
		s[--len] = 0;
	return s;
}

/* Cuts the next name off *rest: blanks and commas separate, quotes keep together. NULL at the end. */
static char *next_name(char **rest)
{
	char *s = *rest + strspn(*rest, " \t,");
	bool quoted = *s == '"';

	if (!*s)
		return NULL;
	s += quoted;
	size_t len = strcspn(s, quoted ? "\"" : " \t,");
	*rest = s + len + (s[len] != 0);
	s[len] = 0;
	return s;
}

static bool in_group(const char *group, const char *user)
{
	char *buf = malloc(LOOKUP_BUFFER);
	struct group g, *found = NULL;
	struct passwd p, *account = NULL;
	bool member = false;

	if (buf && getgrnam_r(group, &g, buf, LOOKUP_BUFFER, &found) == 0 && found) {
		gid_t gid = g.gr_gid;
		for (char **m = g.gr_mem; *m && !member; m++)
			member = strcmp(*m, user) == 0;
		if (!member && getpwnam_r(user, &p, buf, LOOKUP_BUFFER, &account) == 0 && account)
			member = p.pw_gid == gid;
	}
	free(buf);
	return member;
}

static bool name_matches(const char *pattern, const char *name, const char *domain)
{
	const char *backslash = strchr(pattern, '\\');

	if (strcmp(pattern, "*") == 0)
		return true;
	if (*pattern && strchr("@+&", *pattern)) /* Unix groups; netgroups are not looked up */
		return in_group(pattern + strspn(pattern, "@+&"), name);
	if (!backslash)
		return name_casecmp(pattern, name) == 0;
	return strlen(domain) == (size_t)(backslash - pattern) &&
	       strncasecmp(pattern, domain, (size_t)(backslash - pattern)) == 0 &&
	       name_casecmp(backslash + 1, name) == 0;
}

/* Whether the line maps `name`; then *to is its left side. */
static bool line_maps(char *line, const char *name, const char *domain, const char **to, bool *last)
{
	char *left = trim(line), *equals = strchr(left, '=');

	*last = *left == '!';
	if (!*left || *left == '#' || *left == ';' || !equals)
		return false;
	*equals = 0;
	left = trim(left + *last);
	if (!*left)
		return false;
	for (char *rest = trim(equals + 1), *n = next_name(&rest); n; n = next_name(&rest)) {
		if (!name_matches(n, name, domain))
			continue;
		*to = left;
		return true;
	}
	return false;
}

const char *username_map_apply(TALLOC_CTX *mem, const char *path, const char *name, const char *domain)
{
	const char *current = talloc_strdup(mem, name), *to;
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	bool last = false;

	if (!f) {
		log_warning(auth, "username map %s cannot be read: %s", path, strerror(errno));
		return current;
	}
	while (current && !last && getline(&line, &cap, f) >= 0) {
		if (!line_maps(line, current, domain, &to, &last))
			last = false;
		else
			current = talloc_strdup(mem, to);
	}
	free(line);
	fclose(f);
	return current;
}
