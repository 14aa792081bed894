"""Tars whose headers lie, and what is no file in them."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.access.attacks.raw import END, long_name, pax, tar_head, tar_member
from tests.access.attacks.setting import Attack

DATA = b"the bytes of a member " * 50
X = tar_member(b"x", DATA)
RIGHT = {"x": DATA}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes, "tar.gz": lambda data: gzip.compress(data, 1), "tar.bz2": lambda data: bz2.compress(data, 1),
    "tar.xz": lambda data: lzma.compress(data, preset=0),
}  # fmt: skip

_TIB = b"\x80" + (1 << 40).to_bytes(11, "big")

LINKS: list[tuple[str, bytes, str]] = [
    ("a link to outside", tar_head(b"odd", kind=b"2", link=b"../../outside"), "symbolic link"),
    ("a link, and a file through it", tar_head(b"odd", kind=b"2", link=b"../../outside")
     + tar_member(b"odd/up.txt", DATA),     "symbolic link"),
    ("a link, and a link through it", tar_head(b"a", kind=b"2", link=b".") + tar_head(b"a/b", kind=b"2", link=b"..")
     + tar_member(b"a/b/up.txt", DATA), "symbolic link"),
    ("a hard link to outside", tar_head(b"odd", kind=b"1", link=b"../../outside/canary"), "hard link"),
    ("a hard link to outside, and bytes for it", tar_head(b"odd", kind=b"1", link=b"../../outside/canary")
     + tar_member(b"odd", DATA), "hard link"),
    ("a hard link to itself", tar_head(b"x", kind=b"1", link=b"x"), "hard link"),
    ("a link by pax", pax(linkpath=b"/etc/passwd", path=b"odd") + tar_head(b"odd", kind=b"2"), "symbolic link"),
    ("a device", tar_head(b"odd", kind=b"3"), "device"), ("a disk", tar_head(b"odd", kind=b"4"), "device"),
    ("a pipe", tar_head(b"odd", kind=b"6"), "pipe"), ("an unknown type", tar_head(b"odd", kind=b"Z"), "unknown type"),
    ("setuid", tar_member(b"odd", DATA, mode=b"0004755\0"), "another user"),
    ("setgid", tar_member(b"odd", DATA, mode=b"0002755\0"), "another user"),
    ("a sparse file of GNU tar", tar_head(b"odd", kind=b"S"), "sparse"),
    ("a sparse file by pax", pax(GNU__sparse__major=b"1", GNU__sparse__name=b"odd") + tar_member(b"odd", DATA),
     "sparse"),
    ("a sparse file by pax, said and unsaid", pax(GNU__sparse__major=b"1") + pax(comment=b"1")
     + tar_member(b"odd", DATA), "sparse"),
    ("a rest of another volume", tar_member(b"odd", DATA, kind=b"M"), "another volume"),
]  # fmt: skip

LIES: list[tuple[str, bytes, str]] = [
    ("a negative size, base 256", tar_head(b"y", b"\xff" * 12), "size that can't be"),
    ("a size of 2^94, base 256", tar_head(b"y", b"\x80" + b"\xff" * 11), "size that can't be"),
    ("a size of 8 EiB, base 256", tar_head(b"y", b"\x80\0\0\0" + b"\x7f" + b"\xff" * 7), "size that can't be"),
    ("a size of 512 PiB, base 256", tar_head(b"y", b"\x80\0\0\0" + b"\x07" + b"\xff" * 7), "ends inside"),
    ("a size of -12", tar_head(b"y", b"-0000000012\0"), "no number"),
    ("a size that is no number", tar_head(b"y", b"9999\0"), "no number"),
    ("pax: a size of 9,999,999,999,999,999,999", pax(size=b"9" * 19) + tar_head(b"y"), "size that can't be"),
    ("pax: a size of 400 digits", pax(size=b"9" * 400) + tar_head(b"y"), "no number"),
    ("pax: a negative size", pax(size=b"-1") + tar_head(b"y"), "no number"),
    ("pax: a record that is longer than all", tar_member(b"p", b"99 path=x\n", kind=b"x") + tar_head(b"y"), "damaged"),
    ("pax: a record of length 0", tar_member(b"p", b"0 path=x\n", kind=b"x") + tar_head(b"y"), "damaged"),
    ("pax: a record without =", tar_member(b"p", b"7 path\n", kind=b"x") + tar_head(b"y"), "damaged"),
    ("an extended header of 1 TiB", tar_head(b"p", _TIB, kind=b"x"), "extended header"),
    ("a long name of 1 TiB", tar_head(b"p", _TIB, kind=b"L"), "extended header"),
    ("a wrong header checksum", tar_head(b"y", spoiled=True), "checksum"),
]  # fmt: skip

HARMLESS: list[tuple[str, bytes, dict[str, bytes]]] = [
    ("pax says a size, the header another", pax(size=b"%d" % len(DATA)) + tar_head(b"y", 0) + X[512:], {"y": DATA}),
    ("pax for all that leads out", tar_member(b"g", b"20 path=../../up.txt\n", kind=b"g"), {}),
    ("a link's long target", tar_member(b"././@LongLink", b"/etc/passwd\0", kind=b"K"), {}),
    ("a folder that leads out", tar_head(b"../outside/new", kind=b"5"), {}),
    ("a folder with a size", tar_head(b"d", 10_000, kind=b"5"), {}),
    ("a label of a volume that leads out", tar_head(b"../../up.txt", kind=b"V"), {}),
    ("a contiguous file", tar_member(b"y", DATA, kind=b"7"), {"y": DATA}),
    ("two long names, the later counts", long_name(b"../up") + long_name(b"y") + tar_member(b"z", DATA), {"y": DATA}),
    ("a mode in base 256", tar_member(b"y", DATA, mode=b"\x80\0\0\0\0\0\x0f\xff"), {"y": DATA}),
]


def _packed(data: bytes, kind: str) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        path = folder / f"bad.{kind}"
        path.write_bytes(PACKERS[kind](data))
        return path

    return build


def attacks() -> Iterator[Attack]:
    for kind in PACKERS:
        for what, data, words in LINKS:
            yield Attack(what, kind, _packed(X + data + END, kind), words)
        for what, data, words in LIES:
            yield Attack(what, kind, _packed(X + data + END, kind), words)
        for what, data, becomes in HARMLESS:
            yield Attack(what, kind, _packed(X + data + END, kind), becomes=RIGHT | becomes)
    for kind in ("tar.gz", "tar.bz2", "tar.xz"):
        cut = PACKERS[kind](X * 40 + END)[:-9]
        yield Attack("the end is cut off", kind, lambda folder, cut=cut, kind=kind: _write(folder, kind, cut),
                     "damaged|too early")  # fmt: skip
    whole = gzip.compress(X + END, mtime=0)
    wrong = whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:]
    yield Attack("a wrong CRC of gzip", "tar.gz", lambda folder: _write(folder, "tar.gz", wrong), "damaged")


def _write(folder: Path, kind: str, data: bytes) -> Path:
    (folder / f"bad.{kind}").write_bytes(data)
    return folder / f"bad.{kind}"
