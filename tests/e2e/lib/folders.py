# SPDX-License-Identifier: LGPL-3.0-or-later
"""Where shares can lie: the test's own temporary folder, or another place that has what a share needs."""
import os, tempfile


def temporary():
    return os.environ.get('TMPDIR') or '/tmp'


def keeps_xattrs(folder):
    with tempfile.NamedTemporaryFile(dir=folder, prefix='daxsmbd-e2e-') as f:
        try:
            os.setxattr(f.name, 'user.daxsmbd', b'1')
        except OSError:
            return False
    return True


def first(candidates, wanted):
    for folder in candidates:
        if os.path.isdir(folder) and os.access(folder, os.W_OK) and wanted(folder):
            return folder
    return None


def xattr_parent():
    """A folder whose filesystem keeps user extended attributes, or None."""
    return first([temporary(), '/tmp', '/var/tmp', '/dev/shm'], keeps_xattrs)


def roomy_parent(size):
    """A folder with so many bytes free, in memory where possible, or None."""
    def has_room(folder):
        s = os.statvfs(folder)
        return s.f_bavail * s.f_frsize >= size
    return first(['/dev/shm', temporary(), '/tmp', '/var/tmp'], has_room)
