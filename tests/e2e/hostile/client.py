# SPDX-License-Identifier: LGPL-3.0-or-later
"""Connections, sessions, trees and files of a client that checks each reply's form and obeys no rule itself."""
import os, socket, struct
from dataclasses import dataclass, field

from lib import PASSWORD, PATIENCE, Failure, expect
from . import bodies, security
from .words import (AES_CMAC, ASYNC, BINDING, CREATE, ECHO, FROM_SERVER, HMAC_SHA256, IS_GUEST, IS_NULL, LOGOFF,
                    MORE_PROCESSING_REQUIRED, NEGOTIATE, OPLOCK_BREAK, PENDING, RELATED, SESSION_SETUP, SIGNED, SUCCESS,
                    TREE_CONNECT, TREE_DISCONNECT, ENCRYPT_DATA)

NOBODY = 2**64 - 1
SECONDS = 30 * PATIENCE


class Ended(Failure):
    """The server has closed the connection."""


@dataclass
class Reply:
    status: int
    command: int
    flags: int
    credits: int
    message_id: int
    async_id: int
    tree_id: int
    session_id: int
    body: bytes
    raw: bytes
    sealed: bool

    def want(self, *statuses):
        expect(self.status in (statuses or (SUCCESS,)),
               f'command {self.command}: status {self.status:08x}, not {" or ".join(f"{s:08x}" for s in statuses or (0,))}')
        return self


@dataclass
class Request:
    """One element of a frame, as it will be sent."""
    command: int
    body: bytes
    message_id: int
    session: 'Session' = None
    tree: int = 0
    related: bool = False
    charge: int = 1
    credits: int = 128
    flags: int = 0
    session_id: int = None  # instead of the session's
    sign: bool = None       # None: as the session does
    async_id: int = None
    next_command: int = None

    def header(self, following):
        s = self.session_id if self.session_id is not None else self.session.id if self.session else 0
        middle = struct.pack('<Q', self.async_id) if self.async_id is not None else struct.pack('<II', 0xFEFF, self.tree)
        flags = self.flags | (RELATED if self.related else 0) | (ASYNC if self.async_id is not None else 0)
        flags |= SIGNED if self.is_signed() else 0
        if self.next_command is not None:
            following = self.next_command
        return (b'\xfeSMB' + struct.pack('<HHIHHIIQ', 64, self.charge, 0, self.command, self.credits, flags, following,
                                         self.message_id) + middle + struct.pack('<Q', s) + bytes(16))

    def is_signed(self):
        return bool(self.session and self.session.sign_key and (self.session.signs if self.sign is None else self.sign))

    def packed(self, last):
        body = self.body if last else self.body + bytes(-len(self.body) % 8)
        message = self.header(0 if last else 64 + len(body)) + body
        return self.session.signed(message) if self.is_signed() else message


@dataclass
class Connection:
    """In a `with` statement. guid: names the client."""
    server: object
    guid: bytes = field(default_factory=lambda: os.urandom(16))
    source: str = '127.0.0.1'

    def port(self):
        return self.server.port

    def __enter__(self):
        self.socket = socket.create_connection(('127.0.0.1', self.port()), SECONDS, (self.source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.dialect, self.cipher, self.signing = 0, 0, HMAC_SHA256
        self.hash, self.next_id, self.credits = bytes(64), 0, 1
        self.sessions, self.replies, self.notices = {}, {}, []
        return self

    def __exit__(self, *_):
        self.socket.close()

    # ---- bytes ----

    def send_bytes(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as e:
            raise Ended(str(e)) from e

    def send_frame(self, message):
        self.send_bytes(struct.pack('>I', len(message)) + message)

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

    def take_frame(self):
        prefix = self.take(4)
        expect(prefix[0] == 0, f'the stream is out of step: {prefix.hex()}')
        return self.take(struct.unpack('>I', prefix)[0])

    def ends(self, seconds=SECONDS):
        """The server closes the connection, whatever it may say before."""
        self.socket.settimeout(seconds)
        try:
            while True:
                self.take(1)
        except Ended:
            return
        except Failure as e:
            raise Failure('the connection stays open') from e

    # ---- requests ----

    def take_id(self, charge=1):
        self.next_id += charge
        return self.next_id - charge

    def request(self, command, body, session=None, tree=0, **details):
        if 'message_id' not in details:
            details['message_id'] = self.take_id(details.get('charge') or 1)
        return Request(command, body, session=session, tree=tree, **details)

    @staticmethod
    def chain(requests):
        return b''.join(r.packed(r is requests[-1]) for r in requests)

    def send(self, *requests, sealed_by=None):
        """In one frame; returns the last's message id."""
        message = self.chain(requests)
        self.send_frame(sealed_by.sealed(message) if sealed_by else message)
        return requests[-1].message_id

    def do(self, command, body, session=None, tree=0, sealed=None, **details):
        r = self.request(command, body, session, tree, **details)
        sealed = session.seals if sealed is None and session else sealed
        return self.answer(self.send(r, sealed_by=session if sealed else None))

    def cancel(self, message_id=0, session=None, async_id=None):
        self.send(Request(12, bodies.EMPTY, message_id, session=session, async_id=async_id, credits=0, charge=0))

    # ---- replies ----

    def receive(self):
        """One frame: its replies. Oplock breaks go to self.notices."""
        frame = self.take_frame()
        session = None
        if frame[:4] == b'\xfdSMB':
            session = self.sessions.get(struct.unpack_from('<Q', frame, 44)[0])
            expect(session and session.seal_in, 'encrypted for an unknown session')
            frame = security.open_sealed(self.cipher, session.seal_in, frame)
        got = []
        while frame:
            reply, frame = self.split(frame, session)
            got.append(reply)
            if reply.message_id == NOBODY:
                self.notices.append(reply)
            else:
                self.replies.setdefault(reply.message_id, []).append(reply)
                self.credits += reply.credits
        return got

    def split(self, frame, sealed):
        expect(len(frame) >= 64 and frame[:4] == b'\xfeSMB', f'not an SMB2 reply: {frame[:64].hex()}')
        size, _, status, command, granted, flags, following, message_id = struct.unpack_from('<HHIHHIIQ', frame, 4)
        expect(size == 64 and flags & FROM_SERVER, f'not a reply: {frame[:64].hex()}')
        expect(following % 8 == 0 and (following == 0 or 64 < following < len(frame) - 63), f'NextCommand {following}')
        raw = frame[:following] if following else frame
        async_id = struct.unpack_from('<Q', frame, 32)[0] if flags & ASYNC else 0
        tree = 0 if flags & ASYNC else struct.unpack_from('<I', frame, 36)[0]
        session_id = struct.unpack_from('<Q', frame, 40)[0]
        if flags & SIGNED and not sealed:
            self.check_signature(session_id, raw)
        reply = Reply(status, command, flags, granted, message_id, async_id, tree, session_id, raw[64:], raw, bool(sealed))
        return reply, frame[following:] if following else b''

    def check_signature(self, session_id, raw):
        s = self.sessions.get(session_id)
        if s and s.sign_key:
            keys = [s.sign_key, s.session_sign_key]
            made = [security.signature(s.signing, k, raw, True) for k in keys if k]
            expect(raw[48:64] in made, 'a reply with a wrong signature')

    def answer(self, message_id):
        """The reply that completes a request; an interim one is passed over."""
        while True:
            for reply in self.replies.get(message_id, []):
                if not (reply.status == PENDING and reply.flags & ASYNC):
                    self.replies[message_id].remove(reply)
                    return reply
            self.receive()

    def interim(self, message_id):
        while not self.replies.get(message_id):
            self.receive()
        return self.replies[message_id][0].want(PENDING)

    def notice(self):
        while not self.notices:
            self.receive()
        return self.notices.pop(0)

    def echo(self, session=None):
        return self.do(ECHO, bodies.EMPTY, session).want()

    # ---- negotiation and log-on ----

    def negotiate(self, dialects=(0x311,), **details):
        r = self.request(NEGOTIATE, bodies.negotiate(dialects, self.guid, **details), credits=31)
        sent = self.chain([r])
        reply = self.answer(self.send(r))
        if reply.status == SUCCESS:
            self.dialect = struct.unpack_from('<H', reply.body, 4)[0]
            self.read_contexts(reply)
            if self.dialect == 0x311:
                self.hash = security.preauth(security.preauth(self.hash, sent), reply.raw)
        return reply

    def read_contexts(self, reply):
        self.signing = AES_CMAC if self.dialect >= 0x300 else HMAC_SHA256
        self.cipher = 1 if 0x300 <= self.dialect < 0x311 else 0
        count = struct.unpack_from('<H', reply.body, 6)[0] if self.dialect == 0x311 else 0
        at = struct.unpack_from('<I', reply.body, 60)[0] if count else 0
        for _ in range(count):
            kind, size = struct.unpack_from('<HH', reply.raw, at)
            if kind == 2:
                self.cipher = struct.unpack_from('<H', reply.raw, at + 10)[0]
            if kind == 8:
                self.signing = struct.unpack_from('<H', reply.raw, at + 10)[0]
            at = (at + 8 + size + 7) // 8 * 8

    def log_on(self, user=None, password=PASSWORD, **details):
        """The new session, or the Reply that refused it."""
        session = Session(self, self.server.users[0] if user is None else user, password, **details)
        reply = session.set_up()
        return session if reply.status == SUCCESS else reply

    def guest(self, **details):
        session = self.log_on('no such user', 'x', **details)
        expect(isinstance(session, Session) and session.flags & IS_GUEST, 'no guest')
        return session

    def anonymous(self):
        session = self.log_on('', '')
        expect(isinstance(session, Session) and session.flags & IS_NULL, 'not anonymous')
        return session


class Session:
    """A log-on on its first connection."""

    def __init__(self, connection, user, password, mode=1, previous=0):
        self.c, self.user, self.mode, self.previous = connection, user, mode, previous
        self.id, self.flags, self.hash = 0, 0, connection.hash
        self.sign_key = self.session_sign_key = self.seal_in = self.seal_out = None
        self.signing, self.signs, self.seals = connection.signing, False, False
        self.ntlm = security.Ntlm(user, password)

    def step(self, token, flags=0, sign=False):
        """One SESSION_SETUP: the reply. The hash follows."""
        r = self.setup_request(token, flags, sign)
        reply = self.c.answer(self.c.send(r))
        if reply.status == MORE_PROCESSING_REQUIRED and self.c.dialect == 0x311:
            self.hash = security.preauth(self.hash, reply.raw)
        return reply

    def setup_request(self, token, flags=0, sign=False):
        r = self.c.request(SESSION_SETUP, bodies.session_setup(token, flags, self.mode, self.previous), self, sign=sign)
        if self.c.dialect == 0x311:
            self.hash = security.preauth(self.hash, self.c.chain([r]))
        return r

    @staticmethod
    def token_of(reply):
        at, size = struct.unpack_from('<HH', reply.body, 4)
        return reply.raw[at:at + size]

    def begin(self):
        reply = self.step(self.ntlm.first())
        if reply.status == MORE_PROCESSING_REQUIRED:
            self.id = reply.session_id
            self.c.sessions[self.id] = self
        return reply

    def set_up(self):
        reply = self.begin()
        if reply.status != MORE_PROCESSING_REQUIRED:
            return reply
        return self.finish(self.token_of(reply))

    def finish(self, challenge):
        reply = self.step(self.ntlm.second(challenge))
        if reply.status == SUCCESS:
            self.flags = struct.unpack_from('<H', reply.body, 2)[0]
            self.make_keys()
        return reply

    def make_keys(self):
        if self.flags & (IS_GUEST | IS_NULL):
            return
        key, d, c = self.ntlm.key, self.c.dialect, self.c.cipher
        self.sign_key = security.derive(key, d, 'sign', self.hash) if d >= 0x300 else key
        self.signs = True
        if c:
            size = security.CIPHERS[c][2]
            self.seal_out = security.derive(key, d, 'to server', self.hash, size)
            self.seal_in = security.derive(key, d, 'to client', self.hash, size)
        self.seals = bool(self.flags & ENCRYPT_DATA)

    def signed(self, message):
        return message[:48] + security.signature(self.signing, self.sign_key, message) + message[64:]

    def sealed(self, message, **details):
        return security.seal(self.c.cipher, self.seal_out, self.id, message, **details)

    def do(self, command, body, tree=0, **details):
        return self.c.do(command, body, self, tree, **details)

    def connect(self, share, **details):
        reply = self.do(TREE_CONNECT, bodies.tree_connect(f'\\\\127.0.0.1\\{share}'), **details).want()
        return Tree(self, reply.tree_id)

    def log_off(self):
        return self.do(LOGOFF, bodies.EMPTY)


class Bound(Session):
    """A channel of a session on another connection."""

    def __init__(self, connection, session, user=None, password=PASSWORD):
        super().__init__(connection, user or session.user, password)
        self.id, self.sign_key = session.id, session.sign_key
        self.session_sign_key = session.sign_key
        self.seal_in, self.seal_out, self.seals = session.seal_in, session.seal_out, session.seals
        connection.sessions[self.id] = self

    def begin(self, sign=True):
        return self.step(self.ntlm.first(), BINDING, sign)

    def send_last(self, challenge, sign=True):
        """The message id. The answer to success has the new channel's signature."""
        number = self.c.send(self.setup_request(self.ntlm.second(challenge), BINDING, sign))
        self.sign_key = security.derive(self.ntlm.key, self.c.dialect, 'sign', self.hash)
        self.signs = True
        return number

    def set_up(self, sign=True):
        reply = self.begin(sign)
        if reply.status != MORE_PROCESSING_REQUIRED:
            return reply
        return self.c.answer(self.send_last(self.token_of(reply), sign))


class Tree:
    def __init__(self, session, number):
        self.session, self.id, self.c = session, number, session.c

    def do(self, command, body, **details):
        return self.c.do(command, body, self.session, self.id, **details)

    def send(self, command, body, **details):
        """Does not wait: the message id."""
        r = self.c.request(command, body, self.session, self.id, **details)
        return self.c.send(r, sealed_by=self.session if self.session.seals else None)

    def create(self, name, **how):
        """The reply."""
        return self.do(CREATE, bodies.create(name, **how))

    def open(self, name, **how):
        return File(self, self.create(name, **how).want())

    def disconnect(self):
        return self.do(TREE_DISCONNECT, bodies.EMPTY)


class File:
    def __init__(self, tree, reply):
        self.tree, self.c, self.oplock = tree, tree.c, reply.body[2]
        self.id = reply.body[64:80]

    def do(self, command, make, *arguments, **details):
        return self.tree.do(command, make(self.id, *arguments), **details)

    def read(self, offset, length, minimum=0, **details):
        return self.do(8, bodies.read, offset, length, minimum, charge=max(1, -(-length // 65536)), **details)

    def write(self, offset, data, flags=0):
        return self.do(9, bodies.write, offset, data, flags, charge=max(1, -(-len(data) // 65536)))

    def close(self, **details):
        return self.do(6, bodies.close, **details)

    def acknowledge(self, level):
        return self.do(OPLOCK_BREAK, bodies.oplock_break, level)
