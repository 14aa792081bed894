"""7z and rar whose headers lie, and what is no file in them."""

from __future__ import annotations

import lzma
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

from tests.access.attacks import raw
from tests.access.attacks.raw import coder, encoded_7z, raw_7z, raw_rar
from tests.access.attacks.setting import MEGABYTE, Attack

DATA = b"the bytes of a member " * 50
ONE = [("x", DATA)]
TWO = [*ONE, ("odd", b"../../outside/canary")]
_UNIX = 0x8000
"""The high half of the attributes is a mode of Unix."""
_LZMA, _LZMA2, _PPMD = b"\x03\x01\x01", b"\x21", b"\x03\x04\x01"


def attacks() -> Iterator[Attack]:
    for what, mode, words in (
        ("links to outside", stat.S_IFLNK | 0o777, "symbolic link"), ("devices", stat.S_IFCHR, "device"),
        ("disks", stat.S_IFBLK, "device"), ("pipes", stat.S_IFIFO, "device or pipe"),
        ("sockets", stat.S_IFSOCK, "device or pipe"), ("setuid", stat.S_IFREG | 0o4755, "another user"),
    ):  # fmt: skip
        yield Attack(what, "7z", lambda folder, mode=mode: raw_7z(folder / "bad.7z", TWO,
                     attributes=mode << 16 | _UNIX | 0x20), words)  # fmt: skip
    yield Attack("junctions of Windows", "7z", lambda f: raw_7z(f / "bad.7z", TWO, attributes=0x420), "symbolic link")
    yield from _lies()
    yield from _rar()


def _lies() -> Iterator[Attack]:
    def lying(**how: object):  # type: ignore[no-untyped-def]
        return lambda folder: raw_7z(folder / "bad.7z", ONE, **how)

    for what, build, words, begun in (
        ("a wrong CRC", lying(crcs=[1]), "checksum|damaged", True),
        ("more bytes than there are", lying(sizes=[1 << 30]), "damaged|ends inside|checksum", True),
        ("fewer bytes than there are", lying(sizes=[7]), "damaged|checksum", True),
        ("a size of 8 EiB", lying(sizes=[(1 << 63) - 1]), "can't be", False),
        ("2^60 files", lying(n_files=1 << 60), "damaged", False),
        ("2^24 files", lying(n_files=1 << 24), "damaged", False),
        ("a header of 2^62 bytes", _long_header, "damaged", False),
        ("a header beyond the file", _far_header, "damaged", False),
        ("a packed header of 8 EiB", _huge_header, "damaged", False),
        ("a packed header, dictionary of 4 GiB", _wide_header, "damaged", False),
        ("a header of 200 MB in 30 KB", _bomb_header, "damaged", False),
    ):  # fmt: skip
        most = 550 if "200 MB" in what else 150  # py7zr takes the header in whole; 427 and 460 MB were seen
        yield Attack(what, "7z", build, words, begun=begun, becomes={}, most_bytes=most * MEGABYTE)
    packed = lzma.compress(DATA, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": 4096}])
    for what, one in (
        ("LZMA: a dictionary of 4 GiB", coder(_LZMA, b"\x5d" + struct.pack("<L", 0xFFFFFFFF))),
        ("LZMA2: a dictionary of 4 GiB", coder(_LZMA2, bytes([40]))),
        ("PPMd: a memory of 4 GiB", coder(_PPMD, bytes([6]) + struct.pack("<L", 0xFFFFFFDB))),
    ):
        yield Attack(what, "7z", lying(coders=one, packed=packed), "memory", becomes={})
    yield Attack("an unknown method", "7z", lying(coders=b"\x02\x7e\x7e"), "damaged|not read", begun=True, becomes={})


def _long_header(folder: Path) -> Path:
    return _resized(raw_7z(folder / "bad.7z", ONE), 20, 1 << 62)


def _far_header(folder: Path) -> Path:
    return _resized(raw_7z(folder / "bad.7z", ONE), 12, 1 << 50)


def _resized(path: Path, at: int, value: int) -> Path:
    import zlib

    data = bytearray(path.read_bytes())
    struct.pack_into("<Q", data, at, value)
    struct.pack_into("<L", data, 8, zlib.crc32(bytes(data[12:32])))
    path.write_bytes(data)
    return path


def _huge_header(folder: Path) -> Path:
    return encoded_7z(folder / "bad.7z", DATA, (1 << 63) - 1, raw.COPY)


def _wide_header(folder: Path) -> Path:
    return encoded_7z(folder / "bad.7z", DATA, 500, coder(_LZMA2, bytes([40])))


def _bomb_header(folder: Path) -> Path:
    """A header that unpacks to 200 MB of zeros."""
    packer = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20, "mode": 1,
                                                            "mf": lzma.MF_HC3}])  # fmt: skip
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    return encoded_7z(folder / "bad.7z", packed, 200 << 20, coder(_LZMA2, bytes([16])))


def _rar() -> Iterator[Attack]:
    for what, kind in (("a link of Unix", 1), ("a link of Windows", 2), ("a junction", 3), ("a hard link", 4),
                       ("a copy of another", 5)):  # fmt: skip
        target = "../../outside/canary"
        yield Attack(f"{what} to outside", "rar", lambda folder, kind=kind, target=target: raw_rar(
                     folder / "bad.rar", [("odd", b""), *ONE], link=(kind, target)), "a link")  # fmt: skip
    for what, mode, words in (
        ("a link by its mode", stat.S_IFLNK | 0o777, "link|device"), ("a device", stat.S_IFCHR, "device"),
        ("a pipe", stat.S_IFIFO, "device or pipe"), ("setuid", stat.S_IFREG | 0o4755, "another user"),
    ):  # fmt: skip
        yield Attack(what, "rar", lambda folder, mode=mode: raw_rar(
                     folder / "bad.rar", [("odd", DATA)], mode=mode), words)  # fmt: skip
    for what, size in (("more bytes than there are", 1 << 40), ("a size of 16 EiB", (1 << 64) - 1),
                       ("fewer bytes than there are", 7)):  # fmt: skip
        yield Attack(what, "rar", lambda folder, size=size: raw_rar(folder / "bad.rar", ONE, size=size),
                     "damaged|can't be|shorter|checksum|no room", begun=True, becomes={})  # fmt: skip
