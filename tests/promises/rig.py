# SPDX-License-Identifier: LGPL-3.0-or-later
"""
What the programs test_* share: cases that say which sentences of daxsmb-pin(7) they prove, a server, holders of grants,
others, local programs, and file systems in images.
"""
import collections, contextlib, errno, fcntl, functools, itertools, json, os, re, shutil, struct, subprocess, sys, tempfile, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '../e2e'))
from lib import cases
from lib import PASSWORD, PATIENCE, Failure, Server, Share, Skip, case, expect, run, until
from lib.folders import temporary
from hostile import (ALL_ACCESS, READ_ATTRIBUTES, READ_DATA, SET_INFO, SUCCESS, Connection, Ended, Terminated, bodies)
from hostile.iwarp import RDMA_WRITE, ReadRequest
from hostile.pmem import LEASE_R, LEASE_RWH, READING, WRITE_DATA, WRITING, lease_break, open_direct
from hostile.smbdirect import Peer

SIZE = 64 << 10
REVOKE_SECONDS = 30  # where the holder obeys
SLOWER = max(1, int(PATIENCE / 4))  # for what hardly anything happens in
DEADLINE = 3 * SLOWER  # seconds, where the holder does not obey
BUSY = 10 * SLOWER  # seconds by which all may be late on a machine that is busy
PLACE = os.environ.get('SHARES')  # a folder on the file system that is to be tested
FLUSH = 7
SILENCE = 35  # seconds after which a lease break counts as not answered
(QUOTA_EXCEEDED, DISK_FULL, NOT_FOUND, NO_LEASE, SHARING_VIOLATION, UNEXPECTED_IO_ERROR) = (
    0xC0000044, 0xC000007F, 0xC0000225, 0xC000042E, 0xC0000043, 0xC00000E9)
BAD_TAG_WRITE, BAD_TAG_READ, BEYOND_WRITE, BEYOND_READ, NO_RIGHT, WRAP_WRITE, WRAP_READ, FAILED, NOT_DURABLE = (
    0x1100, 0x0100, 0x1101, 0x0101, 0x0102, 0x1103, 0x0104, 0x0000, 0x0207)

# ---- which case proves which sentences ----

proved = []  # (section, the sentence or its beginning, the case)
needs = {}   # the guard that a case is about


def promises_of(section):
    """The decorator for cases of a program. A sentence of another section is named as 'SECTION: sentence'."""
    def promises(*sentences, guard=None, **how):  # pylint: disable=redefined-outer-name
        def register(f):
            needs[f] = guard
            for text in sentences:
                other, colon, rest = text.partition(': ')
                elsewhere = colon and other.isupper()
                proved.append((other, rest, f.__name__) if elsewhere else (section, text, f.__name__))
            return case(f, **how)
        return register
    return promises


# ---- the server ----

def share(name='data', parent=PLACE, **settings):
    return Share(name, {'pmem mapped io': 'yes', **{k.replace('_', ' '): v for k, v in settings.items()}}, parent=parent)


def server(*shares, seconds=REVOKE_SECONDS, **settings):
    """seconds: that a holder has."""
    return Server(*(shares or (share(),)), rdma=True, settings={
        'pmem revoke timeout': seconds, **{k.replace('_', ' '): v for k, v in settings.items()}})


def status(s):
    return json.loads(s.ctl('status', '--json').stdout)


def of_share(s, what, name='data'):
    with other(s, name):  # what nobody has connected to is not listed
        return next(x[what] for x in status(s)['shares'] if x['name'] == name)


def guard(s, name='data'):
    return of_share(s, 'guard', name)


def guarded_by(s, kind, name='data'):
    if guard(s, name) != kind:
        raise Skip(f'the guard here is {guard(s, name)}, not {kind}')


def leave_out_what_is_not_here(make):
    """Cases that are about guards which this system does not have, each kind with one skip for all of its cases."""
    with make() as s:
        kinds = {x.name: guard(s, x.name) for x in s.shares}
    left_out = collections.Counter(needs[f] for _, f, _ in cases.registered if needs.get(f) and kinds[needs[f]] != needs[f])
    cases.registered[:] = [r for r in cases.registered if needs.get(r[1]) not in left_out]
    for kind, count in left_out.items():
        def about(_, kind=kind, count=count):
            raise Skip(f'{count} cases: there is no {kind} here')
        cases.registered.append((f'the guard {kind}', about, ()))


def no_grant_is_left(s):
    until(lambda: not status(s)['grants'], 20 * PATIENCE, 'every grant is given back')


# ---- files ----

numbers = itertools.count()


@functools.cache
def noise():
    return os.urandom(4 << 20)


def fresh(s, size=SIZE, name=None, where='data', hole=False, mode=0o666):
    """The name of a file, and its content; hole: without storage."""
    name = name or f'file-{next(numbers)}'
    at = next(numbers) % 4096
    data = bytearray(size) if hole else bytearray(noise()[at:at + size])
    with open(s.path(where, name), 'wb') as f:
        if hole:
            f.truncate(size)
        else:
            f.write(data)
    s.own(s.path(where, name))
    os.chmod(s.path(where, name), mode)
    return name, data


def on_disk(s, name, where='data'):
    with open(s.path(where, name), 'rb') as f:
        return f.read()


def stored(path):
    """Bytes of storage."""
    return os.stat(path).st_blocks * 512


# ---- those who hold grants ----

class Held:
    """A grant, its open, and the connection of both."""

    def __init__(self, s, p, f, g, name, where):
        self.s, self.p, self.f, self.g, self.name, self.where = s, p, f, g, name, where
        self.tag = g.tags[0][1]
        self.path = s.path(where, name)

    def write(self, offset, data):
        self.p.rdma.write(self.tag, offset, data)

    def read(self, offset=0, size=None):
        return self.p.rdma.fetch(self.tag, offset, self.g.length if size is None else size)

    def arrive(self):
        """A request behind what was written is answered."""
        self.p.c.echo(self.p.session)

    def store(self, offset, data):
        self.write(offset, data)
        self.arrive()

    def told(self):
        """(what is left of the lease, whether an answer is wanted)"""
        return lease_break(self.p.c.notice())

    def not_told(self):
        self.arrive()
        expect(not self.p.c.notices, 'a lease break')

    def commit(self, *ranges):
        return self.f.commit(self.g, *ranges)

    def unmap(self):
        return self.f.unmap(self.g)

    def lives(self):
        """Reads, and if it may Writes and commits."""
        first = self.read(0, 1)
        if self.g.access & 2:
            self.write(0, first)
            expect(self.read(0, 1) == first)
        self.commit().want()

    def has_ended(self):
        self.commit().want(NOT_FOUND)
        self.unmap().want(NOT_FOUND)

    def content(self):
        """By another way. Where the guard is a lease nobody but the holder opens the file while the grant lives."""
        return over_smb(self.f) if self.g.guard == 2 else on_disk(self.s, self.name, self.where)

    # ---- accesses that are refused ----

    def refused(self, errors, act):
        """The connection ends with one of these Terminates."""
        try:
            act()
            e = self.p.c.ends(30 * PATIENCE)
        except Terminated as t:
            e = t
        except Ended as t:
            raise Failure(f'no Terminate, but {t}') from t
        expect(e is not None and e.error in errors, f'{e}, not one of {[f"{x:04x}" for x in errors]}')

    def ask(self, offset, size, tag=None):
        sink = self.p.rdma.expose(bytearray(max(1, size)), write=False, read=False)
        self.p.rdma.ask(ReadRequest(sink, 0, size, self.tag if tag is None else tag, offset))

    def write_is_refused(self, error=BAD_TAG_WRITE, offset=0, data=b'too late' * 4):
        self.refused((error,), lambda: self.write(offset, data))

    def read_is_refused(self, error=BAD_TAG_READ, offset=0, size=32):
        self.refused((error,), lambda: self.ask(offset, size))


def over_smb(f, size=1 << 20):
    """All of a file that is not longer."""
    reply = f.read(0, size)
    return b'' if reply.status == 0xC0000011 else reply.want().raw[80:]


@contextlib.contextmanager
def holding(s, name, offset=0, size=None, access=WRITING, lease=None, key=None, where='data', client=None, **details):
    """client: names the client. A grant for reading rests on a lease of R unless told otherwise."""
    rights = READ_DATA | READ_ATTRIBUTES | (WRITE_DATA if access == WRITING else 0)
    lease = lease or (LEASE_RWH if access == WRITING else LEASE_R)
    how = {'guid': client} if client else {}
    with Peer(s, share=where, mpa={'crc': False}, **how, **details) as p:
        f = open_direct(p.tree, name, access=rights, lease=lease, key=key, wanted=access)
        size = os.stat(s.path(where, name)).st_size - offset if size is None else size
        yield Held(s, p, f, f.map(offset, size, access), name, where)


def another(h, offset=0, size=None, access=None):
    """Grant of the same open."""
    return Held(h.s, h.p, h.f, h.f.map(offset, h.g.length if size is None else size, access or h.g.access), h.name, h.where)


@contextlib.contextmanager
def other(s, where='data', client=None, seconds=None):
    """Another client, over TCP: its tree. seconds: that it is ready to wait for an answer."""
    with Connection(s, client or os.urandom(16)) as c:
        if seconds:
            c.socket.settimeout(seconds * PATIENCE)
        c.negotiate().want()
        yield c.log_on().connect(where)


def size_of(f):
    """As SMB tells it."""
    reply = f.do(16, bodies.query_info, 1, 5).want()
    at, = struct.unpack_from('<H', reply.body, 2)
    return struct.unpack_from('<Q', reply.raw, at + 8)[0]


class Waiting:
    """A request of somebody that waits."""

    def __init__(self, tree, command, body):
        self.c, self.begin = tree.c, time.monotonic()
        self.number = tree.send(command, body)
        self.c.interim(self.number)

    def goes_on(self, *statuses):
        """The seconds that it took."""
        self.reply = self.c.answer(self.number).want(*statuses)
        return time.monotonic() - self.begin

    def waits(self):
        """An ECHO behind it is answered, and it is not."""
        self.c.echo()
        expect(len(self.c.replies[self.number]) == 1, 'it does not wait')


def set_size(f, size, info=20):
    """info: 20 the end of the file, 19 the allocation."""
    return SET_INFO, bodies.set_info(f.id, info, struct.pack('<Q', size))


# ---- local programs ----

PRELUDE = 'import ctypes, fcntl, mmap, os, struct, sys, time; path = sys.argv[1]\n'
BEGINS = '''begin = time.monotonic()
def say():
    global begin
    print("ready", flush=True)
    sys.stdin.readline()
    begin = time.monotonic()
def act():
    '''
ENDS = '''
try:
    act()
except OSError as e:
    sys.exit(e.errno)
finally:
    print(f"took {time.monotonic() - begin}", flush=True)
'''


class Local:
    """A local program that does something to a file, in a `with` statement. Its exit status is 0, or an errno."""

    def __init__(self, code, path, *more, ready=False):
        """ready: it says so in `say()` and goes on when it is told."""
        self.code, self.ready = code, ready
        program = PRELUDE + BEGINS + code.replace('\n', '\n    ') + ENDS
        self.arguments = [sys.executable, '-c', program, path, *more]

    def __enter__(self):
        self.p = subprocess.Popen(self.arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.ready:
            expect(self.p.stdout.readline() == b'ready\n', self.code)
        return self

    def __exit__(self, *_):
        self.p.kill()
        self.p.wait()
        self.p.stdin.close()
        self.p.stdout.close()

    def go(self):
        self.p.stdin.write(b'\n')
        self.p.stdin.flush()

    def waits(self):
        expect(self.p.poll() is None, f'it does not wait: {self.code}')

    def goes_on(self, status=0, seconds=20):
        """The seconds that it took, as it says itself: to begin and to end takes it longer."""
        try:
            got = self.p.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired as e:
            raise Failure(f'it still waits: {self.code}') from e
        expect(got == status, f'{self.code}: {got}, not {status}')
        self.said, _, took = self.p.stdout.read().decode().rpartition('took ')
        return float(took)


def locally(code, path, *more, status=0):
    """To its end."""
    with Local(code, path, *more) as local:
        local.goes_on(status)


TRUNCATE = 'os.truncate(path, 4096)'
PUNCH = 3  # FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE


def fallocate(mode, offset, length, how='os.O_RDWR'):
    return (f'fd = os.open(path, {how})\n'
            f'libc = ctypes.CDLL(None, use_errno=True)\n'
            f'if libc.fallocate(fd, {mode}, ctypes.c_long({offset}), ctypes.c_long({length})) < 0:\n'
            f'    raise OSError(ctypes.get_errno(), "fallocate")')


# ---- time ----

REALTIME_COARSE = 5  # linux/time.h: the clock of the times of files


def a_tick_passes_after(path):
    """The file's times are to be set again."""
    changed = os.stat(path).st_mtime_ns
    until(lambda: time.clock_gettime_ns(REALTIME_COARSE) > changed, 20 * PATIENCE, 'the clock ticks')


def in_time(took, seconds):
    """What waited for a deadline."""
    expect(seconds - 0.1 <= took <= seconds + BUSY, f'it took {took:.2f} s where the holder had {seconds} s')


# ---- file systems in images ----

MAKE = {'ext4': ('-F', '-m', '0'), 'btrfs': ('-f',)}


def command(*words):
    p = subprocess.run(words, capture_output=True, text=True, check=False)
    if p.returncode != 0:
        raise Failure(f'{" ".join(words)}: {p.stdout}{p.stderr}')
    return p.stdout


@contextlib.contextmanager
def mounted(image, options='loop'):
    where = tempfile.mkdtemp(prefix='daxsmbd-mount-', dir=temporary())
    try:
        command('mount', '-o', options, image, where)
        try:
            yield where
        finally:
            unmount(where)
    finally:
        os.rmdir(where)


def unmount(where):
    try:
        until(lambda: subprocess.run(['umount', where], capture_output=True, check=False).returncode == 0,
              20 * PATIENCE, f'{where} can be unmounted')
    except Failure:
        subprocess.run(['umount', '-l', where], check=False)
        raise


@contextlib.contextmanager
def file_system(megabytes, kind='ext4', options=(), parent=None, mount='loop'):
    """(where it is mounted, its image). Its root is for everybody."""
    if os.getuid() != 0:
        raise Skip('only root mounts file systems')
    if not shutil.which(f'mkfs.{kind}'):
        raise Skip(f'there is no mkfs.{kind}')
    handle, image = tempfile.mkstemp(prefix='daxsmbd-image-', dir=parent or temporary())
    try:
        os.truncate(handle, megabytes << 20)
        os.close(handle)
        command(f'mkfs.{kind}', '-q', *MAKE.get(kind, ()), *options, image)
        with mounted(image, mount) as where:
            os.chmod(where, 0o777)
            yield where, image
    finally:
        os.remove(image)


def fill(folder):
    """To the last byte."""
    with contextlib.suppress(OSError), open(os.path.join(folder, f'fill-{next(numbers)}'), 'wb', 0) as f:
        for size in (1 << 20, 4096):
            with contextlib.suppress(OSError):
                while True:
                    f.write(bytes(size))
        os.fsync(f.fileno())


def image_share(path, name='data', **settings):
    made = share(name, None, **settings)
    made.path = path
    return made


def is_full(folder):
    try:
        with open(os.path.join(folder, f'fill-{next(numbers)}'), 'wb', 0) as f:
            f.write(bytes(4096))
            os.fsync(f.fileno())
    except OSError as e:
        return e.errno == errno.ENOSPC
    return False


@contextlib.contextmanager
def immutable(path):
    """Nobody writes it, root neither."""
    def switch(on):
        fd = os.open(path, os.O_RDONLY)
        try:
            flags, = struct.unpack('I', fcntl.ioctl(fd, 0x80086601, bytes(4)))
            fcntl.ioctl(fd, 0x40086602, struct.pack('I', flags | 0x10 if on else flags & ~0x10))
        finally:
            os.close(fd)
    switch(True)
    try:
        yield
    finally:
        switch(False)
