/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "auth/account.h"

#include "auth/crypto.h"
#include "auth/userdb.h"
#include "core/log.h"

#include <errno.h>

int account_find(TALLOC_CTX *mem, const struct auth_policy *policy, const char *client_name,
	const char *domain, struct account *out)
{
	struct userdb_entry e = {0};

	*out = (struct account){.name = client_name};
	if (policy->username_map_path && *policy->username_map_path) {
		out->name = username_map_apply(mem, policy->username_map_path, client_name, domain);
		if (!out->name)
			return -ENOMEM;
	}
	if (!policy->smbpasswd_path)
		return 0;
	int rc = userdb_find(mem, policy->smbpasswd_path, out->name, &e);
	if (rc == 0) {
		out->name = e.name;
		out->known = true;
		out->disabled = e.disabled;
		out->has_password = e.has_password;
		memcpy(out->nt_hash, e.nt_hash, sizeof(out->nt_hash));
		crypto_wipe(e.nt_hash, sizeof(e.nt_hash));
	} else if (rc != -ENOENT) {
		log_error(auth, "%s cannot be read: %s", policy->smbpasswd_path, strerror(-rc));
		return rc;
	}
	return 0;
}
