# SPDX-License-Identifier: LGPL-3.0-or-later
"""The server under attack, and what must hold after each attack."""
import contextlib, functools, hashlib, os, subprocess, threading, time

from lib import BIN, Failure, Server, Share, case, expect, until
from .client import Connection
from .smbdirect import DirectConnection, read_into, write_from
from .words import ALL_ACCESS, DELETE_ON_CLOSE, NEW

MEMORY_SLACK = 64 << 20      # pools and the allocator's own
SANITIZED_SLACK = 600 << 20  # quarantine and shadow
DESCRIPTOR_SLACK = 4


class Attacked(Server):
    """Knows what it was like at the start, and has a client that behaves."""

    def start(self):
        super().start()
        os.mkdir(self.sub('outside'))
        with open(self.sub('outside/secret'), 'w', encoding='ascii') as f:
            f.write('nobody reads or writes this over SMB\n')
        os.chmod(self.sub('outside'), 0o777)
        os.chmod(self.sub('outside/secret'), 0o666)
        self.before = outside(self)
        self.warm_up()
        self.memory, self.files = resident_bytes(self), descriptors(self)
        self.witness = self.direct_witness = None
        self.kept = {}
        self.meanwhile = None
        if self.rdma:
            self.meanwhile = Meanwhile(self)
            self.meanwhile.start()
            until(lambda: self.meanwhile.rounds or self.meanwhile.error, 60, 'they are served')

    def keep(self, share, name, data):
        """A file on disk that has to stay as it is."""
        path = self.path(share, name)
        with open(path, 'wb') as f:
            f.write(data)
        self.own(path)
        self.kept[path] = digest(path)
        return data

    def greet(self):
        """A client that behaves comes and goes."""
        with Connection(self) as c:
            behave(c)
        if self.rdma:
            with DirectConnection(self) as c:
                behave(c)

    def warm_up(self):
        """What is kept for later is there: the roots of the shares."""
        self.greet()
        with Connection(self) as c:
            c.negotiate().want()
            for share in self.shares:
                c.log_on().connect(share.name, sealed=True)

    def revive(self):
        """So that what comes next says something about itself."""
        status = self.process.wait()
        self.process.stdout.close()
        self.witness = self.direct_witness = None
        self.launch()
        raise Failure(f'the server has ended with status {status}')

    def check(self):
        if self.witness is None:
            self.witness = Connection(self).__enter__()
            self.witness.negotiate().want()
            self.witness.log_on()
        self.witness.echo()
        if self.rdma:
            self.direct_witness = self.direct_witness or DirectWitness(self)
            self.direct_witness.move()
        self.greet()
        for path, before in self.kept.items():
            expect(digest(path) == before, f'{path} has changed')


class DirectWitness:
    """A client that stays, on SMB Direct: its bytes come and go by RDMA."""
    SIZE, ROOM = 3000, 5000

    def __init__(self, server):
        self.c = DirectConnection(server).__enter__()
        self.c.negotiate().want()
        tree, name = self.c.log_on().connect('data'), f'direct-witness-{os.urandom(8).hex()}'
        self.file = tree.open(name, access=ALL_ACCESS, disposition=NEW, options=DELETE_ON_CLOSE)

    def move(self):
        memory = bytearray(os.urandom(self.ROOM))
        before, tag = bytes(memory), self.c.rdma.expose(memory)
        write_from(self.file, 0, self.SIZE, (7, tag, self.SIZE)).want()
        expect(memory == before, 'memory that is read has changed')
        memory[:] = bytes(self.ROOM)
        read_into(self.file, 0, self.SIZE, (1000, tag, self.SIZE)).want()
        expect(memory == bytes(1000) + before[7:7 + self.SIZE] + bytes(self.ROOM - 1000 - self.SIZE),
               'other bytes came back')
        del self.c.rdma.regions[tag]


class Meanwhile(threading.Thread):
    """Two clients that behave, over TCP and SMB Direct, as long as the attacks last."""
    PAUSE = 0.05  # between their requests, so that the attacks have the processor

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.over, self.rounds, self.error = server, threading.Event(), 0, None

    def run(self):
        try:
            with Connection(self.server) as c:
                c.negotiate().want()
                c.log_on()
                direct = DirectWitness(self.server)
                with contextlib.closing(direct.c.socket):
                    while not self.over.wait(self.PAUSE):
                        c.echo()
                        direct.move()
                        self.rounds += 1
        except Exception as e:  # pylint: disable=broad-except # it is told by the case that ends it
            self.error = e

    def end(self):
        self.over.set()
        self.join()
        expect(self.error is None, f'after {self.rounds} rounds: {self.error!r}')
        expect(self.rounds > 0)


def behave(c):
    c.negotiate().want()
    tree = c.log_on().connect('data')
    name = f'witness-{os.urandom(8).hex()}'
    f = tree.open(name, access=ALL_ACCESS, disposition=NEW, options=DELETE_ON_CLOSE)
    data = os.urandom(5000)
    f.write(0, data).want()
    expect(f.read(0, 6000).want().raw[80:] == data, 'other bytes came back')
    f.close().want()
    expect(not os.path.exists(c.server.path('data', name)), 'delete on close did nothing')


def attack(function=None, **how):
    """Registers a case; after it the server must be as good as before."""
    def register(f):
        @functools.wraps(f)
        def checked(server, *arguments):
            try:
                f(server, *arguments)
                server.check()
            finally:
                if not server.alive():
                    server.revive()
        return case(checked, **how)
    return register(function) if function else register


def sanitized():
    libraries = subprocess.run(['ldd', os.path.join(BIN, 'daxsmbd')], capture_output=True, text=True, check=False).stdout
    return 'libasan' in libraries or 'libtsan' in libraries


def resident_bytes(server):
    with open(f'/proc/{server.process.pid}/statm', encoding='ascii') as f:
        return int(f.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def descriptors(server):
    return len(os.listdir(f'/proc/{server.process.pid}/fd'))


def what_is_open(server):
    folder, found = f'/proc/{server.process.pid}/fd', []
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found.append(os.readlink(os.path.join(folder, name)))
    return found


def outside(server):
    """Everything beside the shares that clients must not change: names with digests."""
    found = {}
    for folder, _, names in os.walk(server.folder):
        if not os.path.basename(folder).startswith('share-') and 'share-' not in folder:
            for name in names:
                found[os.path.join(folder, name)] = digest(os.path.join(folder, name))
    changing = (server.sub('log'), server.sub('stderr'), server.sub('pid'))
    return {path: d for path, d in found.items() if not path.startswith(changing)}


def digest(path):
    if os.path.islink(path) or not os.path.isfile(path):
        return 'special'
    with open(path, 'rb') as f:
        return hashlib.sha256(f.read()).hexdigest()


def attacked_server(rdma=False, **settings):
    """Guests may come; one share in memory, one on a disk, one to read, one for guests, one that is encrypted;
    with rdma one whose files are mapped."""
    memory = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
    shares = [Share('data', parent=memory), Share('disk'),
              Share('readonly', {'read only': 'yes', 'guest ok': 'yes'}, mode=0o777),
              Share('guest', {'guest ok': 'yes'}, parent=memory, mode=0o777),
              Share('sealed', {'server smb encrypt': 'required'})]
    if rdma:
        shares.append(Share('mapped', {'pmem mapped io': 'yes'}))
    return lambda: Attacked(*shares, settings={'map to guest': 'Bad User', 'log level': 3, **settings},
                            rdma=rdma)


def end_of_attacks(meanwhile=False):
    """Registers the cases that come last. meanwhile: the server has been asked for RDMA."""
    def those_who_behave_were_served_all_the_time(s):
        s.meanwhile.end()
    if meanwhile:
        case(those_who_behave_were_served_all_the_time)

    @case
    def memory_and_descriptors_are_back_near_the_start(s):
        if s.witness:
            s.witness.__exit__()
            s.witness = None
        if s.direct_witness:
            s.direct_witness.c.__exit__()
            s.direct_witness = None
        try:
            until(lambda: descriptors(s) <= s.files + DESCRIPTOR_SLACK, 30, 'descriptors go back')
        except Failure as e:
            raise Failure(f'{descriptors(s)} descriptors, {s.files} at the start: {what_is_open(s)}') from e
        slack = SANITIZED_SLACK if sanitized() else MEMORY_SLACK
        deadline = time.monotonic() + 30
        while resident_bytes(s) > s.memory + slack and time.monotonic() < deadline:
            time.sleep(0.1)
        expect(resident_bytes(s) <= s.memory + slack, f'{resident_bytes(s) >> 20} MiB, {s.memory >> 20} at the start')

    @case
    def nothing_outside_the_shares_has_changed(s):
        expect(outside(s) == s.before, f'{set(outside(s).items()) ^ set(s.before.items())}')

    return memory_and_descriptors_are_back_near_the_start, nothing_outside_the_shares_has_changed
