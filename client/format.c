/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/format.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "wire/smb2.h"

void client_format_attributes(uint32_t attributes, char out[ATTRIBUTES_TEXT])
{
	static const struct {
		uint32_t bit;
		char letter;
	} letters[ATTRIBUTES_TEXT - 1] = {
		{FILE_ATTRIBUTE_DIRECTORY, 'D'},
		{FILE_ATTRIBUTE_READONLY, 'R'},
		{FILE_ATTRIBUTE_HIDDEN, 'H'},
		{FILE_ATTRIBUTE_SYSTEM, 'S'},
		{FILE_ATTRIBUTE_ARCHIVE, 'A'},
		{FILE_ATTRIBUTE_REPARSE_POINT, 'L'},
		{FILE_ATTRIBUTE_COMPRESSED, 'C'},
	};

	for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
		out[i] = attributes & letters[i].bit ? letters[i].letter : '-';
	out[ARRAY_SIZE(letters)] = '\0';
}

void client_format_time(uint64_t nttime, char out[TIME_TEXT])
{
	struct timespec t = nttime_to_timespec(nttime);
	struct tm tm;

	if (nttime == 0 || !localtime_r(&t.tv_sec, &tm) ||
		!strftime(out, TIME_TEXT, "%Y-%m-%d %H:%M:%S", &tm))
		memcpy(out, "-", 2);
}

void client_format_name(FILE *to, const char *name)
{
	for (; *name; name++)
		putc((unsigned char)*name < 0x20 || *name == 0x7F ? '?' : *name, to);
}
