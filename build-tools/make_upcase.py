#!/usr/bin/env python3
"""Writes wire/upcase_table.h: upper case of the Basic Multilingual Plane as file names are compared.

Usage: build-tools/make_upcase.py > wire/upcase_table.h

Only pairs that lead back are taken (lower(upper(c)) == c), as in the table that NTFS keeps on its volumes: so the long s,
the dotless i or the micro sign stay apart from s, i and mu. NTFS has one exception, the final sigma. What has no partner of
one code point (the sharp s) stays itself, and so does everything above the plane.
"""
import sys
import unicodedata

FINAL_SIGMA, CAPITAL_SIGMA = 0x03C2, 0x03A3


def upper(c):
    # The full mapping of an iota-subscript letter has two code points, its title case is the simple mapping.
    for candidate in (chr(c).upper(), chr(c).title()):
        if len(candidate) == 1 and ord(candidate) <= 0xFFFF and candidate.lower() == chr(c):
            return ord(candidate)
    return CAPITAL_SIGMA if c == FINAL_SIGMA else c


def ranges(pairs):
    """[first, last, step, delta]: the members are `step` apart and move by the same delta."""
    out = []
    for c, u in pairs:
        delta = (u - c) & 0xFFFF
        if out and out[-1][3] == delta:
            first, last, step, _ = out[-1]
            gap = c - last
            if gap <= 2 and (first == last or gap == step):
                out[-1][1], out[-1][2] = c, gap
                continue
        out.append([c, c, 1, delta])
    return out


def main():
    pairs = [(c, upper(c)) for c in range(0x80, 0x10000) if not 0xD800 <= c <= 0xDFFF and upper(c) != c]
    print('/* SPDX-License-Identifier: LGPL-3.0-or-later */')
    print(f'/* Written by build-tools/make_upcase.py from Unicode {unicodedata.unidata_version}. */')
    print('#ifndef WIRE_UPCASE_TABLE_H\n#define WIRE_UPCASE_TABLE_H\n')
    print('#include <stdint.h>\n')
    print('/* Every step-th code point from first to last moves by delta, modulo 65536. In ascending order. */')
    print('static const struct upcase_range {\n\tuint16_t first, last, step, delta;\n} upcase_ranges[] = {')
    for first, last, step, delta in ranges(pairs):
        print(f'\t{{0x{first:04X}, 0x{last:04X}, {step}, 0x{delta:04X}}},')
    print('};\n\n#endif')


if __name__ == '__main__':
    sys.exit(main())
