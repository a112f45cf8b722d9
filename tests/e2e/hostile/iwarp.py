# SPDX-License-Identifier: LGPL-3.0-or-later
"""
iWARP on a TCP socket, either end: MPA (RFC 5044, RFC 6581), DDP (RFC 5041), RDMAP (RFC 5040). It checks all that the other
side sends, and breaks what rules it is told to break.
"""
import os, socket, struct
from dataclasses import dataclass, field

from lib import PATIENCE, Failure, expect
from .client import Ended

REQUEST_KEY, REPLY_KEY = b'MPA ID Req Frame', b'MPA ID Rep Frame'
MARKERS, CRC, REJECT, ENHANCED = 0x80, 0x40, 0x20, 0x10  # flags of MPA frames
PEER_TO_PEER, RTR_FPDU, RTR_WRITE, RTR_READ = 0x8000, 0x4000, 0x8000, 0x4000  # flags of IRD, ORD
(RDMA_WRITE, READ_REQUEST, READ_RESPONSE, SEND, SEND_INVALIDATE, SEND_SE, SEND_SE_INVALIDATE, TERMINATE) = range(8)
SENDS = (SEND, SEND_INVALIDATE, SEND_SE, SEND_SE_INVALIDATE)
INVALIDATING = (SEND_INVALIDATE, SEND_SE_INVALIDATE)
SEND_QUEUE, READ_QUEUE, TERMINATE_QUEUE = range(3)
QUEUE_OF = {READ_REQUEST: READ_QUEUE, TERMINATE: TERMINATE_QUEUE, **{o: SEND_QUEUE for o in SENDS}}
TAGGED, LAST = 0x80, 0x40
# Terminates: layer, type and code; RFC 5040 section 4.8, RFC 5041 section 8.2, RFC 5044 section 8.
RDMAP_STAG, RDMAP_CANNOT_INVALIDATE = 0x0100, 0x0109
RDMAP_VERSION, RDMAP_OPCODE, RDMAP_UNSPECIFIED = 0x0205, 0x0206, 0x02FF
DDP_STAG, DDP_BOUNDS, DDP_TAGGED_VERSION = 0x1100, 0x1101, 0x1104
DDP_QUEUE, DDP_NO_BUFFER, DDP_MSN, DDP_MO, DDP_TOO_LONG, DDP_VERSION = 0x1201, 0x1202, 0x1203, 0x1204, 0x1205, 0x1206
MPA_CRC, MPA_LENGTH = 0x2002, 0x2003
SEGMENT = 1400  # payload of ours in one FPDU
SECONDS = 30 * PATIENCE


def crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


TABLE = crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


@dataclass
class MpaFrame:
    key: bytes
    flags: int
    revision: int
    private: bytes
    size: int = None  # that it announces, if not the true one

    def packed(self):
        size = len(self.private) if self.size is None else self.size
        return self.key + struct.pack('>BBH', self.flags, self.revision, size) + self.private

    def reads(self):
        """IRD and ORD of the enhanced block, flags and all."""
        return struct.unpack_from('>HH', self.private)


class Terminated(Ended):
    """The server has sent a Terminate. error: 0xLTCC, layer, type and code; headers: what it says about the bad segment."""

    def __init__(self, payload):
        self.error = struct.unpack_from('>H', payload)[0]
        self.flags, self.headers = payload[2], payload[4:]
        super().__init__(f'Terminate {self.error:04x}')


@dataclass
class Region:
    """Memory that the peer may reach by a tag, and what it did there."""
    memory: bytearray
    write: bool = True
    read: bool = True
    valid: bool = True
    writes: list = field(default_factory=list)  # (offset, size) of each segment
    reads: list = field(default_factory=list)   # (offset, size) of each Read


@dataclass
class Segment:
    """A DDP segment that has come."""
    tagged: bool
    last: bool
    opcode: int
    tag: int
    offset: int
    queue: int
    msn: int
    mo: int
    payload: bytes


@dataclass
class ReadRequest:
    sink_tag: int
    sink_offset: int
    size: int
    source_tag: int
    source_offset: int

    def packed(self):
        return struct.pack('>IQIIQ', self.sink_tag, self.sink_offset, self.size, self.source_tag, self.source_offset)


@dataclass
class Message:
    """A Send, whole. invalidated: the tag, or None."""
    data: bytes
    opcode: int
    invalidated: int = None


def parse(segment):
    expect(len(segment) >= 14, f'a segment of {len(segment)} bytes')
    ddp, rdmap = segment[0], segment[1]
    expect(ddp & 3 == 1 and rdmap >> 6 == 1 and not ddp & 0x3C and not rdmap & 0x30, f'DDP, RDMAP {segment[:2].hex()}')
    tag = struct.unpack_from('>I', segment, 2)[0]
    tagged, last, opcode = bool(ddp & TAGGED), bool(ddp & LAST), rdmap & 15
    if tagged:
        return Segment(True, last, opcode, tag, struct.unpack_from('>Q', segment, 6)[0], 0, 0, 0, segment[14:])
    expect(len(segment) >= 18, f'an untagged segment of {len(segment)} bytes')
    return Segment(False, last, opcode, tag, 0, *struct.unpack_from('>III', segment, 6), segment[18:])


class Iwarp:
    """One end. Whoever waits for a message answers the peer's Reads meanwhile."""

    def __init__(self, sock):
        self.socket = sock
        self.socket.settimeout(SECONDS)
        self.crc, self.revision, self.ird, self.ord = True, 0, 1, 1
        self.sent, self.due = {q: 1 for q in range(3)}, {q: 1 for q in range(3)}  # message numbers
        self.regions, self.inbox, self.partial, self.fetches = {}, [], b'', []
        self.unanswered, self.put, self.got_fpdus = 0, None, 0
        self.answer_read = self.serve_read
        self.largest = 0  # FPDU of the peer

    # ---- bytes ----

    def send_bytes(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as e:
            self.look_for_the_reason()
            raise Ended(str(e)) from e
        except TimeoutError as e:
            raise Failure('the peer takes no bytes') from e

    def look_for_the_reason(self):
        """What the peer said before it closed."""
        while True:
            self.step()

    def take(self, size):
        parts = []
        while size > 0:
            try:
                part = self.socket.recv(min(size, 1 << 20))
            except ConnectionResetError as e:
                raise Ended(str(e)) from e
            except TimeoutError as e:
                raise Failure('no answer') from e
            if not part:
                raise Ended('end of file')
            parts.append(part)
            size -= len(part)
        return b''.join(parts)

    # ---- MPA ----

    @staticmethod
    def request(revision=2, crc=True, ird=16, ord=16, private=b'', flags=0, enhanced=None):
        enhanced = revision >= 2 if enhanced is None else enhanced
        flags |= (CRC if crc else 0) | (ENHANCED if enhanced else 0)
        return MpaFrame(REQUEST_KEY, flags, revision, (struct.pack('>HH', ird, ord) if enhanced else b'') + private)

    def take_frame(self, key):
        header = self.take(20)
        flags, revision, size = struct.unpack_from('>BBH', header, 16)
        expect(header[:16] == key and size <= 512, f'no MPA frame: {header.hex()}')
        return MpaFrame(key, flags, revision, self.take(size))

    def connect(self, **details):
        """The initiator's part: the reply. A rejection is a reply too."""
        asked = self.request(**details)
        self.send_bytes(asked.packed())
        reply = self.take_frame(REPLY_KEY)
        expect(not reply.flags & MARKERS and not reply.flags & 0x0F, f'flags of the reply: {reply.flags:02x}')
        if not reply.flags & REJECT:
            self.agree(asked, reply)
        return reply

    def agree(self, asked, reply):
        # RFC 5044 section 7.1: CRC is used if either side wants it; RFC 6581 section 8: the revision is the request's.
        expect(reply.revision == asked.revision, f'revision {reply.revision} in answer to {asked.revision}')
        expect(reply.flags & CRC or not asked.flags & CRC, 'CRC was asked for')
        self.revision, self.crc = reply.revision, bool(reply.flags & CRC)
        enhanced = asked.flags & ENHANCED if asked.revision >= 2 else 0  # of revision 1 the bit is reserved
        expect(reply.flags & ENHANCED == enhanced, 'enhanced or not')
        if enhanced:
            (my_ird, my_ord), (its_ird, its_ord) = asked.reads(), reply.reads()
            expect(1 <= its_ird & 0x3FFF <= max(1, my_ord & 0x3FFF) and 1 <= its_ord & 0x3FFF <= max(1, my_ird & 0x3FFF),
                   f'IRD {its_ird:04x}, ORD {its_ord:04x} in answer to {my_ird:04x}, {my_ord:04x}')
            self.ird, self.ord = its_ord & 0x3FFF, its_ird & 0x3FFF

    def accept(self, crc=True, ird=16, ord=16):
        """The responder's part, for tests of this file alone."""
        asked = self.take_frame(REQUEST_KEY)
        flags = asked.flags & ENHANCED | (CRC if crc or asked.flags & CRC else 0)
        mine = b''
        if flags & ENHANCED:
            its_ird, its_ord = asked.reads()
            mine = struct.pack('>HH', min(ird, its_ord & 0x3FFF), min(ord, its_ird & 0x3FFF))
        self.crc, self.revision = bool(flags & CRC), asked.revision
        self.send_bytes(MpaFrame(REPLY_KEY, flags, asked.revision, mine).packed())

    # ---- FPDUs ----

    def fpdu(self, segment, crc=None, length=None):
        """length: that it announces, if not the true one."""
        data = struct.pack('>H', len(segment) if length is None else length) + segment
        data += bytes(-len(data) % 4)
        if crc is None:
            crc = crc32c(data) if self.crc else 0
        return data + struct.pack('<I', crc)

    @staticmethod
    def tagged(opcode, tag, offset, payload, last=True, ddp=1, rdmap=1):
        return struct.pack('>BBIQ', TAGGED | last * LAST | ddp, rdmap << 6 | opcode, tag, offset % 2**64) + payload

    @staticmethod
    def untagged(opcode, queue, msn, mo, payload, last=True, tag=0, ddp=1, rdmap=1):
        return struct.pack('>BBIIII', last * LAST | ddp, rdmap << 6 | opcode, tag, queue, msn, mo) + payload

    def send_fpdu(self, segment, **details):
        self.send_bytes(self.fpdu(segment, **details))

    def number(self, queue):
        self.sent[queue] += 1
        return self.sent[queue] - 1

    def send(self, data, opcode=SEND, tag=0, size=SEGMENT):
        """A Send, in segments."""
        msn, at = self.number(SEND_QUEUE), 0
        fpdus = []
        while True:
            part = data[at:at + size]
            last = at + len(part) == len(data)
            fpdus.append(self.fpdu(self.untagged(opcode, SEND_QUEUE, msn, at, part, last, tag)))
            at += len(part)
            if last:
                break
        self.send_bytes(b''.join(fpdus))

    def put_tagged(self, opcode, tag, offset, data, size=SEGMENT):
        """A Write or a Read Response, in segments."""
        fpdus = [self.fpdu(self.tagged(opcode, tag, offset + at, data[at:at + size], at + size >= len(data)))
                 for at in range(0, max(len(data), 1), size)]
        self.send_bytes(b''.join(fpdus))

    def write(self, tag, offset, data, **details):
        self.put_tagged(RDMA_WRITE, tag, offset, data, **details)

    def ask(self, request):
        """A Read Request."""
        self.send_fpdu(self.untagged(READ_REQUEST, READ_QUEUE, self.number(READ_QUEUE), 0, request.packed()))

    def fetch(self, source_tag, source_offset, size):
        """Reads the peer's memory into a region of its own; the response is taken by step()."""
        tag = self.expose(bytearray(size), write=False, read=False)
        self.fetches.append([tag, 0, size])
        self.ask(ReadRequest(tag, 0, size, source_tag, source_offset))
        while self.fetches:
            self.step()
        return bytes(self.regions[tag].memory)

    # ---- memory ----

    def expose(self, memory, write=True, read=True, tag=0):
        """The tag, new if none is given, of a bytearray."""
        while tag in (0, *self.regions):
            tag = struct.unpack('>I', os.urandom(4))[0]
        self.regions[tag] = Region(memory, write, read)
        return tag

    def region(self, tag, offset, size, what):
        r = self.regions.get(tag)
        expect(r, f'{what} by a tag that does not exist: {tag:08x}')
        expect(r.valid, f'{what} by a tag that it has invalidated: {tag:08x}')
        expect(offset + size <= len(r.memory), f'{what} outside a tag: {offset}+{size} of {len(r.memory)}')
        return r

    def serve_read(self, request):
        self.respond(request, self.wanted(request))

    def wanted(self, request):
        if not request.size:
            return b''
        r = self.region(request.source_tag, request.source_offset, request.size, 'a Read')
        expect(r.read, 'a Read of memory that is not to be read')
        r.reads.append((request.source_offset, request.size))
        return bytes(r.memory[request.source_offset:request.source_offset + request.size])

    def respond(self, request, data, **details):
        self.unanswered -= 1
        self.put_tagged(READ_RESPONSE, request.sink_tag, request.sink_offset, data, **details)

    # ---- what comes ----

    def take_fpdu(self):
        head = self.take(2)
        size = struct.unpack('>H', head)[0]
        rest = self.take(size + -(2 + size) % 4 + 4)
        data, (crc,) = head + rest[:-4], struct.unpack('<I', rest[-4:])
        expect(not self.crc or crc == crc32c(data), 'an FPDU with a wrong CRC')
        expect(not any(data[2 + size:]), 'padding that is not zero')
        self.got_fpdus += 1
        self.largest = max(self.largest, len(data) + 4)
        return data[2:2 + size]

    def step(self):
        """One FPDU of the peer."""
        s = parse(self.take_fpdu())
        if s.tagged:
            expect(s.opcode in (RDMA_WRITE, READ_RESPONSE), f'a tagged segment of opcode {s.opcode}')
            (self.take_write if s.opcode == RDMA_WRITE else self.take_response)(s)
            return
        expect(self.put is None, 'messages are mixed')
        expect(QUEUE_OF.get(s.opcode) == s.queue, f'opcode {s.opcode} on queue {s.queue}')
        expect(s.msn == self.due[s.queue], f'message {s.msn} on queue {s.queue}, not {self.due[s.queue]}')
        expect(s.tag == 0 or s.opcode in INVALIDATING, f'opcode {s.opcode} with a tag {s.tag:08x}')
        self.due[s.queue] += s.last
        {SEND_QUEUE: self.take_send, READ_QUEUE: self.take_read, TERMINATE_QUEUE: self.take_terminate}[s.queue](s)

    def take_write(self, s):
        expect(not self.partial, 'messages are mixed')
        if self.put:
            expect(self.put == (s.tag, s.offset), f'a Write that goes on at {s.tag:08x}:{s.offset:x}, not {self.put}')
        self.put = None if s.last else (s.tag, s.offset + len(s.payload))
        if s.payload:
            r = self.region(s.tag, s.offset, len(s.payload), 'a Write')
            expect(r.write, 'a Write to memory that is not to be written')
            r.memory[s.offset:s.offset + len(s.payload)] = s.payload
            r.writes.append((s.offset, len(s.payload)))

    def take_response(self, s):
        expect(self.fetches, 'an answer to no Read')
        tag, at, size = self.fetches[0]
        expect(s.tag == tag and s.offset == at and len(s.payload) <= size - at, 'an answer to another Read')
        expect(s.last == (len(s.payload) == size - at), 'an answer that is too short or too long')
        self.regions[tag].memory[at:at + len(s.payload)] = s.payload
        self.fetches[0][1] += len(s.payload)
        if s.last:
            self.fetches.pop(0)

    def take_send(self, s):
        expect(s.mo == len(self.partial), f'a message offset of {s.mo}, not {len(self.partial)}')
        self.partial += s.payload
        if not s.last:
            return
        data, self.partial = self.partial, b''
        tag = s.tag if s.opcode in INVALIDATING else None
        if tag is not None:
            expect(tag in self.regions and self.regions[tag].valid, f'{tag:08x} is to be invalidated, which is no valid tag')
            self.regions[tag].valid = False
        self.inbox.append(Message(data, s.opcode, tag))

    def take_read(self, s):
        expect(s.last and s.mo == 0 and len(s.payload) == 28, 'a malformed Read Request')
        self.unanswered += 1
        expect(self.unanswered <= self.ird, f'{self.unanswered} Reads at once, {self.ird} were agreed')
        self.answer_read(ReadRequest(*struct.unpack('>IQIIQ', s.payload)))

    @staticmethod
    def take_terminate(s):
        expect(s.last and s.mo == 0, 'a malformed Terminate')
        raise Terminated(s.payload)

    def receive(self):
        """The next Send."""
        while not self.inbox:
            self.step()
        return self.inbox.pop(0)

    def ends(self, seconds=SECONDS):
        """The peer closes the connection, whatever it says before: its Terminate, or None."""
        self.socket.settimeout(seconds)
        reason = None
        try:
            while True:
                self.step()
        except Terminated as e:
            reason = e
        except Ended:
            return None
        except Failure as e:
            raise Failure('the connection stays open') if str(e) == 'no answer' else e
        self.closes()
        return reason

    def terminates(self, error, seconds=SECONDS):
        """It ends the connection, and says why."""
        e = self.ends(seconds)
        expect(e and e.error == error, f'{e.error:04x}, not {error:04x}' if e else 'no Terminate')
        return e

    def closes(self):
        """Nothing follows a Terminate, RFC 5040 section 4.8."""
        try:
            self.take(1)
        except Ended:
            return
        except Failure as e:
            raise Failure('the connection stays open') from e
        raise Failure('bytes after a Terminate')


def pair():
    """Two ends that are connected, not yet set up."""
    return [Iwarp(s) for s in socket.socketpair()]
