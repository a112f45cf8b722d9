# SPDX-License-Identifier: LGPL-3.0-or-later
"""A connection on which a test says what it likes, byte by byte."""
import socket, struct


class Wire:
    """In a `with` statement."""

    def __init__(self, server, seconds=30):
        self.address, self.seconds = ('127.0.0.1', server.port), seconds

    def __enter__(self):
        self.socket = socket.create_connection(self.address, timeout=self.seconds)
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, message):
        self.socket.sendall(struct.pack('>I', len(message)) + message)

    def take(self, size):
        data = b''
        while len(data) < size:
            chunk = self.socket.recv(size - len(data))
            if not chunk:
                return None
            data += chunk
        return data

    def receive(self):
        """A message, or None when the server has closed the connection."""
        try:
            prefix = self.take(4)
            return prefix and self.take(struct.unpack('>I', prefix)[0])
        except (ConnectionResetError, BrokenPipeError):
            return None
