# SPDX-License-Identifier: LGPL-3.0-or-later
"""
Attacks on direct access, and what must hold after each: every file has exactly the bytes that it should, a holder that behaves
has noticed nothing, and the server has let go of all that the attack took.
"""
import contextlib, functools, json, multiprocessing, os, random, subprocess, sys, threading, time
from dataclasses import dataclass

from lib import Failure, Share, case, expect, until
from .attack import MEMORY_SLACK, SANITIZED_SLACK, Attacked, descriptors, resident_bytes, sanitized
from .client import Bound, Connection
from .pmem import open_direct
from .smbdirect import DirectConnection, Peer
from .words import ALL_ACCESS

SIZE = 256 << 10
SLOW = 6 if sanitized() else 1
REVOKE_SECONDS = 2 if SLOW == 1 else 3
FENCE_MS = 1000 * (REVOKE_SECONDS + 10)  # on a machine that is busy; what is not fenced waits for 35 s
ATTACK_SECONDS = 60  # that somebody tries to keep others waiting; in vain, if they have waited for less than FENCE_MS
STALL = 10 if SLOW == 1 else 20  # seconds that a holder that behaves may wait for one round of its accesses
MAX_GRANTS = 8
MAX_LENGTH = 1 << 30
OURS = ('witness-', 'direct-witness-', 'bystander')  # files of those who behave
(NOT_FOUND, INVALID_VIEW_SIZE, INVALID_BUFFER_SIZE, QUOTA_EXCEEDED, INVALID_CONNECTION, REVISION_MISMATCH, POLICY_ENCRYPTED,
 POLICY_SHARE, NO_LEASE, IS_A_DIRECTORY, TOO_SMALL, NOT_GUARDED, DISK_FULL, WRITE_PROTECTED, IO_ERROR, TOO_MANY_FILES) = (
    0xC0000225, 0xC000001F, 0xC0000206, 0xC0000044, 0xC0000140, 0xC0000059, 0xC0000361, 0xC0000364, 0xC000042E,
    0xC00000BA, 0xC0000023, 0xC0000055, 0xC000007F, 0xC00000A2, 0xC00000E9, 0xC000011F)
# daxsmb-pin(7), THE FENCE: for a Write, for a Read
BAD_TAG_WRITE, BAD_TAG_READ, BAD_TAG_INVALIDATE = 0x1100, 0x0100, 0x0109
BEYOND_WRITE, BEYOND_READ, NO_RIGHT, WRAP_WRITE, WRAP_READ = 0x1101, 0x0101, 0x0102, 0x1103, 0x0104
INVALID_TAG = (BAD_TAG_WRITE, BAD_TAG_READ)
TOO_MANY_READS, UNEXPECTED_OPCODE, MEMORY_FAILED = 0x1202, 0x0206, 0x0000


@dataclass
class Held:
    """What the server holds of the system's resources."""
    descriptors: int
    threads: int
    mappings: int  # of files of the shares
    grants: int
    guarded: int
    connections: int
    sessions: int
    opens: int


def status(s):
    return json.loads(s.ctl('status', '--json').stdout)


def held(s):
    with open(f'/proc/{s.process.pid}/maps', encoding='utf-8', errors='replace') as f:
        mappings = sum('/share-' in line for line in f)
    now = status(s)
    return Held(descriptors(s), len(os.listdir(f'/proc/{s.process.pid}/task')), mappings, len(now['grants']),
                sum(x['guarded'] for x in now['shares']), now['connections'], now['sessions'], now['opens'])


class Bystander:
    """A holder that behaves, in a process of its own: it reads, writes and commits all the time."""
    PAUSE = 0.02

    def __init__(self, server):
        mine, self.pipe = multiprocessing.get_context('fork').Pipe()
        self.process = multiprocessing.get_context('fork').Process(target=self.work, args=(server, mine), daemon=True)
        self.process.start()
        mine.close()
        self.report()

    def report(self):
        """(rounds, the longest in seconds) since the last report; a failure is raised."""
        try:
            self.pipe.send('report')
            if not self.pipe.poll(60):
                raise Failure('the bystander is stuck')
            said = self.pipe.recv()
        except (EOFError, OSError) as e:
            raise Failure('the bystander has ended') from e
        if isinstance(said, str):
            raise Failure(f'the bystander: {said}')
        return said

    def end(self):
        self.pipe.close()
        self.process.join(20)
        if self.process.is_alive():
            self.process.kill()

    def work(self, server, pipe):
        self.pipe.close()
        try:
            with Peer(server, share='bystander') as p:
                f = open_direct(p.tree, 'bystander')
                self.rounds(p, f, f.map(0, SIZE), pipe)
        except EOFError:
            pass
        except Exception as e:  # pylint: disable=broad-except # the case that looks next tells it
            with contextlib.suppress(EOFError):
                pipe.recv()
                pipe.send(repr(e))

    def rounds(self, p, f, grant, pipe):
        model = bytearray(p.rdma.fetch(grant.tags[0][1], 0, SIZE))
        rounds, longest = 0, 0.0
        while True:
            if pipe.poll(self.PAUSE) and rounds:
                pipe.recv()
                pipe.send((rounds, longest))
                longest = 0.0
            begin = time.monotonic()
            self.one_round(p, f, grant, model)
            rounds, longest = rounds + 1, max(longest, time.monotonic() - begin)

    @staticmethod
    def one_round(p, f, grant, model):
        tag, data = grant.tags[0][1], os.urandom(600)
        at, elsewhere = (random.randrange(SIZE - 600) for _ in range(2))
        p.rdma.write(tag, at, data)
        model[at:at + 600] = data
        expect(p.rdma.fetch(tag, at, 600) == data, 'other bytes than were written')
        expect(p.rdma.fetch(tag, elsewhere, 600) == model[elsewhere:elsewhere + 600], 'other bytes elsewhere')
        f.commit(grant, (at, 600)).want()


class GrantServer(Attacked):
    """Knows what every file is to contain, and what it held before."""

    def __init__(self, *shares, settings=None, **how):
        super().__init__(Share('data'), Share('bystander'), *shares, rdma=True, **how,
                         settings={'pmem mapped io': 'yes', 'pmem revoke timeout': REVOKE_SECONDS, 'rdma crc': 'no',
                                   'pmem max grants': MAX_GRANTS, 'pmem max grant size': str(MAX_LENGTH),
                                   **(settings or {})})
        self.contents, self.bystander, self.normal, self.reloaded = {}, None, None, False

    def start(self):
        super().start()
        self.behave()

    def behave(self):
        """What is there all the time comes, and what is left of a grant is seen for the first time."""
        self.place('bystander', 'bystander', os.urandom(SIZE))
        self.bystander = Bystander(self)
        self.file('warm')
        with Holder(self) as h:
            f = h.open('warm')
            f.unmap(h.map(f)).want()
        self.forget()
        self.check()
        self.normal = self.settled()

    def settled(self):
        """Once it has been the same for a while."""
        seen = []

        def same():
            seen.append(held(self))
            return len(seen) > 20 and all(x == seen[-1] for x in seen[-20:])
        until(same, 60, 'the server comes to rest')
        return seen[-1]

    def place(self, share, name, data):
        path = self.path(share, name)
        with open(path, 'wb') as f:
            f.write(data)
        self.own(path)
        os.chmod(path, 0o666)
        return path

    def file(self, name='file', size=SIZE, share='data'):
        """A file of random bytes; what it is to contain, to be changed as the case goes on."""
        data = bytearray(os.urandom(size))
        self.contents[self.place(share, name, data)] = data
        return data

    def expects(self, name, data, share='data'):
        """None: there is no such file any more."""
        self.contents[self.path(share, name)] = data

    def content(self, name='file', share='data'):
        with open(self.path(share, name), 'rb') as f:
            return f.read()

    def forget(self):
        for path in self.contents:
            if os.path.exists(path):
                os.remove(path)
        self.contents = {}

    def reload(self, share, settings):
        next(x for x in self.shares if x.name == share).settings.update(settings)
        with open(self.conf, 'w', encoding='utf-8') as f:
            f.write(self.configuration())
        p = self.ctl('reload')
        expect(p.returncode == 0, p.stderr)
        if not self.reloaded:
            self.normal.descriptors += 1  # those who are connected keep the share as it was before, root and all
        self.reloaded = True

    # ---- after each attack ----

    def files_are_as_expected(self):
        found = {}
        for share in self.shares:
            if share.path:
                continue  # a file system that the test is about
            for folder, _, names in os.walk(self.path(share.name)):
                for name in names:
                    if not name.startswith(OURS):
                        with open(os.path.join(folder, name), 'rb') as f:
                            found[os.path.join(folder, name)] = f.read()
        wanted = {path: bytes(data) for path, data in self.contents.items() if data is not None}
        for path in {**found, **wanted}:
            if found.get(path) != wanted.get(path):
                raise Failure(f'{path}: {difference(found.get(path), wanted.get(path))}')

    def aftermath(self):
        self.files_are_as_expected()
        rounds, longest = self.bystander.report()
        expect(rounds and longest < STALL, f'a holder that behaves waited for {longest:.2f} s')
        self.everything_is_given_back()

    def everything_is_given_back(self):
        def back():
            now = held(self)
            return now if all(a <= b for a, b in zip(vars(now).values(), vars(self.normal).values())) else None
        try:
            until(back, 10 * SLOW, 'everything is given back')
        except Failure as e:
            raise Failure(f'{held(self)}, before: {self.normal}; {status(self)["grants"]}') from e

    def dismiss(self):
        """Those who look after each attack come anew."""
        for c in (self.witness, self.direct_witness and self.direct_witness.c):
            if c:
                c.socket.close()
        self.witness = self.direct_witness = None

    def revive(self):
        self.bystander.end()
        try:
            super().revive()
        finally:
            self.meanwhile.error = self.meanwhile.error or Failure('the server has ended')
            self.behave()


def difference(found, wanted):
    if found is None or wanted is None:
        return 'it is gone' if found is None else 'it should not be there'
    if len(found) != len(wanted):
        return f'{len(found)} bytes, not {len(wanted)}'
    at = [i for i, (a, b) in enumerate(zip(found, wanted)) if a != b]
    return f'{len(at)} bytes differ, from {at[0]} to {at[-1]}' if at else 'nothing differs'


def attack_on_grants(function=None, **how):
    """Registers a case, with all that is looked at afterwards."""
    def register(f):
        @functools.wraps(f)
        def checked(server, *arguments):
            try:
                server.bystander.report()
                f(server, *arguments)
                server.check()
                server.aftermath()
            except BaseException:
                server.dismiss()
                raise
            finally:
                if not server.alive():
                    server.revive()
                server.forget()
        return case(checked, **how)
    return register(function) if function else register


def end_of_attacks_on_grants():
    @case
    def those_who_behave_were_served_all_the_time(s):
        s.bystander.end()
        s.meanwhile.end()

    @case
    def memory_is_back_near_the_start(s):
        slack = SANITIZED_SLACK if sanitized() else MEMORY_SLACK
        try:
            until(lambda: resident_bytes(s) <= s.memory + slack, 10, 'memory goes back')
        except Failure as e:
            raise Failure(f'{resident_bytes(s) >> 20} MiB, {s.memory >> 20} at the start') from e

    return those_who_behave_were_served_all_the_time, memory_is_back_near_the_start


class Holder:
    """
    A client with grants, in a `with` statement: a session over TCP, and RDMA connections that are its channels. So what the one
    is asked to do does not wait behind what goes over the other.
    """

    def __init__(self, s, channels=1, crc=True, share='data', user=None, guid=None, **direct):
        self.s, self.share, self.user = s, share, user
        self.guid = guid or os.urandom(16)
        self.c = Connection(s, self.guid)
        self.channels = [DirectConnection(s, self.guid, mpa={'crc': crc}, direct=direct) for _ in range(channels)]

    def __enter__(self):
        entered = []
        try:
            for c in (self.c, *self.channels):
                entered.append(c.__enter__())
                c.negotiate().want()
            self.session = self.c.log_on(self.user)
            self.tree = self.session.connect(self.share)
            self.bound = [self.bind(c) for c in self.channels]
        except BaseException:
            for c in entered:
                c.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for c in (self.c, *self.channels):
            c.__exit__()

    def bind(self, c):
        b = Bound(c, self.session)
        b.set_up().want()
        return b

    def via(self, i=0):
        return self.channels[i], self.bound[i]

    def rdma(self, i=0):
        return self.channels[i].rdma

    def open(self, name='file', **how):
        return open_direct(self.tree, name, **how)

    def map(self, f, offset=0, length=SIZE, i=0, **how):
        return f.map(offset, length, via=self.via(i), **how)


def patiently_map(h, f, *where, **how):
    """Who gives grants back faster than their storage is let go of is refused for a moment."""
    deadline = time.monotonic() + 20 * SLOW
    while True:
        reply = f.ask_map(*where, via=h.via(), **how)
        if reply.status != QUOTA_EXCEEDED or time.monotonic() > deadline:
            return f.granted(reply.want())


class Contender(threading.Thread):
    """Another client asks for something meanwhile: reply and ms, once it is joined."""

    def __init__(self, s, ask):
        super().__init__(daemon=True)
        self.s, self.ask, self.reply, self.error, self.ms = s, ask, None, None, 0
        self.start()

    def run(self):
        try:
            with Connection(self.s) as c:
                c.negotiate().want()
                tree = c.log_on().connect('data')
                begin = time.monotonic()
                self.reply = self.ask(tree)
                self.ms = (time.monotonic() - begin) * 1000
        except Exception as e:  # pylint: disable=broad-except # raised by done()
            self.error = e

    def done(self):
        self.join(60)
        if self.error:
            raise Failure(f'the other client: {self.error!r}')
        expect(self.reply, 'the other client got no answer')
        return self.reply


def opening(tree):
    return tree.create('file', access=ALL_ACCESS)


LOCAL_TRUNCATE = 'import os, sys; os.truncate(sys.argv[1], int(sys.argv[2]))'


def local(s, program, *arguments, name='file'):
    """A local program that changes a file of the share."""
    return subprocess.Popen([sys.executable, '-c', program, s.path('data', name), *map(str, arguments)],
                            stdout=subprocess.PIPE, text=True)
