/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "conf/snapshot.h"

#include "core/bytes.h"

#include "config.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct variable {
	char letter;
	bool chosen_by_client; /* must not name another folder */
	size_t offset;
} variables[] = {
	{'U', true, offsetof(struct conf_vars, user)},
	{'u', true, offsetof(struct conf_vars, user)},
	{'G', true, offsetof(struct conf_vars, group)},
	{'g', true, offsetof(struct conf_vars, group)},
	{'H', false, offsetof(struct conf_vars, home)},
	{'m', true, offsetof(struct conf_vars, client_name)},
	{'M', true, offsetof(struct conf_vars, client_name)},
	{'I', true, offsetof(struct conf_vars, client_addr)},
	{'i', true, offsetof(struct conf_vars, client_addr)},
	{'S', true, offsetof(struct conf_vars, service)},
	{'P', false, offsetof(struct conf_vars, path)},
	{'L', true, offsetof(struct conf_vars, server_name)},
	{'N', true, offsetof(struct conf_vars, server_name)},
};
/* Further ones of smb.conf that only a client gives a value to and that are not known here. */
static const char unknown_letters[] = "aDdJjRTtwV$";

enum { BUILTIN_LONGEST = 256 };

static bool builtin(char letter, char out[BUILTIN_LONGEST])
{
	time_t now = time(NULL);
	struct tm tm;

	out[0] = '\0';
	switch (letter) {
	case '%':
		snprintf(out, BUILTIN_LONGEST, "%%");
		return true;
	case 'h':
		gethostname(out, BUILTIN_LONGEST - 1);
		out[BUILTIN_LONGEST - 1] = '\0';
		return true;
	case 'v':
		snprintf(out, BUILTIN_LONGEST, "%s", DAXSMBD_VERSION);
		return true;
	case 'd':
		snprintf(out, BUILTIN_LONGEST, "%d", (int)getpid());
		return true;
	case 'T':
		localtime_r(&now, &tm);
		strftime(out, BUILTIN_LONGEST, "%Y/%m/%d %H:%M:%S", &tm);
		return true;
	default:
		return false;
	}
}

static const struct variable *find_variable(char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		if (variables[i].letter == letter)
			return &variables[i];
	return NULL;
}

/* A name that a client chose goes into paths: it stays one component. */
static char *append_tame(char *out, const char *name)
{
	size_t before = strlen(out);
	bool dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;

	out = talloc_strdup_append_buffer(out, name);
	for (char *c = out ? out + before : NULL; c && *c; c++)
		if (*c == '/' || *c == '\\' || iscntrl((unsigned char)*c) || dots)
			*c = '_';
	return out;
}

static char *append_variable(char *out, char letter, const struct conf_vars *v)
{
	const struct variable *var = find_variable(letter);
	const char *value = NULL;
	char text[BUILTIN_LONGEST];

	if (var && v)
		value = *(const char *const *)((const char *)v + var->offset);
	if (value)
		return var->chosen_by_client ? append_tame(out, value)
					     : talloc_strdup_append_buffer(out, value);
	if (builtin(letter, text))
		return talloc_strdup_append_buffer(out, text);
	return talloc_asprintf_append_buffer(out, "%%%c", letter);
}

char *conf_expand(TALLOC_CTX *mem, const char *text, const struct conf_vars *v)
{
	char *out = talloc_strdup(mem, "");

	while (out && *text) {
		size_t n = strcspn(text, "%");
		out = talloc_strndup_append_buffer(out, text, n);
		text += n;
		if (!*text || !out)
			break;
		if (!text[1])
			return talloc_strdup_append_buffer(out, "%");
		out = append_variable(out, text[1], v);
		text += 2;
	}
	return out;
}

static bool client_letter(char letter)
{
	return letter && (find_variable(letter) || strchr(unknown_letters, letter));
}

bool conf_depends_on_client(const char *text)
{
	for (; (text = strchr(text, '%')); text++)
		if (client_letter(text[1]))
			return true;
	return false;
}

char *conf_replace_client_variables(TALLOC_CTX *mem, const char *text, const char *with)
{
	char *out = talloc_strdup(mem, "");

	while (out && *text) {
		size_t n = strcspn(text, "%");
		out = talloc_strndup_append_buffer(out, text, n);
		text += n;
		if (!*text || !out)
			break;
		if (client_letter(text[1]))
			out = talloc_strdup_append_buffer(out, with);
		else
			out = talloc_strdup_append_buffer(out, "%");
		text += client_letter(text[1]) ? 2 : 1;
	}
	return out;
}
