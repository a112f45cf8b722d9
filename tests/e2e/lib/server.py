# SPDX-License-Identifier: LGPL-3.0-or-later
"""A daxsmbd of one's own: private folders, a free port on loopback, users, shares; nothing is left behind."""
import contextlib, os, pwd, re, select, shutil, socket, subprocess, tempfile, time
from dataclasses import dataclass, field

from .cases import Failure, Skip
from .folders import temporary

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), '../../..'))
BIN = os.path.join(os.environ.get('BUILD') or os.path.join(TOP, 'build'), 'bin')
REACTORS = os.environ.get('REACTORS')
MAPPED_IO = os.environ.get('MAPPED_IO')  # the DAX backend for all shares
PREFIX = f'daxsmbd-e2e-{os.getpid()}-'  # whose folder it is can be seen
PASSWORD = 'e2e-Passw0rd'
PATIENCE = float(os.environ.get('PATIENCE') or 1)  # times as long as elsewhere something may take
READY_SECONDS = 60 * PATIENCE
STOP_SECONDS = 60 * PATIENCE
LEAST = 30 * PATIENCE
PORT_ATTEMPTS = 10
SOCKET_PATH_ROOM = 60  # what may come before pid/daxsmbd.ctl in the path of a socket
SANITIZED = re.compile(r'(ERROR|WARNING): \w*Sanitizer|runtime error: |Sanitizer has encountered')
os.environ.setdefault('ASAN_OPTIONS', 'detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=0')
os.environ.setdefault('UBSAN_OPTIONS', 'print_stacktrace=1:halt_on_error=1')
os.environ.setdefault('TSAN_OPTIONS', 'second_deadlock_stack=1:exitcode=66')


def accounts():
    """Unix accounts that may log on: for root two that each Debian system has, else only one's own."""
    if os.getuid() != 0:
        return [pwd.getpwuid(os.getuid()).pw_name]
    return ['games', 'news']


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def until(condition, seconds, what):
    """Waits for a condition, on a machine that is busy no less than LEAST seconds; returns what it returned."""
    limit = max(seconds, LEAST)
    deadline = time.monotonic() + limit
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise Failure(f'not within {limit} s: {what}')
        time.sleep(0.01)
    return result


def read(path, offset=0):
    try:
        with open(path, encoding='utf-8', errors='replace') as f:
            f.seek(offset)
            return f.read()
    except OSError:
        return ''


def daxsmbctl(conf, *arguments, **keywords):
    return subprocess.run([os.path.join(BIN, 'daxsmbctl'), '-s', conf, *arguments], capture_output=True, text=True,
                          timeout=120, check=False, **keywords)


@dataclass
class Share:
    name: str
    settings: dict = field(default_factory=dict)
    owner: int = 0       # which of the accounts
    parent: str = None   # where its folder is made; beside the server's by default
    path: str = None     # a folder that is there already, or for the test to make
    mode: int = 0o755


class Server:
    """Start it with running(), or use it in a `with` statement that also checks that it ends cleanly."""

    def __init__(self, *shares, settings=None, users=None, reactors=REACTORS, rdma=False):
        """rdma: serves SMB Direct too, on rdma_port."""
        if not os.access(os.path.join(BIN, 'daxsmbd'), os.X_OK):
            raise Failure(f'{BIN}/daxsmbd is not built')
        self.shares = shares or (Share('data'),)
        self.settings, self.reactors = settings or {}, reactors
        self.users = accounts() if users is None else users
        self.folder = self.process = self.conf = self.port = self.rdma_port = None
        self.rdma = rdma
        self.extra_folders, self.marks, self.paths = [], {}, {}

    # ---- folders ----

    def make(self):
        parent = temporary() if len(temporary()) < SOCKET_PATH_ROOM else '/tmp'
        self.folder = tempfile.mkdtemp(prefix=PREFIX, dir=parent)
        os.chmod(self.folder, 0o711)
        for name in ('private', 'pid', 'state', 'work'):
            os.mkdir(self.sub(name))
        for share in self.shares:
            self.paths[share.name] = share.path or self.make_share(share)

    def make_share(self, share):
        if share.parent:
            path = tempfile.mkdtemp(prefix=PREFIX, dir=share.parent)
            self.extra_folders.append(path)
        else:
            path = self.sub(f'share-{share.name.strip("$")}')
            os.mkdir(path)
        self.own(path, share.owner)
        os.chmod(path, share.mode)
        return path

    def own(self, path, owner=0):
        """Gives a file to an account, where that is possible."""
        if os.getuid() == 0:
            account = pwd.getpwnam(accounts()[owner])
            os.chown(path, account.pw_uid, account.pw_gid)

    def sub(self, name):
        return os.path.join(self.folder, name)

    def path(self, share, *names):
        """On disk."""
        return os.path.join(self.paths[share], *names)

    def work(self, *names):
        """In a folder for the test's own files."""
        return os.path.join(self.folder, 'work', *names)

    def remove(self):
        for path in [self.folder, *self.extra_folders]:
            shutil.rmtree(path, ignore_errors=True)

    # ---- configuration ----

    def configuration(self):
        g = {'smb ports': self.port, 'interfaces': 'lo', 'bind interfaces only': 'yes', 'private dir': self.sub('private'),
             'state directory': self.sub('state'), 'cache directory': self.sub('state'),
             'lock directory': self.sub('state'), 'pid directory': self.sub('pid'), 'log file': self.sub('log'),
             'log level': 3, 'rdma transports': 'none'}
        if self.rdma:
            g |= {'rdma transports': 'iwarp', 'rdma port': self.rdma_port}
        if self.reactors:
            g['reactors'] = self.reactors
        if MAPPED_IO:
            g['pmem mapped io'] = MAPPED_IO
        sections = [('global', {**g, **self.settings})]
        for share in self.shares:
            sections.append((share.name, {'path': self.paths[share.name], 'read only': 'no', **share.settings}))
        lines = []
        for name, settings in sections:
            lines.append(f'[{name}]')
            lines += [f'\t{key} = {value}' for key, value in settings.items() if value is not None]
        return '\n'.join(lines) + '\n'

    def configure(self):
        self.port = free_port()
        self.rdma_port = free_port() if self.rdma else None
        self.conf = self.sub('smb.conf')
        with open(self.conf, 'w', encoding='utf-8') as f:
            f.write(self.configuration())

    def add_user(self, name, password=PASSWORD):
        p = daxsmbctl(self.conf, 'user', 'add', name, '--stdin', input=f'{password}\n')
        if p.returncode != 0:
            raise Failure(f'daxsmbctl user add {name}: {p.stderr}')

    # ---- the process ----

    def start(self):
        self.make()
        self.configure()
        for name in self.users:
            self.add_user(name)
        self.launch()

    def launch(self):
        """Starts the daemon in the folders that are there; again on another port if somebody took this one."""
        for _ in range(PORT_ATTEMPTS):
            if self.try_launch():
                return
            self.configure()
        raise Failure(f'no port is free: {read(self.sub("stderr"))}')

    def try_launch(self):
        with open(self.sub('stderr'), 'a', encoding='utf-8') as errors:
            offset = errors.tell()
            self.process = subprocess.Popen([os.path.join(BIN, 'daxsmbd'), '-F', '-s', self.conf],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
        said, deadline = b'', time.monotonic() + READY_SECONDS
        while b'daxsmbd: ready' not in said:
            readable = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]
            chunk = os.read(self.process.stdout.fileno(), 4096) if readable else b''
            if not chunk:
                break
            said += chunk
        else:
            return not self.ends_for_lack_of_a_port()
        self.process.kill()
        status = self.process.wait()
        self.process.stdout.close()
        self.process = None
        error = read(self.sub('stderr'), offset)
        if 'Address already in use' in error or 'Address already in use' in read(self.sub('log')):
            return False
        raise Failure(f'daxsmbd did not become ready, status {status}: {error}')

    def ends_for_lack_of_a_port(self):
        """Where others have a port at one of its addresses the daemon goes on without that, which no test expects."""
        log = read(self.sub('log'))
        if not any(f'cannot listen on 127.0.0.1:{port}:' in log for port in (self.port, self.rdma_port)):
            return False
        self.stop()
        return True

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """Ends it with SIGTERM and fails unless that was clean."""
        if not self.process:
            raise Failure('it does not run')
        early = self.process.poll()
        self.process.terminate()
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = f'{self.process.wait()} (killed: it had {STOP_SECONDS} s)'
        self.process.stdout.close()
        self.process = None
        self.check_end(early, status)

    def check_end(self, early, status):
        problems = []
        if early is not None:
            problems.append(f'it had ended before, with status {early}')
        if status != 0:
            problems.append(f'it ended with status {status}')
        if SANITIZED.search(read(self.sub('stderr'))):
            problems.append('a sanitizer reported')
        problems += [f'it left {name}' for name in sorted(os.listdir(self.sub('pid')))]
        if problems:
            raise Failure('; '.join(problems))

    @contextlib.contextmanager
    def running(self):
        """For those who call stop() themselves; whatever happens, process and folders are gone afterwards."""
        try:
            self.start()
            yield self
        finally:
            if self.process:
                self.process.kill()
                self.process.wait()
                self.process.stdout.close()
                self.process = None
            self.final_logs = self.read_logs() if self.folder else []
            self.remove()

    def __enter__(self):
        self.context = self.running()
        return self.context.__enter__()

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                self.stop()
        except Failure as e:
            raise Failure(f'{e}\n{self.text_of_logs()}') from e
        finally:
            if isinstance(value, (Failure, subprocess.TimeoutExpired)):
                value.args = (f'{value}\n{self.text_of_logs()}', *value.args[1:])
            self.context.__exit__(kind, value, trace)

    # ---- what it says ----

    def ctl(self, *arguments, **keywords):
        return daxsmbctl(self.conf, *arguments, **keywords)

    def mark(self):
        self.marks = {name: len(read(self.sub(name)).encode()) for name in ('stderr', 'log')}

    def news(self):
        """The logs since mark()."""
        ended = self.process and self.process.poll()
        end = [('the server has ended', f'status {ended}')] if ended is not None else []
        return end + [(f'the server\'s {name}', read(self.sub(name), at)) for name, at in self.marks.items()]

    def read_logs(self):
        return [(f'the server\'s {name}', read(self.sub(name))) for name in ('stderr', 'log')]

    def logs(self):
        return self.read_logs() if self.folder and os.path.isdir(self.folder) else getattr(self, 'final_logs', [])

    def text_of_logs(self):
        return '\n'.join(f'{title}:\n{text[-8000:]}' for title, text in self.read_logs())

    # ---- what tests need ----

    def second_user(self):
        if len(self.users) < 2:
            raise Skip('only root has two users')
        return self.users[1]


def need_root(what):
    if os.getuid() != 0:
        raise Skip(f'{what} needs root')
