# SPDX-License-Identifier: LGPL-3.0-or-later
"""Clients that write until the server is gone, and know what it has acknowledged (tests/vm/flush_writer.c)."""
import os, re, subprocess

from .cases import Failure, expect
from .server import BIN, PASSWORD, until

FLUSH_WRITER = os.path.join(os.path.dirname(BIN), 'vm/flush_writer')
SECONDS = 300  # what takes longer has hung
WAYS = (('flush', 'tcp'), ('through', 'smbdirect'), ('commit', 'tcp'), ('fsctl', 'smbdirect'))


class Writers:
    """One for each way to make data durable, in a `with` statement. Their logs are in the server's folder `work`."""

    def __init__(self, s, name, ways=WAYS, share='data'):
        if not os.access(FLUSH_WRITER, os.X_OK):
            raise Failure(f'{FLUSH_WRITER} is not built')
        self.s, self.share = s, share
        self.names = [f'{name}-{i}-{how}' for i, (how, _) in enumerate(ways)]
        self.ways, self.processes = ways, []

    def log(self, name):
        return self.s.work(f'log.{name}')

    def __enter__(self):
        place = f'127.0.0.1:{self.s.port}:{self.s.rdma_port}'
        for name, (how, via) in zip(self.names, self.ways):
            with open(self.s.work(f'said.{name}'), 'wb') as said:
                self.processes.append(subprocess.Popen(
                    [FLUSH_WRITER, 'write', how, via, place, self.share, self.s.users[0], PASSWORD, name, self.log(name)],
                    stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT))
        return self

    def __exit__(self, *_):
        for p in self.processes:
            p.kill()
            p.wait()

    def said(self):
        texts = []
        for name in self.names:
            with open(self.s.work(f'said.{name}'), encoding='utf-8', errors='replace') as f:
                texts.append(f'{name}: {f.read()}')
        return '\n'.join(texts)

    def lines(self, name):
        try:
            with open(self.log(name), 'rb') as f:
                return f.read().count(b'\n')
        except FileNotFoundError:
            return 0

    def have_written(self, count):
        """Each has had so many writes acknowledged."""
        def busy():
            ended = [p for p in self.processes if p.poll() is not None]
            expect(not ended, f'a writer has ended:\n{self.said()}')
            return all(self.lines(name) >= count for name in self.names)
        until(busy, SECONDS, f'{count} writes of each are acknowledged')

    def end(self):
        """The server is gone, and that is all that they complain of."""
        for p in self.processes:
            expect(p.wait(SECONDS) == 0, f'a writer ended with status {p.returncode}:\n{self.said()}')

    def lost(self, folder):
        """Of each way how much was acknowledged, and how much of that is not in the folder's files."""
        found = {}
        for name, (how, _) in zip(self.names, self.ways):
            p = subprocess.run([FLUSH_WRITER, 'check', folder, self.log(name)], capture_output=True, text=True, timeout=SECONDS,
                               check=False)
            numbers = re.search(r'(\d+) acknowledged, (\d+) lost\n$', p.stdout)
            expect(numbers, f'{p.stdout}{p.stderr}')
            found[how] = (int(numbers[1]), int(numbers[2]))
        return found
