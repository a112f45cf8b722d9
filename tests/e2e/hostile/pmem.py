# SPDX-License-Identifier: LGPL-3.0-or-later
"""Direct access to files (docs/protocol-pmem.md), as a client that keeps no rule unless the test does."""
import os, struct
from dataclasses import dataclass, field

from lib import expect
from . import bodies
from .client import File
from .words import IOCTL, OPLOCK_BREAK, READ_ATTRIBUTES, READ_DATA

OFFER = bytes.fromhex('a1b6547cde93074d8f0b2e6a51d9c34e')
MAP, COMMIT, UNMAP = 0x142004, 0x142008, 0x14200C
READING, WRITING = 1, 3
LEASE_R, LEASE_H, LEASE_W, LEASE_RW, LEASE_RWH = 1, 2, 4, 5, 7
LEASE = 0xFF
WRITE_DATA = 2


def contexts(*which):
    """Each is (name, data), [MS-SMB2] 2.2.13.2."""
    out = b''
    for i, (name, data) in enumerate(which):
        at = 16 + len(name) + -len(name) % 8
        one = struct.pack('<IHHHHI', 0, 16, len(name), 0, at, len(data)) + name + bytes(at - 16 - len(name)) + data
        if i + 1 < len(which):
            one += bytes(-len(one) % 8)
            one = struct.pack('<I', len(one)) + one[4:]
        out += one
    return out


def context_of(reply, name):
    """Data of a context in CREATE's reply, or None."""
    at, size = struct.unpack_from('<II', reply.body, 80)
    data = reply.raw[at:at + size]
    while data:
        following, name_at, name_size, _, data_at, data_size = struct.unpack_from('<IHHHHI', data)
        if data[name_at:name_at + name_size] == name:
            return data[data_at:data_at + data_size]
        data = data[following:] if following else b''
    return None


@dataclass
class Offer:
    version: int
    durability: int
    guard: int
    status: int
    access: int
    commit_methods: int
    granularity: int
    revoke_timeout: int
    max_grants: int
    max_length: int


@dataclass
class Grant:
    file: object
    id: int
    durability: int
    guard: int
    offset: int
    length: int
    access: int
    tags: list = field(default_factory=list)  # (tagged offset, tag, length)


class DirectFile(File):
    """Open with a lease. state: of the lease that was granted."""

    def __init__(self, tree, reply, key):
        super().__init__(tree, reply)
        lease = context_of(reply, b'RqLs')
        self.key, self.lease = key, struct.unpack_from('<I', lease, 16)[0] if lease else 0
        offer = context_of(reply, OFFER)
        self.offer = Offer(*struct.unpack_from('<HBBIIIIII4xQ', offer)) if offer else None

    def ioctl(self, code, data, via=None, room=4096):
        """via: (connection, session) of another channel."""
        body = bodies.ioctl(code, self.id, data, room)
        if via:
            return via[0].do(IOCTL, body, via[1], self.tree.id)
        return self.tree.do(IOCTL, body)

    def ask_map(self, offset, length, access=WRITING, version=1, **details):
        return self.ioctl(MAP, struct.pack('<HHIQQ', version, 0, access, offset, length), **details)

    def map(self, offset, length, access=WRITING, **details):
        return self.granted(self.ask_map(offset, length, access, **details).want())

    def granted(self, reply):
        out = output(reply)
        _, durability, guard, _, number, at, size, got, _, count = struct.unpack_from('<HBBIQQQIIH', out)
        tags = [(o, t, n) for o, t, n in struct.iter_unpack('<QII', out[48:48 + 16 * count])]
        return Grant(self, number, durability, guard, at, size, got, tags)

    def commit(self, grant, *ranges, **details):
        data = struct.pack('<HHIQ', 1, len(ranges), 0, grant.id) + b''.join(struct.pack('<QQ', *r) for r in ranges)
        return self.ioctl(COMMIT, data, **details)

    def unmap(self, grant, **details):
        return self.ioctl(UNMAP, struct.pack('<HHIQ', 1, 0, 0, grant.id), **details)

    def give_back(self, state):
        """Acknowledges the break of the lease: the reply."""
        return self.tree.do(OPLOCK_BREAK, struct.pack('<HHI', 36, 0, 0) + self.key + struct.pack('<IQ', state, 0))


def output(reply):
    at, size = struct.unpack_from('<II', reply.body, 32)
    return reply.raw[at:at + size]


def open_direct(tree, name, access=READ_DATA | WRITE_DATA | READ_ATTRIBUTES, lease=LEASE_RWH, key=None, wanted=WRITING,
                **how):
    key = key or os.urandom(16)
    which = [(OFFER, struct.pack('<HHI', 1, 0, wanted))]
    if lease:
        which.append((b'RqLs', key + struct.pack('<IIQ', lease, 0, 0) + bytes(16) + struct.pack('<HH', 1, 0)))
    reply = tree.create(name, access=access, oplock=LEASE if lease else 0, contexts=contexts(*which), **how)
    return DirectFile(tree, reply.want(), key)


def lease_break(notice):
    """(state that is left, whether an answer is wanted) of a break."""
    size, _, flags = struct.unpack_from('<HHI', notice.body)
    expect(size == 44, f'a notification of {size} bytes')
    return struct.unpack_from('<I', notice.body, 28)[0], bool(flags & 1)
