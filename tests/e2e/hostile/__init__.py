# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the programs test_hostile_* share: an SMB2 client that says whatever it is told to, and the server under attack."""
from .client import Bound, Connection, Ended, File, Session, Tree
from .attack import attack, attacked_server, descriptors, end_of_attacks, resident_bytes, sanitized, what_is_open
from .iwarp import Iwarp, MpaFrame, ReadRequest, Terminated
from .smbdirect import (DirectConnection, SmbDirect, channel_read, channel_write, charge, data_message, descriptors as
                        rdma_descriptors, negotiate_request, rdma_connection, rdma_socket, read_into, write_from)
from .words import *  # pylint: disable=wildcard-import,unused-wildcard-import # names of the specification
