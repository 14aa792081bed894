"""Encrypted members of a zip: the old cipher of PKWARE, and AES as WinZip made it.

The old one after APPNOTE.TXT 6.3.10, section 6.1; AES after WinZip's "AES Encryption Information: Encryption
Specification AE-1 and AE-2", by the package cryptography. The old cipher depends on each byte before, so it runs in
Python, at 1 to 2 MB/s.
"""

from __future__ import annotations

import hmac
import io
import struct
from dataclasses import dataclass, field
from typing import Any

from medshelf.access import _zip
from medshelf.access._index import Entry
from medshelf.access._password import wrong
from medshelf.access._source import Part, Source
from medshelf.access._zip_end import read_exactly
from medshelf.errors import AccessError, need

AES = 99
"""Method of a member that AES encrypts; its own stands in the AES field."""
_STRONG = 0x40
_DESCRIPTOR = 0x8
_OLD_HEAD_BYTES = 12
_TAG_BYTES = 10
_STEP_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Decrypted:
    """The packed bytes of a member behind its encryption; opening with a wrong password is an `AccessError`."""

    of: Source
    strength: int
    """1 to 3 for AES of 128, 192 and 256 bits; 0 for the old cipher."""
    check: int
    """Last byte of the old cipher's head, which tells a wrong password in 255 of 256 cases."""
    name: str
    password: str = field(repr=False)

    @property
    def size_bytes(self) -> int:
        return self.of.size_bytes - (_salt_bytes(self.strength) + 2 + _TAG_BYTES if self.strength else _OLD_HEAD_BYTES)

    def open(self) -> io.RawIOBase:
        if self.size_bytes < 0:
            raise AccessError("the encrypted member is too short", where=self.name, hint="Fetch the archive again")
        stream = self.of.open()
        try:
            return _AesStream(stream, self) if self.strength else _OldStream(stream, self)
        except BaseException:
            stream.close()
            raise


def decrypted(stream: io.RawIOBase, entry: Entry, name: str, password: str) -> tuple[Source, int, int | None]:
    """Return the packed bytes of an encrypted member, how they are packed, and the CRC-32 of the unpacked ones.

    Raises
    ------
    AccessError
        The member is encrypted in a way that is not read.
    """
    local = _zip.read_local(stream, entry, name)
    part = Part(entry.source, local.start, entry.packed_bytes)
    if local.flags & _STRONG:
        raise AccessError(
            "the member is encrypted in PKWARE's own way, which is not read", where=name,
            hint="Unpack the archive with the program that made it",
        )  # fmt: skip
    if entry.method != AES:
        check = local.time >> 8 if local.flags & _DESCRIPTOR else (entry.crc32 or 0) >> 24
        return Decrypted(part, 0, check, name, password), entry.method, entry.crc32
    told = _zip.extra_field(local.extra, 0x9901) or b""
    if len(told) != 7 or told[4] not in (1, 2, 3):
        raise AccessError("the member's AES header is damaged", where=name, hint="Fetch the archive again")
    version, _, strength, method = struct.unpack("<H2sBH", told)
    crc32 = entry.crc32 if version == 1 else None  # AE-2 leaves it out
    return Decrypted(part, strength, 0, name, password), method, crc32


def _salt_bytes(strength: int) -> int:
    return 4 + 4 * strength


class _Cipher(io.RawIOBase):
    """A decrypted stream: reads forward, and starts again for a step back."""

    def __init__(self, stream: io.RawIOBase, of: Decrypted) -> None:
        super().__init__()
        self._stream = stream
        self._of = of
        self._size_bytes = of.size_bytes
        self._position = 0
        self._begin()

    def _begin(self) -> None:
        raise NotImplementedError

    def _plain(self, data: bytes) -> bytes:
        raise NotImplementedError

    def _finish(self) -> None:
        """Do what is due after the last byte."""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        self._stream.close()
        super().close()

    def seek(self, offset: int, whence: int = 0, /) -> int:
        target = max(0, offset + (0, self._position, self._size_bytes)[whence])
        if target < self._position:
            self._stream.seek(0)
            self._position = 0
            self._begin()
        while self._position < target and self._next(min(_STEP_BYTES, target - self._position)):
            pass
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self._next(min(view.nbytes, _STEP_BYTES))
        view[: len(data)] = data
        return len(data)

    def _next(self, most: int) -> bytes:
        most = min(most, self._size_bytes - self._position)
        if most <= 0:
            return b""
        data = self._exactly(most)
        self._position += len(data)
        plain = self._plain(data)
        if self._position == self._size_bytes:
            self._finish()
        return plain

    def _exactly(self, size_bytes: int) -> bytes:
        data = read_exactly(self._stream, size_bytes)
        if len(data) < size_bytes:
            raise AccessError("the archive ends inside a member", where=self._of.name, hint="Fetch the archive again")
        return data


def _crc_table() -> tuple[int, ...]:
    """Return the table of CRC-32, polynomial 0xEDB88320."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE = _crc_table()


class _OldStream(_Cipher):
    """The cipher of APPNOTE 6.1: three keys, fed with each byte of plain text."""

    def _begin(self) -> None:
        self._keys = (0x12345678, 0x23456789, 0x34567890)
        self._feed(self._of.password.encode())
        head = self._plain(self._exactly(_OLD_HEAD_BYTES))
        if head[-1] != self._of.check:
            raise wrong(self._of.name)

    def _feed(self, plain: bytes) -> None:
        a, b, c = self._keys
        for byte in plain:
            a = _TABLE[(a ^ byte) & 0xFF] ^ a >> 8
            b = ((b + (a & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
            c = _TABLE[(c ^ b >> 24) & 0xFF] ^ c >> 8
        self._keys = a, b, c

    def _plain(self, data: bytes) -> bytes:
        a, b, c = self._keys
        table, out = _TABLE, bytearray()
        for byte in data:
            mixed = c | 2
            byte ^= (mixed * (mixed ^ 1) >> 8) & 0xFF
            out.append(byte)
            a = table[(a ^ byte) & 0xFF] ^ a >> 8
            b = ((b + (a & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
            c = table[(c ^ b >> 24) & 0xFF] ^ c >> 8
        self._keys = a, b, c
        return bytes(out)


class _AesStream(_Cipher):
    """AES in counter mode, little-endian and from 1, checked by HMAC-SHA1 after the last byte."""

    def _begin(self) -> None:
        import hashlib

        ciphers: Any = need("cryptography.hazmat.primitives.ciphers", "aes")
        of, size = self._of, 8 + 8 * self._of.strength
        salt = self._exactly(_salt_bytes(of.strength))
        keys = hashlib.pbkdf2_hmac("sha1", of.password.encode(), salt, 1000, 2 * size + 2)
        if not hmac.compare_digest(keys[2 * size :], self._exactly(2)):
            raise wrong(of.name)
        cipher = ciphers.Cipher(ciphers.algorithms.AES(keys[:size]), ciphers.modes.ECB())
        self._encryptor = cipher.encryptor()
        self._mac = hmac.new(keys[size : 2 * size], digestmod="sha1")
        self._block = 0
        self._left = b""

    def _plain(self, data: bytes) -> bytes:
        import numpy as np

        self._mac.update(data)
        blocks = -(-(len(data) - len(self._left)) // 16)
        if blocks > 0:
            counters = np.zeros((blocks, 2), "<u8")
            counters[:, 0] = np.arange(self._block + 1, self._block + 1 + blocks)
            self._left += self._encryptor.update(counters.tobytes())
            self._block += blocks
        key, self._left = self._left[: len(data)], self._left[len(data) :]
        return (np.frombuffer(data, np.uint8) ^ np.frombuffer(key, np.uint8)).tobytes()

    def _finish(self) -> None:
        if not hmac.compare_digest(self._mac.digest()[:_TAG_BYTES], self._exactly(_TAG_BYTES)):
            raise AccessError(
                "the member's authentication code is wrong", where=self._of.name,
                hint="Fetch the archive again, or compare its checksum",
            )  # fmt: skip
