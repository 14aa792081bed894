"""Zips whose fields lie, overlap, or hold what is no file."""

from __future__ import annotations

import bz2
import lzma
import stat
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.access.attacks import raw
from tests.access.attacks.raw import Member, deflated
from tests.access.attacks.setting import Attack

DATA = b"the bytes of a member " * 50
Build = Callable[[Path], Path]


def one(*members: Member, **how: object) -> Build:
    """Return what builds a zip of these members."""
    return lambda folder: raw.raw_zip(folder / "bad.zip", list(members), **how)  # type: ignore[arg-type]


def _modes() -> Iterator[Attack]:
    for what, mode, words in (
        ("a link to a file outside", stat.S_IFLNK | 0o777, "symbolic link"), ("a device", stat.S_IFCHR, "device"),
        ("a disk", stat.S_IFBLK, "device"), ("a pipe", stat.S_IFIFO, "device or pipe"),
        ("a socket", stat.S_IFSOCK, "device or pipe"), ("setuid", stat.S_IFREG | 0o4755, "another user"),
        ("setgid", stat.S_IFREG | 0o2755, "another user"),
    ):  # fmt: skip
        yield Attack(what, "zip", one(Member(b"odd", b"../../outside/canary", mode=mode)), words)
    link = Member(b"odd", b"../../outside", mode=stat.S_IFLNK | 0o777)
    yield Attack("a link, and a file through it", "zip", one(link, Member(b"odd/up.txt", DATA)), "symbolic link")
    yield Attack("a link that says it is of MS-DOS", "zip", one(Member(b"odd", b"x", mode=0o120777, system=0)),
                 becomes={"odd": b"x"})  # fmt: skip
    yield Attack("a folder that leads out", "zip", one(Member(b"../outside/new/"), Member(b"x", DATA)),
                 becomes={"x": DATA})  # fmt: skip
    yield Attack("a folder with bytes", "zip", one(Member(b"d/", DATA), Member(b"d/x", DATA)), becomes={"d/x": DATA})


def _disagreeing() -> Iterator[Attack]:
    """The local header says something else than the directory, which counts."""
    packed = deflated(DATA)
    right = {"x.bin": DATA}
    yield Attack("local name leads out", "zip", one(Member(b"x.bin", DATA, local_name=b"../up")), becomes=right)
    yield Attack("local name of another length", "zip", one(Member(b"x.bin", DATA, local_name=b"y" * 99)),
                 becomes=right)  # fmt: skip
    yield Attack("local method", "zip", one(Member(b"x.bin", DATA, 8, packed=packed, local_method=0)), becomes=right)
    yield Attack("local size", "zip", one(Member(b"x.bin", DATA, 8, packed=packed, local_size=1 << 30)),
                 becomes=right)  # fmt: skip
    yield Attack("locally encrypted", "zip", one(Member(b"x.bin", DATA, local_flags=0x801)), becomes=right)
    yield Attack("encrypted in the directory alone", "zip", one(Member(b"x.bin", DATA, flags=0x801, local_flags=0)),
                 "encrypted")  # fmt: skip
    yield Attack("encrypted in the directory alone, password", "zip", one(Member(b"x.bin", DATA, flags=0x801)),
                 "password is wrong|checksum|too short", password="sesame", begun=True)  # fmt: skip
    yield Attack("the directory says stored, it is deflated", "zip",
                 one(Member(b"x.bin", DATA, 0, packed=packed, size=len(packed), local_method=8)), "checksum",
                 begun=True)  # fmt: skip
    yield Attack("the directory says deflated, it is stored", "zip", one(Member(b"x.bin", DATA, 8)),
                 "damaged|shorter", begun=True)  # fmt: skip
    for what, member in (
        ("no local header", Member(b"x.bin", DATA, local=b"X" * 35)),
        ("local header of a directory", Member(b"x.bin", DATA, local=b"PK\1\2" + bytes(31))),
    ):
        yield Attack(what, "zip", one(member), "no local header", begun=True)
    head = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, 5, 5, 0xFFFF, 0xFFFF)
    yield Attack("local name and extra reach beyond the end", "zip", one(Member(b"x.bin", DATA, local=head)),
                 "ends inside", begun=True)  # fmt: skip


def _lying() -> Iterator[Attack]:
    packed = deflated(bytes(100_000))
    many = {"becomes": {}, "begun": True}
    for what, member, words, how in (
        ("stored in fewer bytes than it has", Member(b"x", DATA, size=1 << 30), "fewer or more", {}),
        ("wrong CRC, stored", Member(b"x", DATA, crc=1), "checksum", many),
        ("wrong CRC, deflated", Member(b"x", DATA, 8, packed=deflated(DATA), crc=1), "checksum", many),
        ("longer than declared", Member(b"x", bytes(100_000), 8, packed=packed, size=99), "longer", many),
        ("shorter than declared", Member(b"x", bytes(100_000), 8, packed=packed, size=100_001), "shorter", many),
        ("2 GiB declared, which deflate can't reach",
         Member(b"x", b"", 8, packed=packed, size=1 << 31), "more than", {}),
        ("beyond the file", Member(b"x", DATA, offset=1 << 30), "outside the file", {}),
        ("in the directory", Member(b"x", DATA, packed_size=len(DATA) + 40, size=len(DATA) + 40), "outside the", {}),
        ("zip64: 16 EiB", Member(b"x", b"", 8, packed=packed, size=0xFFFFFFFF,
                                 extra=raw.zip64_field((1 << 64) - 1)), "more than", {}),
        ("zip64: 16 EiB, stored", Member(b"x", b"", size=0xFFFFFFFF, packed_size=0xFFFFFFFF,
                                         extra=raw.zip64_field((1 << 64) - 1, (1 << 64) - 1)), "outside the file", {}),
        ("zip64: place of 16 EiB", Member(b"x", DATA, offset=0xFFFFFFFF, extra=raw.zip64_field((1 << 64) - 1)),
         "outside the file", {}),
        ("zip64: the field is cut", Member(b"x", b"", 8, packed=packed, size=0xFFFFFFFF, extra=b"\1\0\x10\0abc"),
         "more than", {}),
        ("bzip2 that declares 16 EiB", Member(b"x", b"", 12, packed=bz2.compress(bytes(100_000)), size=0xFFFFFFFF,
                                              extra=raw.zip64_field((1 << 64) - 1)), "limit", {}),
        ("a disk that isn't here", Member(b"x", DATA, disk=7), "another part", {}),
    ):  # fmt: skip
        yield Attack(what, "zip", one(member), words, **how)
    fine = Member(b"x", DATA)
    for what, how, words in (
        ("the end says 65,535 members", {"entries": 0xFFFE}, ""), ("the end says none", {"entries": 0}, ""),
        ("zip64: the end says 16 Ei members", {"entries": (1 << 64) - 1, "zip64": True}, ""),
        ("zip64: a directory of 16 EiB", {"size": (1 << 64) - 1, "zip64": True}, "directory is damaged"),
        ("a directory of 2 GiB", {"size": 0x7FFFFFFF}, "directory is damaged"),
        ("a directory that begins elsewhere", {"start": 3, "size": 20}, "directory is damaged"),
        ("a second end in the comment", {"comment": b"PK\5\6" + bytes(30)}, ""),
    ):  # fmt: skip
        yield Attack(what, "zip", one(fine, **how), words, becomes={} if words else {"x": DATA})
    yield Attack("an entry that is cut", "zip", one(fine, Member(b"y", DATA), size=90), "directory is damaged")
    yield Attack("a script in front", "zip", one(fine, before=b"#!/bin/sh\n" * 9), becomes={"x": DATA})
    yield Attack("a directory of zeros, 2 GiB of a hole", "zip", _hole, "directory is damaged")


def _hole(folder: Path) -> Path:
    """The end names a directory of 2 GiB; its first entry is right, the rest a hole."""
    path = raw.raw_zip(folder / "bad.zip", [Member(b"x", DATA)])
    data = path.read_bytes()
    end = data.rindex(b"PK\5\6")
    start, size = struct.unpack_from("<L", data, end + 16)[0], (1 << 31) - 10
    with open(path, "wb") as out:
        out.write(data[:end])
        out.seek(start + size)
        out.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, size, start, 0))
    return path


def _overlapping() -> Iterator[Attack]:
    """D. Fifield, A better zip bomb (2019)."""
    kernel = deflated(bytes(1_000_000))

    def full(folder: Path) -> Path:
        rest = [Member(b"%d" % n, bytes(1_000_000), 8, local=b"", packed=b"", packed_size=len(kernel), offset=0)
                for n in range(1, 999)]  # fmt: skip
        return raw.raw_zip(folder / "bad.zip", [Member(b"0", bytes(1_000_000), 8, packed=kernel), *rest])

    def quoted(by_extra: bool) -> Build:
        """Each member's bytes hold the headers of those after it: in stored blocks of deflate, or as extra data."""

        def build(folder: Path) -> Path:
            names = [b"%03d" % n for n in range(200)]
            body = _local(names[-1], kernel, bytes(1_000_000), 0) + kernel
            offsets, sizes, grown = {names[-1]: 0}, {names[-1]: (len(kernel), 1_000_000)}, 1_000_000
            before = b""
            for name in reversed(names[:-1]):
                length = len(body) - len(kernel) if by_extra else 0
                quote = b"" if by_extra else b"\0" + struct.pack("<2H", 33, 0xFFFF ^ 33)
                head = _local(name, kernel, b"", length if by_extra else 0)
                offsets = {n: at + len(head) + len(quote) for n, at in offsets.items()}
                grown += 0 if by_extra else 33
                packed = len(kernel) if by_extra else len(quote) + len(body)
                offsets[name], sizes[name] = 0, (packed, grown)
                body = head + quote + body
                if by_extra and len(body) - len(kernel) > 60_000:
                    break
            members = [Member(n, b"", 8, local=b"", packed=b"", packed_size=sizes[n][0], size=sizes[n][1],
                              crc=0, offset=at) for n, at in offsets.items()]  # fmt: skip
            return raw.raw_zip(folder / "bad.zip", members, before=before + body, start=len(body))

        return build

    yield Attack("members share all bytes", "zip", full, "shares bytes")
    yield Attack("members quote each other's headers (Fifield)", "zip", quoted(False), "shares bytes")
    yield Attack("members quote headers as extra data (Fifield)", "zip", quoted(True), "shares bytes")


def _local(name: bytes, packed: bytes, data: bytes, extra: int) -> bytes:
    return struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 33, 0, len(packed), len(data), len(name), extra) + name


def _packed() -> Iterator[Attack]:
    """Decompressors that would take memory before the first byte."""
    noise = bytes(range(256)) * 9
    for what, window in (("LZMA: a dictionary of 4 GiB", 0xFFFFFFFF), ("LZMA: one of 3 GiB", 3 << 30)):
        packed = b"\x09\4\5\0" + bytes([93]) + struct.pack("<L", window) + _lzma(noise)
        for size in (len(noise), 5 << 30):
            field = {} if size < 1 << 32 else {"extra": raw.zip64_field(size)}
            member = Member(b"x", noise, 14, packed=packed, size=min(size, 0xFFFFFFFF), **field)  # type: ignore[arg-type]
            if size == len(noise):
                yield Attack(what, "zip", one(member), becomes={"x": noise})
            else:
                yield Attack(f"{what}, for 5 GiB declared", "zip", one(member), "memory", begun=True, becomes={})
    xz = lzma.compress(noise, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}])
    yield Attack("xz: a dictionary of 4 GiB", "zip", one(Member(b"x", noise, 95, packed=_widened(xz))),
                 "memory|damaged", begun=True, becomes={})  # fmt: skip
    for method, name in ((1, "Shrink"), (6, "Implode"), (97, "WavPack"), (98, "PPMd"), (77, "method 77")):
        yield Attack(f"a method that is not read ({name})", "zip", one(Member(b"x", noise, method)), name, begun=True,
                     becomes={})  # fmt: skip


def _lzma(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 20}])


def _widened(xz: bytes) -> bytes:
    """Make the dictionary of an xz the largest, with the checksum of its block header made right."""
    import zlib

    at = xz.index(b"\x21\x01", 12)
    size = (xz[12] + 1) * 4
    head = bytearray(xz[12 : 12 + size - 4])
    head[at + 2 - 12] = 40
    return xz[:12] + bytes(head) + struct.pack("<L", zlib.crc32(bytes(head))) + xz[12 + size :]


def attacks() -> Iterator[Attack]:
    for some in (_modes, _disagreeing, _lying, _overlapping, _packed):
        yield from some()
