# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the programs in tests/e2e share: a daxsmbd of one's own, clients, and cases with results one a line."""
from .cases import Failure, Skip, case, expect, run
from .clients import (DIALECTS, PROTECTIONS, Smbclient, all_went_well, daxsmb, diff, pairs, smbclient, smbclient_args,
                      write_random)
from .folders import roomy_parent, xattr_parent
from .raw import Wire
from .server import BIN, PASSWORD, PATIENCE, Server, Share, accounts, daxsmbctl, free_port, until

__all__ = ['BIN', 'DIALECTS', 'Failure', 'PASSWORD', 'PATIENCE', 'PROTECTIONS', 'Server', 'Share', 'Skip', 'Smbclient',
           'Wire', 'accounts', 'all_went_well', 'case', 'daxsmb', 'daxsmbctl', 'diff', 'expect', 'free_port', 'pairs',
           'roomy_parent', 'run', 'smbclient', 'smbclient_args', 'until', 'write_random', 'xattr_parent']
