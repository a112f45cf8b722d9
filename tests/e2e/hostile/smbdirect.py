# SPDX-License-Identifier: LGPL-3.0-or-later
"""SMB Direct, [MS-SMBD], as a client; and the client of client.py on it, with memory that the server reads and writes."""
import contextlib, os, socket, struct
from dataclasses import dataclass, field

from lib import expect
from .client import SECONDS, Connection
from .iwarp import Iwarp
from .words import ALL_ACCESS, READ, READ_ATTRIBUTES, READ_DATA, SUCCESS, WRITE

V1 = 0x100
RESPONSE_REQUESTED = 1
HEADER, DATA_AT = 20, 24
NO_CHANNEL, RDMA_V1, RDMA_V1_INVALIDATE = 0, 1, 2  # [MS-SMB2] 2.2.19
LEAST_SIZE, LEAST_MESSAGE = 128, 131072


@dataclass
class Response:
    """A negotiate response, 2.2.2."""
    least: int
    most: int
    version: int
    reserved: int
    credits_requested: int
    credits_granted: int
    status: int
    max_read_write: int
    preferred_send: int
    max_receive: int
    max_fragmented: int


def negotiate_request(versions=(V1, V1), credits=64, send=8192, receive=8192, fragmented=1 << 20):
    return struct.pack('<HHHHIII', *versions, 0, credits, send, receive, fragmented)


def data_message(data=b'', credits=64, granted=0, flags=0, remaining=0, at=None, length=None):
    """2.2.3; at, length: that it announces, if not the true ones."""
    at = (DATA_AT if data else 0) if at is None else at
    length = len(data) if length is None else length
    return struct.pack('<HHHHIII', credits, granted, flags, 0, remaining, at, length) + (bytes(4) + data if data else b'')


class SmbDirect:
    """The client's side; keeps the server in credits and counts what it owes."""

    def __init__(self, rdma):
        self.rdma = rdma
        self.credits, self.granted = 0, 0  # messages that we may send; that the server may
        self.generous = True               # False: the server is granted nothing
        self.target = 64
        self.partial, self.missing, self.whole = b'', 0, []
        self.keep_alives = 0
        self.receive_size = 0

    def negotiate(self, **details):
        """The response; the status may be a refusal."""
        self.target = details.get('credits', 64)
        self.receive_size = details.get('receive', 8192)
        sizes = details.get('send', 8192)
        self.rdma.send(negotiate_request(**details))
        data = self.rdma.receive().data
        expect(len(data) == 32, f'a negotiate response of {len(data)} bytes')
        r = Response(*struct.unpack('<HHHHHHIIIII', data))
        expect(r.least <= V1 <= r.most and r.reserved == 0, f'{r}')
        if r.status == SUCCESS:
            # 3.1.5.6: what the other side can receive bounds what is sent, and the other way round.
            expect(r.version == V1 and r.credits_granted > 0 and r.credits_requested > 0, f'{r}')
            expect(LEAST_SIZE <= r.preferred_send <= max(self.receive_size, LEAST_SIZE), f'{r}')
            expect(LEAST_SIZE <= r.max_receive <= max(sizes, LEAST_SIZE) and r.max_fragmented >= LEAST_MESSAGE, f'{r}')
            expect(r.credits_granted <= self.target, f'{r}')
            self.credits, self.response = r.credits_granted, r
        return r

    # ---- sending ----

    def offer(self):
        """The credits that the next message grants."""
        n = max(0, self.target - self.granted) if self.generous else 0
        self.granted += n
        return n

    def post(self, data=b'', **details):
        """One Send, when there is a credit for it."""
        while self.credits < 1:
            self.take()
        self.credits -= 1
        details.setdefault('granted', self.offer())
        self.rdma.send(data_message(data, **details))

    def send(self, message, size=None):
        """size: of a fragment's data."""
        size = size or self.response.max_receive - DATA_AT
        for at in range(0, len(message), size):
            part = message[at:at + size]
            self.post(part, remaining=len(message) - at - len(part))

    # ---- receiving ----

    def take(self):
        """One Send of the server."""
        m = self.rdma.receive()
        expect(len(m.data) <= self.receive_size, f'a Send of {len(m.data)} bytes, {self.receive_size} were agreed')
        expect(len(m.data) >= HEADER, f'a Send of {len(m.data)} bytes')
        wanted, granted, flags, reserved, remaining, at, length = struct.unpack_from('<HHHHIII', m.data)
        expect(self.granted > 0, 'a Send without a credit')
        self.granted -= 1
        self.credits += granted
        expect(wanted > 0 and flags in (0, RESPONSE_REQUESTED) and reserved == 0, f'header {m.data[:HEADER].hex()}')
        # So that neither side can fall silent for ever, 3.1.5.9.
        expect(self.credits > 0 or self.granted > 0, 'both sides are without credits')
        if length:
            expect(at % 8 == 0 and at >= HEADER and at + length == len(m.data), f'header {m.data[:HEADER].hex()}')
            self.add(m.data[at:], remaining, m.invalidated)
        else:
            expect(remaining == 0 and m.invalidated is None, f'header {m.data[:HEADER].hex()}')
        self.return_favours(flags)

    def add(self, data, remaining, invalidated):
        if self.partial:
            expect(remaining == self.missing - len(data), f'{remaining} remain, not {self.missing - len(data)}')
        self.partial, self.missing = self.partial + data, remaining
        if remaining:
            expect(invalidated is None, 'a tag is invalidated before the message is whole')
            return
        self.whole.append((self.partial, invalidated))
        self.partial = b''

    def return_favours(self, flags):
        self.keep_alives += flags & RESPONSE_REQUESTED
        if self.credits and (flags & RESPONSE_REQUESTED or (self.generous and self.granted <= self.target // 2)):
            self.post()

    def receive(self):
        """The next message and the tag that came with it to be invalidated, or None."""
        while not self.whole:
            self.take()
        return self.whole.pop(0)


@dataclass
class DirectConnection(Connection):
    """mpa: details of Iwarp.request; direct: of negotiate_request. Replies say in .invalidated which tag came with them."""
    mpa: dict = field(default_factory=dict)
    direct: dict = field(default_factory=dict)

    def port(self):
        return self.server.rdma_port

    def __enter__(self):
        super().__enter__()
        try:
            self.rdma = Iwarp(self.socket)
            self.rdma.connect(**self.mpa)
            self.smbd = SmbDirect(self.rdma)
            self.smbd.negotiate(**self.direct)
        except BaseException:
            self.socket.close()
            raise
        return self

    def send_bytes(self, data):
        self.rdma.send_bytes(data)

    def send_frame(self, message):
        self.smbd.send(message)

    def take_frame(self):
        frame, self.came_with = self.smbd.receive()
        return frame

    def receive(self):
        got = super().receive()
        for reply in got:
            reply.invalidated = self.came_with
        return got

    def ends(self, seconds=SECONDS):
        """Its Terminate, or None."""
        return self.rdma.ends(seconds)


@contextlib.contextmanager
def rdma_socket(server, source='127.0.0.1'):
    """Not set up."""
    with socket.create_connection(('127.0.0.1', server.rdma_port), SECONDS, (source, 0)) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield Iwarp(s)


@contextlib.contextmanager
def rdma_connection(server, source='127.0.0.1', **mpa):
    with rdma_socket(server, source) as r:
        r.connect(**mpa)
        yield r


# ---- READ and WRITE with descriptors ----

def descriptors(*which):
    """Each is (offset, tag, length)."""
    return b''.join(struct.pack('<QII', *d) for d in which)


def channel_read(file, offset, length, info, channel=RDMA_V1, minimum=0, remaining=0, at=None, size=None):
    """[MS-SMB2] 2.2.19."""
    at = (64 + 48 if info else 0) if at is None else at
    return (struct.pack('<HBBIQ', 49, 0x50, 0, length, offset) + file +
            struct.pack('<IIIHH', minimum, channel, remaining, at, len(info) if size is None else size) + (info or b'\0'))


def channel_write(file, offset, length, info, channel=RDMA_V1, flags=0, at=None, size=None, data=(0, 0), inline=b''):
    """2.2.21; data: DataOffset and Length."""
    at = (64 + 48 if info else 0) if at is None else at
    return (struct.pack('<HHIQ', 49, data[0], data[1], offset) + file +
            struct.pack('<IIHHI', channel, length, at, len(info) if size is None else size, flags) + (info + inline or b'\0'))


def charge(length):
    return min(max(1, -(-length // 65536)), 128)


def read_into(f, offset, length, *which, **details):
    """READ that the server answers by RDMA Writes to the descriptors: the reply."""
    return f.tree.do(READ, channel_read(f.id, offset, length, descriptors(*which), **details), charge=charge(length))


def write_from(f, offset, length, *which, **details):
    """WRITE that the server fetches by RDMA Reads: the reply."""
    return f.tree.do(WRITE, channel_write(f.id, offset, length, descriptors(*which), **details), charge=charge(length))


def moved(reply, size):
    """[MS-SMB2] 2.2.20: what went through a channel is told in DataRemaining."""
    reply.want()
    length, remaining = struct.unpack_from('<II', reply.body, 4)
    expect((length, remaining) == (0, size), f'DataLength {length}, DataRemaining {remaining}, not {size}')


def written(reply, size):
    expect(struct.unpack_from('<I', reply.want().body, 4)[0] == size, f'Count is not {size}')


class Peer:
    """A client that has logged on over SMB Direct, in a `with` statement."""

    def __init__(self, s, dialect=0x311, share='data', user=None, **details):
        self.s, self.dialect, self.share, self.user = s, dialect, share, user
        self.c = DirectConnection(s, **details)

    def __enter__(self):
        self.c.__enter__()
        try:
            self.c.negotiate((self.dialect,)).want()
            self.session = self.c.log_on(self.user)
            self.tree = self.session.connect(self.share)
        except BaseException:
            self.__exit__()
            raise
        self.rdma, self.smbd = self.c.rdma, self.c.smbd
        return self

    def __exit__(self, *_):
        self.c.__exit__()

    def open(self, name='read', access=READ_DATA | READ_ATTRIBUTES, **how):
        return self.tree.open(name, access=access, **how)

    def scratch(self, name='scratch'):
        """An empty file to write."""
        with open(self.s.path('data', name), 'wb'):
            pass
        self.s.own(self.s.path('data', name))
        return self.open(name, access=ALL_ACCESS)

    def memory(self, size, **rights):
        """Random bytes, and their tag."""
        m = bytearray(os.urandom(size))
        return m, self.rdma.expose(m, **rights)


def on_disk(s, name='scratch'):
    with open(s.path('data', name), 'rb') as f:
        return f.read()


def content(s, size=20000):
    """Of the file `read`, which stays as it is."""
    if s.path('data', 'read') not in s.kept:
        s.keep('data', 'read', os.urandom(size))
    return on_disk(s, 'read')
