/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "conf/hosts.h"
#include "conf/snapshot.h"

#include "core/bytes.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* What no single value shows. A rule returns false only when memory is short. */
typedef bool (*rule)(struct conf_section *s);

#define SAY(s, severity, p, ...) \
	conf_say((s)->conf, severity, (s)->settings[p].set ? (s)->settings[p].place : (s)->place, \
		conf_param_name(p), __VA_ARGS__)

enum { SMB1 = 1, OLDEST = 0x0202, NEWEST = 0x0311 };

static bool protocols(struct conf_section *g)
{
	int64_t *min = &g->settings[P_SERVER_MIN_PROTOCOL].value.number;
	int64_t *max = &g->settings[P_SERVER_MAX_PROTOCOL].value.number;

	if (*max == SMB1)
		return SAY(g, CONF_ERROR, P_SERVER_MAX_PROTOCOL,
			"SMB1 is not offered: expected SMB2_02 or newer");
	*min = *min < OLDEST ? OLDEST : *min;
	*max = *max ? *max : NEWEST;
	return *max >= *min || SAY(g, CONF_ERROR, P_SERVER_MAX_PROTOCOL, "older than server min protocol");
}

static bool valid_port(const char *word)
{
	char *end;
	unsigned long n = strtoul(word, &end, 10);

	return isdigit((unsigned char)*word) && !*end && n >= 1 && n <= 65535;
}

/* [RFC1002] 4.3: on port 139 a client first asks for a NetBIOS session. */
static bool ports(struct conf_section *g)
{
	struct conf_value *v = &g->settings[P_SMB_PORTS].value;
	size_t n = 0, kept = 0;

	while (v->list[n])
		n++;
	const char **list = talloc_zero_array(g, const char *, n + 1);
	if (!list)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool netbios = strcmp(v->list[i], "139") == 0;
		if (!valid_port(v->list[i]))
			return SAY(
				g, CONF_ERROR, P_SMB_PORTS, "expected port numbers, not \"%s\"", v->list[i]);
		if (netbios && !SAY(g, CONF_NOTE, P_SMB_PORTS, "139 is left out: NetBIOS is not served"))
			return false;
		if (!netbios)
			list[kept++] = v->list[i];
	}
	v->list = list;
	return kept || SAY(g, CONF_ERROR, P_SMB_PORTS, "no port is left to listen on");
}

static bool only_words(struct conf_section *g, enum conf_param p, const char *const *known)
{
	const char *const *list = g->settings[p].value.list;

	if (!*list)
		return SAY(g, CONF_ERROR, p, "expected at least one");
	for (; *list; list++) {
		const char *const *k = known;
		while (*k && strcasecmp(*k, *list) != 0)
			k++;
		if (!*k && !SAY(g, CONF_ERROR, p, "there is no \"%s\"", *list))
			return false;
	}
	return true;
}

static bool algorithms(struct conf_section *g)
{
	static const char *const ciphers[] = {
		"AES-128-GCM", "AES-128-CCM", "AES-256-GCM", "AES-256-CCM", NULL};
	static const char *const signers[] = {"AES-128-GMAC", "AES-128-CMAC", "HMAC-SHA256", NULL};

	return only_words(g, P_SERVER_SMB3_ENCRYPTION_ALGORITHMS, ciphers) &&
	       only_words(g, P_SERVER_SMB3_SIGNING_ALGORITHMS, signers);
}

static bool rdma_transports(struct conf_section *g)
{
	static const char *const known[] = {"iwarp", "none", NULL};

	return only_words(g, P_RDMA_TRANSPORTS, known);
}

static bool netbios_name(struct conf_section *g)
{
	size_t n = strlen(g->settings[P_NETBIOS_NAME].value.text);

	return (n >= 1 && n <= 15) || SAY(g, CONF_ERROR, P_NETBIOS_NAME, "expected 1 to 15 characters");
}

static bool valid_level(const char *word, size_t len)
{
	const char *colon = memchr(word, ':', len);
	const char *digits = colon ? colon + 1 : word;
	size_t n = (size_t)(word + len - digits);

	return (n == 1 && isdigit((unsigned char)digits[0])) || (n == 2 && memcmp(digits, "10", 2) == 0);
}

static bool log_level(struct conf_section *g)
{
	const char *text = g->settings[P_LOG_LEVEL].value.text;

	for (;;) {
		text += strspn(text, " \t,");
		size_t n = strcspn(text, " \t,");
		if (!n)
			return true;
		if (!valid_level(text, n))
			return SAY(g, CONF_ERROR, P_LOG_LEVEL,
				"expected 0 to 10 or class:0 to class:10, not \"%.*s\"", (int)n, text);
		text += n;
	}
}

static bool password_file(struct conf_section *g)
{
	const char *backend = g->settings[P_PASSDB_BACKEND].value.text;
	const char *file = g->settings[P_SMB_PASSWD_FILE].value.text;
	size_t kind = strcspn(backend, ":");
	bool smbpasswd = kind == 9 && strncasecmp(backend, "smbpasswd", kind) == 0;
	bool tdbsam = kind == 6 && strncasecmp(backend, "tdbsam", kind) == 0;

	if (!smbpasswd && !tdbsam)
		return SAY(g, CONF_ERROR, P_PASSDB_BACKEND,
			"expected smbpasswd or smbpasswd:FILE, not \"%s\"", backend);
	if (smbpasswd && backend[kind])
		file = backend + kind + 1;
	g->conf->smbpasswd_path =
		*file ? talloc_strdup(g->conf, file)
		      : talloc_asprintf(g->conf, "%s/smbpasswd", conf_str(g, P_PRIVATE_DIR));
	if (!g->conf->smbpasswd_path)
		return false;
	if (*g->conf->smbpasswd_path != '/')
		return SAY(g, CONF_ERROR, P_PASSDB_BACKEND, "expected an absolute file name, not \"%s\"",
			g->conf->smbpasswd_path);
	return !tdbsam || SAY(g, CONF_NOTE, P_PASSDB_BACKEND,
				  "users are those in %s; add them with daxsmbctl", g->conf->smbpasswd_path);
}

/*
 * Names of hosts are not looked up. In `hosts allow` a name just never matches; where a name should keep
 * somebody out, not looking it up would let that host in.
 */
static bool host_list(struct conf_section *s, enum conf_param p)
{
	bool keeps_out = p == P_HOSTS_DENY, ok = true;

	for (const char *const *w = s->settings[p].value.list; ok && w && *w; w++) {
		enum conf_host_word kind = conf_host_word(*w);
		if (strcasecmp(*w, "EXCEPT") == 0)
			keeps_out = true;
		if (kind == CONF_HOST_INVALID)
			ok = SAY(s, CONF_ERROR, p, "expected addresses and networks, not \"%s\"", *w);
		else if (kind == CONF_HOST_NETGROUP)
			ok = SAY(s, CONF_ERROR, p, "netgroups are not supported: %s", *w);
		else if (kind == CONF_HOST_NAME)
			ok = SAY(s, keeps_out ? CONF_ERROR : CONF_WARNING, p,
				"names of hosts are not looked up: %s never matches", *w);
	}
	return ok;
}

static bool hosts(struct conf_section *s)
{
	return host_list(s, P_HOSTS_ALLOW) && host_list(s, P_HOSTS_DENY);
}

static bool user_lists(struct conf_section *s)
{
	static const enum conf_param lists[] = {
		P_VALID_USERS, P_INVALID_USERS, P_READ_LIST, P_WRITE_LIST, P_ADMIN_USERS};
	bool ok = true;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (const char *const *w = s->settings[lists[i]].value.list; ok && w && *w; w++)
			if (**w == '&' && (*w)[1] != '+')
				ok = SAY(s, CONF_ERROR, lists[i], "netgroups are not supported: %s", *w);
	return ok;
}

static bool modules(struct conf_section *s)
{
	bool ok = true;

	for (const char *const *w = s->settings[P_VFS_OBJECTS].value.list; ok && w && *w; w++) {
		char *name = talloc_strndup(s, *w, strcspn(*w, ":"));
		const struct conf_module_row *m = name ? conf_module(name) : NULL;
		if (!name)
			return false;
		if (!m)
			ok = SAY(s, CONF_ERROR, P_VFS_OBJECTS, "unknown module \"%s\"", *w);
		else if (m->class == CONF_CLASS_REFUSED)
			ok = SAY(s, CONF_ERROR, P_VFS_OBJECTS, "%s is not supported: %s", m->name, m->doc);
		else
			ok = SAY(s, CONF_NOTE, P_VFS_OBJECTS, "%s is ignored: %s", m->name, m->doc);
	}
	return ok;
}

static bool share_path(struct conf_section *s)
{
	const char *path = conf_str(s, P_PATH);

	if (*path && *path != '/' && *path != '%')
		return SAY(s, CONF_ERROR, P_PATH, "expected an absolute folder name, not \"%s\"", path);
	if (*path || s == s->conf->homes)
		return true;
	s->left_out = true;
	return SAY(s, CONF_WARNING, P_PATH, "[%s] has no path: the share is left out", s->name);
}

static bool share_guests(struct conf_section *s)
{
	bool ok = true;

	if (conf_bool(s, P_GUEST_OK))
		ok = SAY(s, CONF_WARNING, P_GUEST_OK, "[%s] can be %s without a password", s->name,
			conf_bool(s, P_READ_ONLY) ? "read" : "read and written");
	else if (conf_bool(s, P_GUEST_ONLY))
		ok = SAY(s, CONF_WARNING, P_GUEST_ONLY, "has no effect in [%s] without guest ok", s->name);
	return ok;
}

static const rule of_global[] = {protocols, ports, algorithms, rdma_transports, netbios_name, log_level, password_file};
static const rule of_shares[] = {share_path, share_guests};
static const rule of_all[] = {hosts, user_lists, modules};

static bool apply(const rule *rules, size_t n, struct conf_section *s)
{
	for (size_t i = 0; i < n; i++)
		if (!rules[i](s))
			return false;
	return true;
}

static bool apply_to_share(struct conf_section *s)
{
	s->left_out = conf_bool(s, P_PRINTABLE);
	if (s->left_out)
		return true;
	return apply(of_shares, ARRAY_SIZE(of_shares), s) && apply(of_all, ARRAY_SIZE(of_all), s);
}

bool conf_apply_rules(struct conf *c)
{
	size_t kept = 0;

	if (!apply(of_global, ARRAY_SIZE(of_global), c->global) ||
		!apply(of_all, ARRAY_SIZE(of_all), c->global))
		return false;
	if (c->homes && !apply_to_share(c->homes))
		return false;
	for (size_t i = 0; i < c->share_count; i++) {
		if (!apply_to_share(c->shares[i]))
			return false;
		if (!c->shares[i]->left_out)
			c->shares[kept++] = c->shares[i];
	}
	c->share_count = kept;
	return true;
}
