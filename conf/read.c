/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "conf/snapshot.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Lines to sections and settings. Bounds: a file, all files together, how deep files include others, shares.
 */
enum { FILE_LARGEST = 1 << 20, TOTAL_LARGEST = 4 << 20, INCLUDE_DEEPEST = 8, SHARES_MOST = 2048 };

struct reader {
	struct conf *conf;
	struct conf_section *section; /* NULL: what follows is skipped */
	struct conf_place at;
	unsigned depth;
	size_t total;
	bool may_include;
};

static bool read_lines(struct reader *r, const char *text, size_t len, const char *file);

static char *read_fd(TALLOC_CTX *mem, int fd, size_t *len, const char **error)
{
	char *text = talloc_size(mem, FILE_LARGEST + 1);
	ssize_t n = 1;

	*len = 0;
	while (text && n > 0 && *len <= FILE_LARGEST) {
		n = read(fd, text + *len, FILE_LARGEST + 1 - *len);
		*len += n > 0 ? (size_t)n : 0;
	}
	*error = !text ? "out of memory" : n < 0 ? strerror(errno) : "the file is larger than 1 MiB";
	if (text && n == 0)
		return text;
	talloc_free(text);
	return NULL;
}

char *conf_read_file(TALLOC_CTX *mem, const char *path, size_t *len, const char **error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char *text = NULL;

	if (fd < 0 || fstat(fd, &st) < 0)
		*error = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		*error = "not a regular file";
	else
		text = read_fd(mem, fd, len, error);
	if (fd >= 0)
		close(fd);
	return text;
}

static char *trim(char *s)
{
	char *end = s + strlen(s);

	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static struct conf_section *find_section(struct conf *c, const char *name)
{
	if (strcasecmp(name, "global") == 0 || strcasecmp(name, "globals") == 0)
		return c->global;
	if (c->homes && strcasecmp(name, "homes") == 0)
		return c->homes;
	for (size_t i = 0; i < c->share_count; i++)
		if (strcasecmp(c->shares[i]->name, name) == 0)
			return c->shares[i];
	return NULL;
}

/* Sections that are no shares here. True: handled, nothing more to do. */
static bool special_section(struct reader *r, const char *name, bool *ok)
{
	*ok = true;
	if (strcasecmp(name, "printers") == 0 || strcasecmp(name, "print$") == 0) {
		*ok = conf_say(
			r->conf, CONF_NOTE, r->at, NULL, "[%s] is left out: printing is not offered", name);
		return true;
	}
	if (strcasecmp(name, "ipc$") == 0) {
		*ok = conf_say(r->conf, CONF_ERROR, r->at, NULL,
			"[%s] cannot be set up: what [global] says holds for it", name);
		return true;
	}
	return false;
}

static bool add_share(struct reader *r, const char *name)
{
	struct conf *c = r->conf;
	struct conf_section **more;

	if (c->share_count == SHARES_MOST)
		return conf_say(c, CONF_ERROR, r->at, NULL, "more than %d shares", SHARES_MOST);
	more = talloc_realloc(c, c->shares, struct conf_section *, c->share_count + 1);
	if (!more)
		return false;
	c->shares = more;
	r->section = more[c->share_count] = conf_section_new(c, name, r->at);
	if (!r->section)
		return false;
	c->share_count++;
	return true;
}

static bool read_header(struct reader *r, char *line)
{
	char *end = strchr(line, ']');
	bool ok;

	r->section = NULL;
	if (!end)
		return conf_say(r->conf, CONF_ERROR, r->at, NULL, "a section's name must end with ]");
	*end = '\0';
	const char *name = trim(line + 1);
	if (!*name || strpbrk(name, "/\\"))
		return conf_say(r->conf, CONF_ERROR, r->at, NULL, "[%s] is no name of a share", name);
	if (special_section(r, name, &ok))
		return ok;
	r->section = find_section(r->conf, name);
	if (r->section)
		return true;
	if (strcasecmp(name, "homes") != 0)
		return add_share(r, name);
	r->section = r->conf->homes = conf_section_new(r->conf, "homes", r->at);
	return r->section;
}

static bool copy_section(struct reader *r, const char *name)
{
	const struct conf_section *from = find_section(r->conf, name);
	struct conf_section *to = r->section;

	if (!from || from == to || to == r->conf->global || from == r->conf->global)
		return conf_say(r->conf, CONF_ERROR, r->at, "copy",
			"expected a share that stands earlier, not [%s]", name);
	for (size_t p = 0; p < P_COUNT; p++)
		if (from->settings[p].set && !to->settings[p].set)
			to->settings[p] = from->settings[p];
	return true;
}

static bool include_file(struct reader *r, const char *path)
{
	struct conf_place at = r->at;
	struct conf_section *section = r->section;
	const char *error, *file = talloc_strdup(r->conf, path);
	size_t len;
	char *text = file ? conf_read_file(r->conf, file, &len, &error) : NULL;
	bool ok;

	if (!file)
		return false;
	if (!text)
		return conf_say(r->conf, CONF_ERROR, at, "include", "%s: %s", path, error);
	if (r->depth == INCLUDE_DEEPEST || len > TOTAL_LARGEST - r->total) {
		talloc_free(text);
		return conf_say(
			r->conf, CONF_ERROR, at, "include", "%s: includes too deep or too large", path);
	}
	r->total += len;
	r->depth++;
	ok = read_lines(r, text, len, file);
	r->depth--;
	r->at = at;
	talloc_free(text);
	if (ok && r->section != section)
		ok = conf_say(r->conf, CONF_WARNING, at, "include", "lines after this one belong to [%s]",
			r->section ? r->section->name : "a section that is left out");
	return ok;
}

/* A file for some clients only could restrict them: as one configuration holds for all, there must be none.
 */
static bool include_for_some(struct reader *r, const char *path)
{
	char *pattern = conf_replace_client_variables(r->conf, path, "*");
	glob_t found = {0};
	bool ok, none;

	if (!pattern)
		return false;
	none = glob(pattern, GLOB_NOSORT, NULL, &found) == GLOB_NOMATCH;
	if (none)
		ok = conf_say(r->conf, CONF_NOTE, r->at, "include",
			"ignored: the name depends on the client and no file matches %s", pattern);
	else
		ok = conf_say(r->conf, CONF_ERROR, r->at, "include",
			"the name depends on the client, but one configuration holds for all; %s exists",
			found.gl_pathc ? found.gl_pathv[0] : pattern);
	globfree(&found);
	talloc_free(pattern);
	return ok;
}

static bool read_include(struct reader *r, const char *value)
{
	struct conf_vars vars = {.server_name = r->conf->global->settings[P_NETBIOS_NAME].value.text};
	char *path;
	bool ok;

	if (!*value)
		return true;
	if (!r->may_include)
		return conf_say(r->conf, CONF_ERROR, r->at, "include", "files cannot be included here");
	if (strcasecmp(value, "registry") == 0)
		return conf_say(r->conf, CONF_ERROR, r->at, "include", "there is no registry");
	path = conf_expand(r->conf, value, &vars);
	if (!path)
		return false;
	ok = conf_depends_on_client(path) ? include_for_some(r, path) : include_file(r, path);
	talloc_free(path);
	return ok;
}

/* What the checker says about the class of a row, or of a named value. */
static bool say_class(struct reader *r, enum conf_param p, const struct conf_value *v)
{
	const struct conf_row *row = conf_row(p);
	const struct conf_value *initial = &r->conf->global->settings[p].value;
	bool same = v->list || row->type == CONF_TYPE_STRING ? strcmp(v->text, row->initial) == 0
							     : v->number == initial->number;

	if (v->named && v->named->class == CONF_CLASS_MAPPED)
		return conf_say(r->conf, CONF_NOTE, r->at, row->name, "%s", v->named->doc);
	if (v->named && v->named->class == CONF_CLASS_REFUSED)
		return conf_say(r->conf, CONF_ERROR, r->at, row->name, "%s is not supported: %s", v->text,
			v->named->doc);
	if (row->class == CONF_CLASS_HARMLESS)
		return conf_say(r->conf, CONF_NOTE, r->at, row->name, "ignored: %s", row->doc);
	if (row->class == CONF_CLASS_MAPPED && !same && !v->list)
		return conf_say(r->conf, CONF_NOTE, r->at, row->name, "%s", row->doc);
	if (row->class == CONF_CLASS_REFUSED && !same)
		return conf_say(r->conf, CONF_ERROR, r->at, row->name, "not supported: %s", row->doc);
	return true;
}

static bool set_value(struct reader *r, enum conf_param p, const char *text)
{
	const char *expected;
	struct conf_value v;

	if (conf_is_global(p) && r->section != r->conf->global)
		return conf_say(r->conf, CONF_WARNING, r->at, conf_param_name(p),
			"ignored in [%s]: it belongs in [global]", r->section->name);
	if (!conf_value_read(r->section, p, text, &v, &expected))
		return expected && conf_say(r->conf, CONF_ERROR, r->at, conf_param_name(p),
					   "expected %s, not \"%s\"", expected, text);
	if (!say_class(r, p, &v))
		return false;
	r->section->settings[p] = (struct conf_setting){v, r->at, true};
	return true;
}

static bool unknown_name(struct reader *r, const char *name)
{
	const char *family = conf_family(name), *near;

	if (strchr(name, ':'))
		return conf_say(
			r->conf, CONF_NOTE, r->at, name, "ignored: it belongs to a module of another server");
	if (family)
		return conf_say(r->conf, CONF_NOTE, r->at, name, "ignored: %s", family);
	near = conf_nearest(name);
	if (near)
		return conf_say(
			r->conf, CONF_WARNING, r->at, name, "unknown parameter; did you mean \"%s\"?", near);
	return conf_say(r->conf, CONF_WARNING, r->at, name, "unknown parameter");
}

static bool read_setting(struct reader *r, const char *name, const char *value)
{
	enum conf_param p;
	bool inverted;

	if (!conf_lookup(name, &p, &inverted))
		return unknown_name(r, name);
	if (p == P_INCLUDE)
		return read_include(r, value);
	if (p == P_COPY)
		return copy_section(r, value);
	if (inverted) {
		const char *other = conf_invert(value);
		if (!other)
			return conf_say(
				r->conf, CONF_ERROR, r->at, name, "expected yes or no, not \"%s\"", value);
		value = other;
	}
	return set_value(r, p, value);
}

static bool read_line(struct reader *r, char *line)
{
	char *equals;

	line = trim(line);
	if (!*line || *line == ';' || *line == '#')
		return true;
	if (*line == '[')
		return read_header(r, line);
	if (!r->section)
		return true;
	equals = strchr(line, '=');
	if (!equals || equals == line)
		return conf_say(r->conf, CONF_ERROR, r->at, NULL, "expected a parameter, = and a value");
	*equals = '\0';
	return read_setting(r, trim(line), trim(equals + 1));
}

static bool is_comment(const char *line)
{
	while (isblank((unsigned char)*line))
		line++;
	return *line == ';' || *line == '#';
}

/* Cuts the next line off *rest, joined with those after it while it ends with a backslash. */
static char *next_line(char **rest, unsigned *lines)
{
	char *line = *rest, *to = line;
	bool comment = is_comment(line);

	for (;;) {
		size_t n = strcspn(*rest, "\n");
		char *next = *rest + n + ((*rest)[n] == '\n');
		bool last = !(*rest)[n];

		memmove(to, *rest, n);
		to += n;
		*rest = next;
		++*lines;
		while (to > line && to[-1] == '\r')
			to--;
		if (last || comment || to == line || to[-1] != '\\')
			break;
		to--;
	}
	*to = '\0';
	return line;
}

static bool read_lines(struct reader *r, const char *text, size_t len, const char *file)
{
	char *copy = talloc_strndup(r->conf, text, len), *rest = copy;
	unsigned line = 1;
	bool ok = copy;

	r->at = (struct conf_place){file, 1};
	if (ok && strlen(copy) != len)
		ok = conf_say(r->conf, CONF_ERROR, r->at, NULL, "the file holds a NUL byte");
	if (ok && strncmp(rest, "\xef\xbb\xbf", 3) == 0)
		rest += 3;
	while (ok && *rest) {
		unsigned lines = 0;
		char *l = next_line(&rest, &lines);
		r->at = (struct conf_place){file, line};
		line += lines;
		ok = read_line(r, l);
	}
	talloc_free(copy);
	return ok;
}

bool conf_read_text(struct conf *c, const char *text, size_t len, const char *name, bool may_include)
{
	struct reader r = {.conf = c, .section = c->global, .total = len, .may_include = may_include};
	const char *file = talloc_strdup(c, name);

	if (len > TOTAL_LARGEST)
		return conf_say(c, CONF_ERROR, (struct conf_place){file, 1}, NULL, "the text is too large");
	return file && read_lines(&r, text, len, file);
}
