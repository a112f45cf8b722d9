# SPDX-License-Identifier: LGPL-3.0-or-later
"""Servers for measurements: each with private folders, a port of its own on loopback and one share on tmpfs."""
import os, pwd, shutil, socket, subprocess, tempfile, time

USER_PASSWORD = 'bench-Passw0rd'
TICK = os.sysconf('SC_CLK_TCK')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def unix_user():
    """Who logs on: an ordinary user where root may choose one, else whoever runs this."""
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid()).pw_name
    ordinary = [p.pw_name for p in pwd.getpwall() if 1000 <= p.pw_uid < 60000]
    return ordinary[0] if ordinary else 'nobody'


def process_tree(root):
    """The pids of a process and all that descend from it."""
    parents = {}
    for name in os.listdir('/proc'):
        if name.isdigit():
            fields = stat_fields(int(name))
            if fields:
                parents[int(name)] = int(fields[1])
    tree, fresh = {root}, {root}
    while fresh:
        fresh = {p for p, parent in parents.items() if parent in fresh} - tree
        tree |= fresh
    return tree & (set(parents) | {root})


def stat_fields(pid):
    """/proc/PID/stat from the state on, or None if the process is gone."""
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii', errors='replace') as f:
            return f.read().rpartition(')')[2].split()
    except OSError:
        return None


def pss_bytes(pid):
    try:
        with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as f:
            for line in f:
                if line.startswith('Pss:'):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


class Server:
    """Start it with a `with` statement. Ends only what it started."""
    name = None
    lines = ()  # of smb.conf, besides the common ones
    client_prefix = ()  # of the commands that load it

    def __init__(self, share_parent='/dev/shm', share_lines=()):
        self.user, self.password = unix_user(), USER_PASSWORD
        self.share_parent, self.share_lines = share_parent, share_lines
        self.port = free_port()
        self.process = self.rdma_port = None

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix=f'bench-{self.name}-')
        self.share = tempfile.mkdtemp(prefix=f'bench-{self.name}-share-', dir=self.share_parent)
        os.chmod(self.share, 0o777)
        try:
            self.conf = os.path.join(self.folder, 'smb.conf')
            with open(self.conf, 'w', encoding='utf-8') as f:
                f.write(self.configuration())
            self.prepare()
            self.log = open(os.path.join(self.folder, 'output'), 'w', encoding='utf-8')
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=self.log,
                                            stderr=subprocess.STDOUT)
            self.wait_until_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.log.close()
            self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.share, ignore_errors=True)

    def sub(self, name):
        path = os.path.join(self.folder, name)
        os.makedirs(path, mode=0o755, exist_ok=True)
        return path

    def configuration(self):
        common = ['server role = standalone server', f'smb ports = {self.port}', 'interfaces = 127.0.0.1',
                  'bind interfaces only = yes', f'private dir = {self.sub("private")}',
                  f'state directory = {self.sub("state")}', f'pid directory = {self.sub("pid")}']
        text = ['[global]', *common, *self.lines_for(), '[bench]', f'path = {self.share}', 'read only = no',
                *self.share_lines, *self.more_shares()]
        return '\n'.join(text) + '\n'

    def lines_for(self):
        return []

    def more_shares(self):
        return []

    def prepare(self):
        pass

    def wait_until_up(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with socket.socket() as s:
                if s.connect_ex(('127.0.0.1', self.port)) == 0:
                    return
            time.sleep(0.05)
        with open(self.log.name, encoding='utf-8', errors='replace') as f:
            raise RuntimeError(f'{self.name} does not start:\n{f.read()[-2000:]}')

    @property
    def url(self):
        return f'//127.0.0.1:{self.port}/bench'

    def cpu_seconds(self):
        """Of all its processes, those that have ended and were waited for included."""
        total = 0
        for pid in process_tree(self.process.pid):
            fields = stat_fields(pid)
            if fields:
                total += sum(int(v) for v in fields[11:15])
        return total / TICK

    def memory_bytes(self):
        return sum(pss_bytes(pid) for pid in process_tree(self.process.pid))


class Samba(Server):
    """Debian's smbd as it comes, without printing; sendfile on, no modules for ACLs or streams."""
    name = 'samba'

    @staticmethod
    def missing():
        for program in ('smbd', 'smbpasswd'):
            if not shutil.which(program):
                return f'{program} is not installed'
        return None if os.getuid() == 0 else 'smbd needs root'

    def lines_for(self):
        passdb = os.path.join(self.sub('private'), 'passdb.tdb')
        return [f'cache directory = {self.sub("cache")}', f'lock directory = {self.sub("lock")}',
                f'ncalrpc dir = {self.sub("ncalrpc")}', f'log file = {self.sub("log")}/log.%m',
                f'passdb backend = tdbsam:{passdb}', 'load printers = no', 'printing = bsd', 'disable spoolss = yes',
                'use sendfile = yes']

    def prepare(self):
        subprocess.run(['smbpasswd', '-c', self.conf, '-s', '-a', self.user], check=True, stdout=subprocess.DEVNULL,
                       input=f'{self.password}\n{self.password}\n'.encode())

    def command(self):
        # Not --no-process-group: when smbd ends it signals its whole process group, so that had better be its own.
        return ['smbd', '-F', '-s', self.conf]

    @staticmethod
    def version():
        return subprocess.run(['smbd', '--version'], check=True, capture_output=True, text=True).stdout.split()[-1]


class Daxsmbd(Server):
    """Also serves SMB Direct, and the same folder as the share "mapped", whose files are read and written through mappings."""
    name = 'daxsmbd'
    build = None  # set by the program: the folder with bin/

    def lines_for(self):
        self.rdma_port = free_port()
        return ['rdma transports = iwarp', f'rdma port = {self.rdma_port}']

    def more_shares(self):
        return ['[mapped]', f'path = {self.share}', 'read only = no', 'pmem mapped io = yes']

    def url_of(self, via, share):
        port = self.rdma_port if via == 'smbdirect' else self.port
        return f'//127.0.0.1:{port}/{share}'

    @classmethod
    def missing(cls):
        for program in ('daxsmbd', 'daxsmbctl'):
            if not os.access(os.path.join(cls.build, 'bin', program), os.X_OK):
                return f'{program} is not built'
        return None

    def prepare(self):
        subprocess.run([os.path.join(self.build, 'bin/daxsmbctl'), '-s', self.conf, 'user', 'add', self.user, '--stdin'],
                       check=True, stdout=subprocess.DEVNULL, input=f'{self.password}\n'.encode())

    def command(self):
        return [os.path.join(self.build, 'bin/daxsmbd'), '-F', '-s', self.conf]

    @classmethod
    def version(cls):
        program = os.path.join(cls.build, 'bin/daxsmbd')
        return subprocess.run([program, '-V'], check=True, capture_output=True, text=True).stdout.split()[-1]
