/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/share.h"

#include "conf/hosts.h"
#include "core/log.h"
#include "smbd/share_cache.h"
#include "smbd/user.h"

#include <errno.h>
#include <strings.h>

static bool is_set(const char *const *list)
{
	return list[0] != NULL;
}

/*
 * [homes] stands for a share that is named like an account with a home directory; by the name "homes" it is the user's own.
 * *service is the share's name, *home the directory or NULL.
 */
static const struct conf_section *find_section(TALLOC_CTX *mem, const struct share_request *q, const char **service,
	char **home)
{
	const struct conf_section *s = conf_find_share(q->settings->conf, q->name);

	*home = NULL;
	if (s) {
		*service = conf_section_name(s);
		return s;
	}
	s = conf_homes(q->settings->conf);
	*service = strcasecmp(q->name, "homes") == 0 ? q->user : q->name;
	*home = s ? user_home(mem, *service) : NULL;
	return *home ? s : NULL;
}

/* The user is in a list of the section, whose words may have % variables ("valid users = %S"). */
static bool is_listed(const struct share_request *q, const struct conf_section *s, enum conf_param p,
	const struct conf_vars *vars)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	bool found = false;

	for (const char *const *word = conf_list(s, p); *word && !found; word++) {
		const char *expanded[] = {conf_expand(mem, *word, vars), NULL};
		found = expanded[0] && user_in_list(q->user, expanded);
	}
	talloc_free(mem);
	return found;
}

/* valid users, invalid users, hosts, guests: who may connect at all. */
static ntstatus_t admit(const struct share_request *q, const struct conf_section *s, const struct conf_vars *vars)
{
	if (!conf_bool(s, P_AVAILABLE))
		return STATUS_BAD_NETWORK_NAME;
	if (!conf_hosts_allowed(conf_list(s, P_HOSTS_ALLOW), conf_list(s, P_HOSTS_DENY), q->peer, NULL))
		return STATUS_ACCESS_DENIED;
	if ((q->guest || q->anonymous) && !conf_bool(s, P_GUEST_OK))
		return STATUS_ACCESS_DENIED;
	if (is_listed(q, s, P_INVALID_USERS, vars))
		return STATUS_ACCESS_DENIED;
	if (is_set(conf_list(s, P_VALID_USERS)) && !is_listed(q, s, P_VALID_USERS, vars))
		return STATUS_ACCESS_DENIED;
	return STATUS_SUCCESS;
}

/* read only, read list, write list, as smb.conf(5) lets them outdo each other. */
static bool is_read_only(const struct share_request *q, const struct conf_section *s, const struct conf_vars *vars)
{
	if (is_listed(q, s, P_WRITE_LIST, vars))
		return false;
	return conf_bool(s, P_READ_ONLY) || is_listed(q, s, P_READ_LIST, vars);
}

static struct vfs_cred *choose_cred(const struct share_request *q, const struct conf_section *s,
	const struct conf_vars *vars)
{
	const char *force_user = conf_str(s, P_FORCE_USER), *force_group = conf_str(s, P_FORCE_GROUP);
	struct vfs_cred *cred;

	if (q->server->privileged && is_listed(q, s, P_ADMIN_USERS, vars))
		cred = vfs_cred_new(0, 0, NULL, 0);
	else if (*force_user)
		cred = user_cred(q->server, force_user);
	else if (conf_bool(s, P_GUEST_ONLY))
		cred = user_cred(q->server, q->server->policy.guest_account);
	else
		cred = vfs_cred_ref(q->session_cred);
	if (cred && *force_group && q->server->privileged) {
		struct vfs_cred *grouped = user_cred_with_group(cred, force_group);
		vfs_cred_unref(cred);
		cred = grouped;
	}
	return cred;
}

static struct vfs_share_options options_of(const struct conf_section *s, bool read_only)
{
	return (struct vfs_share_options){
		.mapped = (enum vfs_mapped)conf_int(s, P_PMEM_MAPPED_IO),
		.min_durability = (enum vfs_durability)conf_int(s, P_PMEM_DURABILITY),
		.case_sensitive = conf_int(s, P_CASE_SENSITIVE) == 1,
		.store_dos_attributes = conf_bool(s, P_STORE_DOS_ATTRIBUTES),
		.follow_symlinks = conf_bool(s, P_FOLLOW_SYMLINKS),
		.read_only = read_only,
		.hide_dot_files = conf_bool(s, P_HIDE_DOT_FILES),
		.strict_sync = conf_bool(s, P_STRICT_SYNC),
		.create_mask = (mode_t)conf_int(s, P_CREATE_MASK),
		.force_create_mode = (mode_t)conf_int(s, P_FORCE_CREATE_MODE),
		.directory_mask = (mode_t)conf_int(s, P_DIRECTORY_MASK),
		.force_directory_mode = (mode_t)conf_int(s, P_FORCE_DIRECTORY_MODE),
		.inherit_permissions = conf_bool(s, P_INHERIT_PERMISSIONS),
		.veto = conf_list(s, P_VETO_FILES),
		.hide = conf_list(s, P_HIDE_FILES),
	};
}

ntstatus_t share_connect(TALLOC_CTX *mem, const struct share_request *q, struct share_grant *out)
{
	char *home;
	const char *service;
	const struct conf_section *s = find_section(mem, q, &service, &home);

	if (!s)
		return STATUS_BAD_NETWORK_NAME;
	const char *path = conf_str(s, P_PATH);
	struct conf_vars vars = {.user = q->user, .home = home, .client_addr = q->peer, .client_name = q->peer,
		.service = service,
		.server_name = q->server->policy.netbios_name};
	ntstatus_t status = admit(q, s, &vars);
	if (!status_is_ok(status))
		return status;
	char *root = home && !*path ? home : conf_expand(mem, path, &vars);
	if (!root || *root != '/')
		return STATUS_BAD_NETWORK_NAME;
	*out = (struct share_grant){.section = s, .read_only = is_read_only(q, s, &vars)};
	out->encrypt = conf_int(s, P_SMB_ENCRYPT) == CONF_ENCRYPT_REQUIRED;
	out->name = talloc_strdup(mem, service);
	struct vfs_share_options options = options_of(s, out->read_only);
	int rc = share_cache_open(q->server->shares, q->settings->generation, s, root, &options, &out->vfs, &out->guard);
	if (rc < 0) {
		log_error(smb, "share %s: %s: %s", out->name, root, strerror(-rc));
		return rc == -EACCES ? STATUS_ACCESS_DENIED : STATUS_BAD_NETWORK_NAME;
	}
	out->cred = choose_cred(q, s, &vars);
	if (!out->cred) {
		vfs_share_unref(out->vfs);
		vfs_guard_unref(out->guard);
		return STATUS_ACCESS_DENIED;
	}
	return STATUS_SUCCESS;
}

bool share_is_listed(const struct conf_section *s)
{
	return conf_bool(s, P_BROWSEABLE) && conf_bool(s, P_AVAILABLE);
}
