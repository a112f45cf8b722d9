# SPDX-License-Identifier: LGPL-3.0-or-later
"""Bodies of SMB2 requests, [MS-SMB2] 2.2. Offsets in them count from the header, so a body starts at 64."""
import struct

from .words import (AES_CMAC, AES_GMAC, AES128_CCM, AES128_GCM, HMAC_SHA256, NO_OPLOCK, READ_DATA, SHARE_ALL,
                    READ_ATTRIBUTES, OPEN)

HEADER = 64


def utf16(text):
    return text if isinstance(text, bytes) else text.encode('utf-16-le', 'surrogatepass')


def context(kind, data):
    return struct.pack('<HHI', kind, len(data), 0) + data


def numbers(values):
    return struct.pack('<H', len(values)) + b''.join(struct.pack('<H', v) for v in values)


def negotiate_contexts(ciphers, signings):
    made = [context(1, struct.pack('<HHH', 1, 32, 1) + b's' * 32)]
    made += [context(2, numbers(ciphers))] if ciphers else []
    made += [context(8, numbers(signings))] if signings else []
    return made


def negotiate(dialects, guid=b'\0' * 16, mode=1, capabilities=0x7F, ciphers=(AES128_GCM, AES128_CCM),
              signings=(AES_GMAC, AES_CMAC, HMAC_SHA256), contexts=None):
    names = b''.join(struct.pack('<H', d) for d in dialects)
    fixed = struct.pack('<HHHHI', 36, len(dialects), mode, 0, capabilities) + guid
    if 0x311 not in dialects:
        return fixed + bytes(8) + names
    made = negotiate_contexts(ciphers, signings) if contexts is None else contexts
    start = (HEADER + 36 + len(names) + 7) // 8 * 8
    gap = bytes(start - HEADER - 36 - len(names))
    listed = b''.join(c + bytes(-len(c) % 8) for c in made[:-1]) + (made[-1] if made else b'')
    return fixed + struct.pack('<IHH', start, len(made), 0) + names + gap + listed


def session_setup(token, flags=0, mode=1, previous=0):
    return struct.pack('<HBBIIHHQ', 25, flags, mode, 1, 0, HEADER + 24, len(token), previous) + token


def tree_connect(path):
    name = utf16(path)
    return struct.pack('<HHHH', 9, 0, HEADER + 8, len(name)) + name


EMPTY = struct.pack('<HH', 4, 0)  # LOGOFF, TREE_DISCONNECT, ECHO, CANCEL


def create(name, access=READ_DATA | READ_ATTRIBUTES, disposition=OPEN, options=0, share=SHARE_ALL, oplock=NO_OPLOCK,
           attributes=0, contexts=b''):
    n = utf16(name)
    room = n + bytes(-len(n) % 8) if contexts else n or b'\0'
    at = HEADER + 56 + len(room) if contexts else 0
    return struct.pack('<HBBIQQIIIIIHHII', 57, 0, oplock, 2, 0, 0, access, attributes, share, disposition, options,
                       HEADER + 56, len(n), at, len(contexts)) + room + contexts


def close(file, flags=0):
    return struct.pack('<HHI', 24, flags, 0) + file


def flush(file):
    return struct.pack('<HHI', 24, 0, 0) + file


def read(file, offset, length, minimum=0):
    return struct.pack('<HBBIQ', 49, 0x50, 0, length, offset) + file + struct.pack('<IIIHH', minimum, 0, 0, 0, 0) + b'\0'


def write(file, offset, data, flags=0):
    return struct.pack('<HHIQ', 49, HEADER + 48, len(data), offset) + file + struct.pack('<IIHHI', 0, 0, 0, 0, flags) + data


def lock(file, elements):
    return struct.pack('<HHI', 48, len(elements), 0) + file + b''.join(struct.pack('<QQII', *e, 0) for e in elements)


def ioctl(code, file, data=b'', room=4096, flags=1):
    return (struct.pack('<HHI', 57, 0, code) + file +
            struct.pack('<IIIIIIII', HEADER + 56, len(data), 0, 0, 0, room, flags, 0) + (data or b'\0'))


def query_directory(file, pattern='*', info=37, flags=0, room=65536):
    name = utf16(pattern)
    return struct.pack('<HBBI', 33, info, flags, 0) + file + struct.pack('<HHI', HEADER + 32, len(name), room) + name


def change_notify(file, room=4096, flags=0, what=0xFFF):
    return struct.pack('<HHI', 32, flags, room) + file + struct.pack('<II', what, 0)


def query_info(file, kind, info, room=4096):
    return struct.pack('<HBBIHHIII', 41, kind, info, room, 0, 0, 0, 0, 0) + file


def set_info(file, info, data, kind=1):
    return struct.pack('<HBBIHHI', 33, kind, info, len(data), HEADER + 32, 0, 0) + file + data


def rename(name, replace=False, root=0):
    n = utf16(name)
    return struct.pack('<B7xQI', replace, root, len(n)) + n + bytes(max(0, 4 - len(n)))


def oplock_break(file, level):
    return struct.pack('<HBBI', 24, level, 0, 0) + file
