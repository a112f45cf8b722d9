/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_FUZZ_SERVER_INPUT_H
#define TESTS_FUZZ_SERVER_INPUT_H

/*
 * The input of fuzz_server. It is a first byte, bits of enum first, and then steps: a byte, bits of enum
 * step, and for frames a 16-bit length and that many bytes.
 */

#include "wire/smb2.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum first {
	DIALECTS = 7,  /* a number: which dialect */
	SLOW = 8,      /* the share's work goes to workers */
	ENCRYPTS = 16, /* session A demands encryption */
	SIGNS = 32,    /* session A demands signatures */
};
enum step {
	WHICH = 3,   /* a connection; 3: no frame but a byte of enum event */
	MENDED = 4,  /* message ids, session, tree and protocol are made right */
	SEALED = 8,  /* with the key of session A */
	HELD = 16,   /* jobs wait until a step without this bit */
	UNREAD = 32, /* replies are not read until a step without this bit */
	SIGNED = 64, /* with the key of session A */
};
enum event { RUN_ONE_JOB, FIRE_TIMER, CLOSE_0, CLOSE_1, CLOSE_2, DELIVER_ONE, LOG_OFF_B, BREAK_OFF, EVENTS };
enum { REACTORS = 2, CONNECTIONS = 3, SESSION_KEY_BYTE = 0x4B };

static void fail_at(const char *file, int line)
{
	fprintf(stderr, "%s:%d does not hold\n", file, line);
	abort();
}
#define must(ok) ((ok) ? (void)0 : fail_at(__FILE__, __LINE__))

static void put(uint8_t *p, size_t size, size_t offset, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n && offset + i < size; i++)
		p[offset + i] = (uint8_t)(v >> 8 * i);
}

static uint32_t get(const uint8_t *p, size_t size, size_t offset, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n && offset + i < size; i++)
		v |= (uint32_t)p[offset + i] << 8 * i;
	return v;
}

/* ---- mutations that know steps: most faults are a matter of order ---- */

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

enum { MOST_CUT = 256, STEP_HEAD = 3 };

/* Where the steps begin, and behind the last where they end; their number. */
static size_t cut_into_steps(const uint8_t *data, size_t size, size_t at[MOST_CUT + 1])
{
	size_t n = 0, pos = size ? 1 : 0;

	while (pos < size && n < MOST_CUT) {
		bool is_frame = (data[pos] & WHICH) < CONNECTIONS;
		size_t len = is_frame ? STEP_HEAD + get(data, size, pos + 1, 2) : 2;
		at[n++] = pos;
		pos = len < size - pos ? pos + len : size;
	}
	at[n] = pos;
	return n;
}

/* Puts len bytes in at pos; the new size. */
static size_t insert(
	uint8_t *data, size_t size, size_t max_size, size_t pos, const uint8_t *bytes, size_t len)
{
	if (len > max_size - size)
		return size;
	memmove(data + pos + len, data + pos, size - pos);
	memcpy(data + pos, bytes, len);
	return size + len;
}

static size_t mutate_frame(uint8_t *data, size_t size, size_t max_size, size_t from, size_t to)
{
	size_t head = from + STEP_HEAD, rest = size - to, room = max_size - head - rest;

	if (to <= head)
		return size;
	uint8_t *tail = malloc(rest + 1);
	must(tail);
	memcpy(tail, data + to, rest);
	size_t len = LLVMFuzzerMutate(data + head, to - head, room < UINT16_MAX ? room : UINT16_MAX);
	put(data, max_size, from + 1, len, 2);
	memcpy(data + head + len, tail, rest);
	free(tail);
	return head + len + rest;
}

static size_t copy_step(uint8_t *data, size_t size, size_t max_size, size_t from, size_t to, size_t pos)
{
	uint8_t *step = malloc(to - from + 1);

	must(step);
	memcpy(step, data + from, to - from);
	size = insert(data, size, max_size, pos, step, to - from);
	free(step);
	return size;
}

/* Two frames become one compound. */
static size_t join_steps(uint8_t *data, size_t size, size_t max_size, size_t from, size_t middle, size_t to)
{
	static const uint8_t zeros[8];
	size_t last = from + STEP_HEAD, len = middle - last;

	if (to - middle < STEP_HEAD || (data[middle] & WHICH) >= CONNECTIONS || len < SMB2_HEADER_SIZE ||
		to - from > UINT16_MAX / 2)
		return size;
	for (uint32_t n; (n = get(data, middle, last + 20, 4)) >= SMB2_HEADER_SIZE && n < middle - last;)
		last += n;
	size_t pad = (8 - len % 8) % 8, second = to - middle - STEP_HEAD;
	memmove(data + middle, data + middle + STEP_HEAD, size - middle - STEP_HEAD);
	size = insert(data, size - STEP_HEAD, max_size, middle, zeros, pad);
	put(data, size, last + 20, middle + pad - last, 4);
	put(data, size, from + 1, len + pad + second, 2);
	return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	size_t at[MOST_CUT + 1], n = cut_into_steps(data, size, at);
	uint8_t event[2] = {WHICH | (seed >> 20 & HELD), (uint8_t)(seed >> 12)};

	if (n == 0 || max_size < size)
		return LLVMFuzzerMutate(data, size, max_size);
	size_t i = seed / 16 % n, k = seed / 8192 % (n + 1);
	switch (seed % 10) {
	case 0:
		return insert(data, size, max_size, at[k], event, sizeof(event));
	case 1: /* another flag of the step */
		data[at[i]] ^= (uint8_t)(MENDED << seed / 64 % 5);
		return size;
	case 2:
		return copy_step(data, size, max_size, at[i], at[i + 1], at[k]);
	case 3:
		memmove(data + at[i], data + at[i + 1], size - at[i + 1]);
		return size - (at[i + 1] - at[i]);
	case 4: /* another connection says it */
		if ((data[at[i]] & WHICH) < CONNECTIONS)
			data[at[i]] ^= 1;
		return size;
	case 5:
		return LLVMFuzzerMutate(data, size, max_size);
	case 6:
		if ((data[at[i]] & WHICH) < CONNECTIONS && i + 1 < n)
			return join_steps(data, size, max_size, at[i], at[i + 1], at[i + 2]);
		return size;
	default:
		return mutate_frame(data, size, max_size, at[i], at[i + 1]);
	}
}

#endif
