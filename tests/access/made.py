"""Archives made by hand: disks of a split zip, 7z with any names, a rar of stored members."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path


def disks(path: Path, size_bytes: int) -> Path:
    """Cut a zip of zipfile's into ``.z01`` … ``.zip``, numbered by disk (APPNOTE 4.4.11, 4.4.16)."""
    data = path.read_bytes()
    end = data.rindex(b"PK\5\6")
    entries, size, start = struct.unpack_from("<HLL", data, end + 10)
    body = data[:start]
    places = list(range(0, max(1, len(body)), size_bytes))
    directory, at = bytearray(data[start : start + size]), 0
    for _ in range(entries):
        n, e, c = struct.unpack_from("<3H", directory, at + 28)
        (offset,) = struct.unpack_from("<L", directory, at + 42)
        struct.pack_into("<H", directory, at + 34, offset // size_bytes)
        struct.pack_into("<L", directory, at + 42, offset % size_bytes)
        at += 46 + n + e + c
    last = len(places)
    tail = bytes(directory) + struct.pack("<4s4H2LH", b"PK\5\6", last, last, entries, entries, size, 0, 0)
    for number, place in enumerate(places, 1):
        path.with_suffix(f".z{number:02d}").write_bytes(body[place : place + size_bytes])
    path.write_bytes(tail)
    return path


def pieces(path: Path, size_bytes: int) -> Path:
    """Cut a file into ``.001``, ``.002`` …"""
    data = path.read_bytes()
    for number, place in enumerate(range(0, len(data), size_bytes), 1):
        Path(f"{path}.{number:03d}").write_bytes(data[place : place + size_bytes])
    path.unlink()
    return Path(f"{path}.001")


def sevenzip(path: Path, content: dict[str, bytes]) -> Path:
    """Write a 7z whose names may be anything, as py7zr refuses to write what is unsafe."""
    import py7zr

    spelt = {f"{i:0{len(name)}d}"[: len(name)]: name for i, name in enumerate(content)}
    with py7zr.SevenZipFile(path, "w") as made:
        made.set_encoded_header_mode(False)
        for stand_in, name in spelt.items():
            made.writestr(content[name], stand_in)
    return renamed(path, spelt)


def renamed(path: Path, names: dict[str, str]) -> Path:
    """Change names of the same length in a 7z with a plain header, and its checksums."""
    data = bytearray(path.read_bytes())
    offset, size = struct.unpack_from("<QQ", data, 12)
    head = bytes(data[32 + offset : 32 + offset + size])
    for old, new in names.items():
        wanted = f"\0{old}\0".encode("utf-16-le")
        begin = head.find(wanted[2:])
        assert begin >= 0
        head = head[:begin] + f"{new}\0".encode("utf-16-le") + head[begin + len(wanted) - 2 :]
    data[32 + offset : 32 + offset + size] = head
    struct.pack_into("<L", data, 28, zlib.crc32(head))
    struct.pack_into("<L", data, 8, zlib.crc32(bytes(data[12:32])))
    path.write_bytes(data)
    return path


def rar(path: Path, content: dict[str, bytes], method: int = 0) -> Path:
    """Write a rar 5 (rarlab.com, technote): a main header, members stored or said to be packed, an end."""
    out = b"Rar!\x1a\7\1\0" + _block(1, 0, b"\0")
    for name, data in content.items():
        raw = name.encode()
        about = (
            _vint(4) + _vint(len(data)) + _vint(0o100644) + struct.pack("<L", zlib.crc32(data)) + _vint(method << 7)
            + _vint(1) + _vint(len(raw)) + raw
        )  # fmt: skip
        out += _block(2, 2, _vint(len(data)) + about) + data
    path.write_bytes(out + _block(5, 0, b"\0"))
    return path


def _block(kind: int, flags: int, rest: bytes) -> bytes:
    body = _vint(kind) + _vint(flags) + rest
    sized = _vint(len(body)) + body
    return struct.pack("<L", zlib.crc32(sized)) + sized


def _vint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])
