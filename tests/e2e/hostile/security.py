# SPDX-License-Identifier: LGPL-3.0-or-later
"""Keys, signatures and encryption of [MS-SMB2] 3.1.4, and NTLM tokens."""
import hashlib, hmac, os, struct

from Cryptodome.Cipher import AES
from Cryptodome.Hash import CMAC
from impacket import ntlm

from .words import AES128_CCM, AES128_GCM, AES256_CCM, AES256_GCM, AES_CMAC, AES_GMAC, CANCEL

TRANSFORM = 52
CIPHERS = {AES128_CCM: (AES.MODE_CCM, 11, 16), AES128_GCM: (AES.MODE_GCM, 12, 16), AES256_CCM: (AES.MODE_CCM, 11, 32),
           AES256_GCM: (AES.MODE_GCM, 12, 32)}
LABELS = {'sign': (b'SMB2AESCMAC\0', b'SmbSign\0', b'SMBSigningKey\0'),
          'to server': (b'SMB2AESCCM\0', b'ServerIn \0', b'SMBC2SCipherKey\0'),
          'to client': (b'SMB2AESCCM\0', b'ServerOut\0', b'SMBS2CCipherKey\0')}


def preauth(so_far, message):
    return hashlib.sha512(so_far + message).digest()


def derive(key, dialect, use, so_far, size=16):
    label, old_context, new_label = LABELS[use]
    text = (new_label, so_far) if dialect == 0x311 else (label, old_context)
    return hmac.new(key, struct.pack('>I', 1) + text[0] + b'\0' + text[1] + struct.pack('>I', size * 8),
                    hashlib.sha256).digest()[:size]


def signature(algorithm, key, message, from_server=False):
    """Of a message whose signature field holds anything."""
    plain = message[:48] + bytes(16) + message[64:]
    if algorithm == AES_GMAC:
        is_cancel = struct.unpack_from('<H', message, 12)[0] == CANCEL
        nonce = message[24:32] + struct.pack('<I', from_server | is_cancel << 1)
        return AES.new(key, AES.MODE_GCM, nonce=nonce).update(plain).digest()
    if algorithm == AES_CMAC:
        return CMAC.new(key, plain, ciphermod=AES).digest()
    return hmac.new(key, plain, hashlib.sha256).digest()[:16]


def cipher_for(cipher, key, header, size=None):
    mode, nonce_size, _ = CIPHERS[cipher]
    sizes = {'msg_len': size, 'assoc_len': TRANSFORM - 20, 'mac_len': 16} if mode == AES.MODE_CCM else {}
    return AES.new(key, mode, nonce=header[20:20 + nonce_size], **sizes).update(header[20:TRANSFORM])


def seal(cipher, key, session_id, message, size=None, flags=1, nonce=None):
    size = len(message) if size is None else size
    header = (b'\xfdSMB' + bytes(16) + (nonce or os.urandom(11)).ljust(16, b'\0') +
              struct.pack('<IHHQ', size, 0, flags, session_id))
    hidden, tag = cipher_for(cipher, key, header, len(message)).encrypt_and_digest(message)
    return header[:4] + tag + header[20:] + hidden


def open_sealed(cipher, key, frame):
    return cipher_for(cipher, key, frame, len(frame) - TRANSFORM).decrypt_and_verify(frame[TRANSFORM:], frame[4:20])


class Ntlm:
    """The client's two tokens; key after the second."""

    def __init__(self, user, password, domain=''):
        self.user, self.password, self.domain, self.key = user, password, domain, bytes(16)
        self.first_message = ntlm.getNTLMSSPType1('', domain, signingRequired=True)

    def first(self):
        return self.first_message.getData()

    def second(self, challenge):
        answer, self.key = ntlm.getNTLMSSPType3(self.first_message, challenge, self.user, self.password, self.domain)
        return answer.getData()
