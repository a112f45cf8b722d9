/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "conf/conf.h"
#include "conf/hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct conf *c, const struct conf_section *s)
{
	for (unsigned p = 0; p < P_COUNT; p++)
		if (conf_is_set(s, p))
			talloc_free(conf_show(NULL, s, p));
	conf_hosts_allowed(
		conf_list(s, P_HOSTS_ALLOW), conf_list(s, P_HOSTS_DENY), "10.1.2.3", conf_section_name(s));
	struct conf_vars v = {.user = conf_section_name(s), .service = conf_str(s, P_COMMENT)};
	talloc_free(conf_expand(NULL, conf_str(s, P_PATH), &v));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *error;
	struct conf *c = conf_parse(NULL, (const char *)data, size, "fuzz", &error);

	if (!c)
		return 0;
	use(c, conf_global(c));
	for (size_t i = 0; i < conf_share_count(c); i++)
		use(c, conf_share(c, i));
	talloc_free(c);
	return 0;
}
