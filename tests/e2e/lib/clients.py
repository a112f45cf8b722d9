# SPDX-License-Identifier: LGPL-3.0-or-later
"""smbclient and daxsmb, and files to send."""
import os, pty, random, select, subprocess, time

from .cases import Failure, expect
from .server import BIN, PASSWORD

DIALECTS = ['SMB2_02', 'SMB2_10', 'SMB3_00', 'SMB3_02', 'SMB3_11']
PROTECTIONS = ['off', 'sign', 'encrypt']
SECONDS = 300
CHUNK = 1 << 20
PROMPT = 'smb: \\> '


def pairs():
    """Every dialect with every protection that it has, as (label, dialect, protection)."""
    return [(f'{d} {p}', d, p) for d in DIALECTS for p in PROTECTIONS if p != 'encrypt' or d >= 'SMB3']


def smbclient_args(server, share, *, user=None, password=PASSWORD, dialect=None, protect=None, options=None):
    user = server.users[0] if user is None else user
    settings = dict(options or {})
    if dialect:
        settings |= {'client min protocol': dialect, 'client max protocol': dialect,
                     'client ipc min protocol': dialect, 'client ipc max protocol': dialect}
    who = ['-N', '-U', '%'] if user == '' else ['-U', f'{user}%{password}']
    return ['smbclient', '-s', '/dev/null', '-p', str(server.port), *who, f'//127.0.0.1/{share}',
            *([f'--client-protection={protect}'] if protect else []),
            *(f'--option={name}={value}' for name, value in settings.items())]


def smbclient(server, share, commands, *, want=0, seconds=SECONDS, cwd=None, more=(), **keywords):
    """Runs commands; the exit status must be `want` unless that is None. The result's stdout has errors too."""
    arguments = [*smbclient_args(server, share, **keywords), *more, *(['-c', commands] if commands else [])]
    p = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       encoding='utf-8', errors='replace', timeout=seconds, check=False, cwd=cwd or server.work())
    if want is not None and p.returncode != want:
        raise Failure(f'{" ".join(arguments)}\nexit status {p.returncode}, not {want}:\n{p.stdout}')
    return p


def all_went_well(server, share, commands, **keywords):
    """Likewise, and no command may have failed. Returns what it said."""
    said = smbclient(server, share, commands, **keywords).stdout
    expect('NT_STATUS_' not in said, f'{commands}:\n{said}')
    return said


class Smbclient:
    """One that stays connected, in a `with` statement. It is given a terminal: only then it takes commands one by one."""

    def __init__(self, server, share, **keywords):
        self.arguments = smbclient_args(server, share, **keywords)
        self.cwd, self.said = server.work(), ''

    def __enter__(self):
        self.terminal, theirs = pty.openpty()
        self.process = subprocess.Popen(self.arguments, stdin=theirs, stdout=theirs, stderr=theirs, cwd=self.cwd,
                                        env={**os.environ, 'TERM': 'dumb'}, start_new_session=True)
        os.close(theirs)
        try:
            self.wait_for(PROMPT)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        os.close(self.terminal)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def send(self, command):
        os.write(self.terminal, f'{command}\n'.encode())

    def wait_for(self, text, seconds=60):
        deadline = time.monotonic() + seconds
        while text not in self.said:
            if not select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))[0]:
                raise Failure(f'smbclient did not say "{text}" in {seconds} s:\n{self.said}')
            try:
                self.said += os.read(self.terminal, 65536).decode(errors='replace')
            except OSError as e:  # the other end of the terminal is closed
                raise Failure(f'smbclient ended without "{text}":\n{self.said}') from e
        before, _, self.said = self.said.partition(text)
        return before

    def do(self, command):
        """Returns what it said, when the command is done."""
        self.send(command)
        return self.wait_for(PROMPT)


def daxsmb(server, *arguments, want=0, password=PASSWORD, user=None, cwd=None, seconds=SECONDS, **keywords):
    """daxsmb with URLs of a share written as 'share:path'."""
    urls = [f'//127.0.0.1:{server.port}/{a[6:]}' if a.startswith('share:') else a for a in arguments]
    p = subprocess.run([os.path.join(BIN, 'daxsmb'), *urls, '-U', user or server.users[0]], capture_output=True,
                       timeout=seconds, check=False, cwd=cwd or server.work(), env={**os.environ, 'PASSWD': password},
                       **keywords)
    if want is not None and p.returncode != want:
        raise Failure(f'daxsmb {" ".join(urls)}: exit status {p.returncode}, not {want}:\n'
                      f'{p.stderr.decode(errors="replace")}')
    return p


def write_random(path, size):
    with open(path, 'wb') as f:
        while size > 0:
            f.write(random.randbytes(min(size, CHUNK)))
            size -= CHUNK


def diff(one, other):
    p = subprocess.run(['diff', '-rq', one, other], capture_output=True, text=True, check=False)
    expect(p.returncode == 0, f'{one} and {other} differ:\n{p.stdout[-2000:]}{p.stderr[-2000:]}')
