/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/conn.h"

static const struct {
	uint16_t dialect;
	const char *name;
} dialects[] = {
	{SMB2_DIALECT_0202, "2.0.2"},
	{SMB2_DIALECT_0210, "2.1"},
	{SMB2_DIALECT_0300, "3.0"},
	{SMB2_DIALECT_0302, "3.0.2"},
	{SMB2_DIALECT_0311, "3.1.1"},
};

uint16_t daxsmb_dialect_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(dialects); i++)
		if (strcmp(dialects[i].name, name) == 0)
			return dialects[i].dialect;
	return 0;
}

const char *daxsmb_dialect_name(uint16_t dialect)
{
	for (size_t i = 0; i < ARRAY_SIZE(dialects); i++)
		if (dialects[i].dialect == dialect)
			return dialects[i].name;
	return "?";
}

uint16_t client_dialects_between(uint16_t min, uint16_t max, uint16_t *out)
{
	uint16_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(dialects); i++)
		if (dialects[i].dialect >= min && dialects[i].dialect <= max)
			out[n++] = dialects[i].dialect;
	return n;
}
