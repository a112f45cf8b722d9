# SPDX-License-Identifier: LGPL-3.0-or-later
"""A server whose files are mapped, and what the programs test_grants* share."""
import json, os, threading, time

from lib import Share, until
from .attack import Attacked
from .client import Connection
from .words import ALL_ACCESS

SIZE = 256 << 10
REVOKE_SECONDS = 2
FENCE_MS = 1000 * (REVOKE_SECONDS + 10)  # on a machine that is busy; what is not fenced waits for 35 s
(NOT_FOUND, INVALID_VIEW_SIZE, INVALID_BUFFER_SIZE, QUOTA_EXCEEDED, INVALID_CONNECTION, REVISION_MISMATCH, POLICY_ENCRYPTED,
 POLICY_SHARE, NO_LEASE, IS_A_DIRECTORY, NOT_SUPPORTED, SHARING_VIOLATION) = (
    0xC0000225, 0xC000001F, 0xC0000206, 0xC0000044, 0xC0000140, 0xC0000059, 0xC0000361, 0xC0000364, 0xC000042E,
    0xC00000BA, 0xC00000BB, 0xC0000043)
INVALID_TAG = (0x1100, 0x0100)  # RFC 5040 section 4.8: RDMAP and DDP errors of a tag that is not (any more) valid


def mapped_server():
    return Attacked(Share('data'), Share('plain', {'pmem mapped io': 'no'}), Share('forbidden', {'pmem direct': 'no'}),
                    Share('few', {'pmem max share grants': 3, 'pmem max grant size': 4096}),
                    rdma=True, settings={'pmem mapped io': 'yes', 'pmem revoke timeout': REVOKE_SECONDS,
                                         'pmem max grants': 4, 'pmem max grant size': '1G'})


def fresh(s, name='file', share='data'):
    """A file of random bytes, which are returned."""
    data = os.urandom(SIZE)
    with open(s.path(share, name), 'wb') as f:
        f.write(data)
    s.own(s.path(share, name))
    os.chmod(s.path(share, name), 0o666)
    return bytearray(data)


def content(s, name='file'):
    with open(s.path('data', name), 'rb') as f:
        return f.read()


def status(s):
    return json.loads(s.ctl('status', '--json').stdout)


def no_grant_is_left(s):
    until(lambda: not status(s)['grants'], 20, 'every grant is given back')


def contend(s, how):
    """Another client opens the file meanwhile: its CREATE's status and how long it took, when it has come."""
    result = {}

    def go():
        with Connection(s) as c:
            c.negotiate().want()
            tree = c.log_on().connect('data')
            begin = time.monotonic()
            reply = how(tree)
            result.update(status=reply.status, ms=(time.monotonic() - begin) * 1000)

    t = threading.Thread(target=go)
    t.start()
    return t, result


def opening(tree):
    return tree.create('file', access=ALL_ACCESS)
