/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef WIRE_SHORT_NAME_H
#define WIRE_SHORT_NAME_H

#include <stdbool.h>

/* 8.3 names, [MS-FSCC] 2.1.5.2.1: for FileAlternateNameInformation and for clients that open by them. Pure. */

enum { SHORT_NAME_SIZE = 13 }; /* eight, a dot, three, and a terminator */

/*
 * The short name of a UTF-8 name: itself in capitals if it is one already, else the first letter, five digits of a hash that
 * is equal for names equal without regard to case, '~', a digit of it, and what the extension has of legal letters.
 */
void short_name_of(const char *name, char out[SHORT_NAME_SIZE]);

/* True if the name could have been made by short_name_of from a longer one. */
bool short_name_is_made(const char *name);

#endif
