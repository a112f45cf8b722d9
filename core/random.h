/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CORE_RANDOM_H
#define CORE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills buf from the kernel's generator; does not return without having done so. Any thread. */
void random_bytes(void *buf, size_t len);
uint64_t random_u64(void);

#endif
