"""Archives written byte by byte, so that each field may lie: zip, tar, 7z, rar 5."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

Files = list[tuple[str, bytes]]

# --- zip (APPNOTE.TXT 6.3.10, 4.3.7, 4.3.12, 4.3.14 to 4.3.16) -----------------------------------


@dataclass
class Member:
    """A member of a zip; what is None is right."""

    name: bytes
    data: bytes = b""
    method: int = 0
    flags: int = 0x800
    packed: bytes | None = None
    crc: int | None = None
    size: int | None = None
    packed_size: int | None = None
    local: bytes | None = None
    """The local header, in place of the right one; ``b""`` for none."""
    local_name: bytes | None = None
    local_method: int | None = None
    local_flags: int | None = None
    local_size: int | None = None
    extra: bytes = b""
    local_extra: bytes = b""
    mode: int = 0o100644
    system: int = 3
    offset: int | None = None
    disk: int = 0


def raw_zip(path: Path, members: list[Member], *, entries: int | None = None, size: int | None = None,
            start: int | None = None, comment: bytes = b"", before: bytes = b"",
            zip64: bool = False) -> Path:  # fmt: skip
    """Write it; `entries`, `size` and `start` are what the end record says of the directory."""
    body, directory = bytearray(before), bytearray()
    for one in members:
        packed = one.data if one.packed is None else one.packed
        crc = zlib.crc32(one.data) if one.crc is None else one.crc
        said, length = _or(one.size, len(one.data)), _or(one.packed_size, len(packed))
        at = _or(one.offset, len(body))
        name, method = _or(one.local_name, one.name), _or(one.local_method, one.method)
        local = struct.pack(
            "<4s5H3L2H", b"PK\3\4", 20, _or(one.local_flags, one.flags), method, 0, 33, crc, _cut(length),
            _cut(_or(one.local_size, said)), len(name), len(one.local_extra),
        )  # fmt: skip
        body += (local + name + one.local_extra if one.local is None else one.local) + packed
        directory += struct.pack(
            "<4s6H3L5H2L", b"PK\1\2", one.system << 8 | 20, 20, one.flags, one.method, 0, 33, crc, _cut(length),
            _cut(said), len(one.name), len(one.extra), 0, one.disk, 0, one.mode << 16, _cut(at),
        ) + one.name + one.extra  # fmt: skip
    count, at = _or(entries, len(members)), _or(start, len(body))
    length = _or(size, len(directory))
    end = b""
    if zip64:
        end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, length, at)
        end += struct.pack("<4sLQL", b"PK\6\7", 0, len(body) + len(directory), 1)
        count, length, at = 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF
    end += struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, length, at, len(comment)) + comment
    path.write_bytes(bytes(body + directory) + end)
    return path


def zip64_field(*values: int) -> bytes:
    """Return a zip64 field of 8-byte values (4.5.3)."""
    return struct.pack(f"<2H{len(values)}Q", 1, 8 * len(values), *values)


def deflated(data: bytes, level: int = 9) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def _cut(value: int) -> int:
    return min(value, 0xFFFFFFFF)


def _or(value, right):  # type: ignore[no-untyped-def]
    return right if value is None else value


# --- tar (pax(1), "ustar Interchange Format"; GNU tar manual, "Basic Tar Format") ----------------


def tar_head(name: bytes, size: int | bytes = 0, kind: bytes = b"0", link: bytes = b"", mode: bytes = b"0000644\0",
             prefix: bytes = b"", spoiled: bool = False) -> bytes:  # fmt: skip
    """Return a header with a right checksum, unless `spoiled`."""
    field = size if isinstance(size, bytes) else f"{size:011o}\0".encode()
    head = bytearray(512)
    head[:100] = name[:100].ljust(100, b"\0")
    head[100:108], head[108:116], head[116:124] = mode, b"0000000\0", b"0000000\0"
    head[124:136], head[136:148] = field.ljust(12, b"\0"), b"00000000000\0"
    head[156:157], head[157:257] = kind, link[:100].ljust(100, b"\0")
    head[257:265], head[345:500] = b"ustar\x0000", prefix[:155].ljust(155, b"\0")
    head[148:156] = b" " * 8
    head[148:156] = f"{sum(head) + spoiled:06o}\0 ".encode()
    return bytes(head)


def tar_member(name: bytes, data: bytes = b"", **how: object) -> bytes:
    """Return a header and padded data."""
    how.setdefault("size", len(data))
    return tar_head(name, **how) + data + bytes(-len(data) % 512)  # type: ignore[arg-type]


def pax(**said: bytes) -> bytes:
    """Return an extended header; keys with ``__`` for dots."""
    return tar_member(b"pax", b"".join(_record(k.replace("__", "."), v) for k, v in said.items()), kind=b"x")


def _record(key: str, value: bytes) -> bytes:
    rest, length = b" " + key.encode() + b"=" + value + b"\n", 0
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def long_name(name: bytes) -> bytes:
    """Return GNU's header of a long name."""
    return tar_member(b"././@LongLink", name + b"\0", kind=b"L")


END = bytes(1024)

# --- 7z (7zFormat.txt of the LZMA SDK) -----------------------------------------------------------

COPY = b"\x01\x00"
"""A coder that copies: one byte of id, 0."""


def number(value: int) -> bytes:
    """Return a number as 7z writes it, short or in 9 bytes."""
    return bytes([value]) if value < 0x80 else b"\xff" + value.to_bytes(8, "little")


def coder(method: bytes, properties: bytes) -> bytes:
    return bytes([0x20 | len(method)]) + method + number(len(properties)) + properties


def raw_7z(path: Path, files: Files, *, attributes: int = 0x20, coders: bytes = COPY, packed: bytes = b"",
           n_files: int | None = None, sizes: list[int] | None = None,
           crcs: list[int] | None = None) -> Path:  # fmt: skip
    """Write one of a single folder; `n_files`, `sizes` and `crcs` may lie."""
    body = packed or b"".join(data for _, data in files)
    sizes = sizes or [len(data) for _, data in files]
    sums = b"".join(struct.pack("<L", crc) for crc in crcs or [zlib.crc32(data) for _, data in files])
    streams = b"\x06" + number(0) + number(1) + b"\x09" + number(len(body)) + b"\0"
    streams += b"\x07\x0b\x01\0\x01" + coders + b"\x0c" + number(sum(sizes)) + b"\0"
    streams += b"\x08\x0d" + number(len(files)) + b"\x09" + b"".join(map(number, sizes[:-1])) + b"\x0a\x01" + sums
    names = b"\0" + b"".join(f"{name}\0".encode("utf-16-le") for name, _ in files)
    told = b"\x01\0" + struct.pack("<L", attributes) * len(files)
    head = b"\x01\x04" + streams + b"\0\0" + b"\x05" + number(n_files or len(files))
    head += b"\x11" + number(len(names)) + names + b"\x15" + number(len(told)) + told + b"\0\0"
    return signed_7z(path, body, head)


def signed_7z(path: Path, body: bytes, head: bytes) -> Path:
    """Write the signature header around a body and a header, with right checksums."""
    start = struct.pack("<QQL", len(body), len(head), zlib.crc32(head))
    path.write_bytes(b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<L", zlib.crc32(start)) + start + body + head)
    return path


def encoded_7z(path: Path, packed: bytes, unpacked_bytes: int, coders: bytes) -> Path:
    """Write one whose header is itself packed."""
    head = b"\x17\x06" + number(0) + number(1) + b"\x09" + number(len(packed)) + b"\0"
    head += b"\x07\x0b\x01\0\x01" + coders + b"\x0c" + number(unpacked_bytes) + b"\0\0"
    return signed_7z(path, packed, head)


# --- rar 5 (rarlab.com, technote.htm) ------------------------------------------------------------


def raw_rar(path: Path, files: Files, *, link: tuple[int, str] | None = None, size: int | None = None,
            mode: int = 0o100644, system: int = 1) -> Path:  # fmt: skip
    """Write stored members; `link` is the type and target of a redirection of the first."""
    out = b"Rar!\x1a\7\1\0" + _block(1, 0, b"\0")
    for n, (name, data) in enumerate(files):
        raw, extra = name.encode(), b""
        if link and not n:
            target = link[1].encode()
            record = vint(5) + vint(link[0]) + vint(0) + vint(len(target)) + target
            extra = vint(len(record)) + record
        about = (
            vint(4) + vint(len(data) if size is None else size) + vint(mode) + struct.pack("<L", zlib.crc32(data))
            + vint(0) + vint(system) + vint(len(raw)) + raw
        )  # fmt: skip
        sizes = (vint(len(extra)) if extra else b"") + vint(len(data))
        out += _block(2, 2 | bool(extra), sizes + about + extra) + data
    path.write_bytes(out + _block(5, 0, b"\0"))
    return path


def _block(kind: int, flags: int, rest: bytes) -> bytes:
    body = vint(kind) + vint(flags) + rest
    sized = vint(len(body)) + body
    return struct.pack("<L", zlib.crc32(sized)) + sized


def vint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])
