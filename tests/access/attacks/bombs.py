"""Archives that are small and hold much: bytes, names, members, other archives, or work."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from tests.access.attacks import raw
from tests.access.attacks.raw import END, Member, deflated, pax, raw_zip, tar_head, tar_member
from tests.access.attacks.setting import MEGABYTE, Attack

Build = Callable[[Path], Path]
GIB = 1 << 30


@cache
def zeros_deflated(size: int) -> tuple[bytes, int]:
    """Return many zeros packed, and their CRC; made of repeated blocks, which is quick."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    block, crc, out = bytes(1 << 24), 0, []
    for _ in range(size >> 24):
        out.append(packer.compress(block))
        crc = zlib.crc32(block, crc)
    return b"".join(out) + packer.flush(), crc


@cache
def zeros_gzip(size: int) -> bytes:
    packed, crc = zeros_deflated(size)
    return b"\x1f\x8b\x08" + bytes(7) + packed + crc.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")


def zeros_bz2(size: int) -> bytes:
    """Return zeros as bz2: one stream again and again, which is one file."""
    return bz2.compress(bytes(1 << 26)) * (size >> 26)


def _file(name: str, data: Callable[[], bytes]) -> Build:
    def build(folder: Path) -> Path:
        (folder / name).write_bytes(data())
        return folder / name

    return build


def attacks() -> Iterator[Attack]:
    yield from _bytes()
    yield from _names()
    yield from _nested()
    yield from _work()


def _bytes() -> Iterator[Attack]:
    def deflate(folder: Path) -> Path:
        packed, crc = zeros_deflated(GIB)
        return raw_zip(folder / "bad.zip", [Member(b"x", b"", 8, packed=packed, size=GIB, crc=crc)])

    def many(folder: Path) -> Path:
        packed, crc = zeros_deflated(1 << 24)
        members = [Member(b"%d" % n, b"", 8, packed=packed, size=1 << 24, crc=crc) for n in range(300)]
        return raw_zip(folder / "bad.zip", [*members, Member(b"y", b"", 8, packed=b"\3\0", size=8 << 40, extra=b"")])

    def modest(folder: Path) -> Path:
        """200 MB behind a declared 100 KB."""
        return raw_zip(folder / "bad.zip", [Member(b"x", b"", 8, packed=zeros_deflated(200 << 20)[0], size=100_000)])

    def bzip2(folder: Path) -> Path:
        packed, size = bz2.compress(bytes(1 << 26)), 64 << 40
        field = raw.zip64_field(size)
        return raw_zip(folder / "bad.zip", [Member(b"x", b"", 12, packed=packed, size=0xFFFFFFFF, extra=field)])

    yield Attack("1 GiB of zeros in 1 MB, with its true size", "zip", deflate, slow=True)
    yield Attack("a size beyond the limit", "zip", many, "limit|more than")
    yield Attack("200 MB behind a declared 100 KB", "zip", modest, "longer", begun=True, becomes={})
    yield Attack("64 TiB of zeros by bzip2", "zip", bzip2, "limit")
    yield Attack("1 GiB of zeros for a tar", "tar.gz", _file("bad.tar.gz", lambda: zeros_gzip(GIB)), becomes={})
    endless = tar_head(b"x", b"\x80" + (1 << 50).to_bytes(11, "big"))
    yield Attack("64 GiB of zeros behind a tar's head", "tar.bz2", _file("bad.tar.bz2", lambda: bz2.compress(
        endless) + zeros_bz2(64 * GIB)), "absurdly much", most_s=300, slow=True)  # fmt: skip
    yield Attack("1 TiB declared in a tar of 300 bytes", "tar.gz", _file("bad.tar.gz", lambda: gzip.compress(
        tar_head(b"x", b"\x80" + (1 << 40).to_bytes(11, "big")))), "ends inside")  # fmt: skip
    for name, pack in (("tar.gz", lambda: gzip.compress), ("tar.xz", lambda: lzma.compress)):
        data = tar_member(b"x", b"1") + END + bytes(100 << 20)
        yield Attack("100 MB of zeros behind the end", name, _file(f"bad.{name}", lambda pack=pack, data=data: pack()(
            data)), becomes={"x": b"1"})  # fmt: skip


def _names() -> Iterator[Attack]:
    def long_names(folder: Path) -> Path:
        """300 names of 1 MB in 1 MB."""
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        with open(folder / "bad.tar.gz", "wb") as out:
            for n in range(300):
                name = b"%06d" % n + b"n" * 1_000_000
                out.write(packer.compress(raw.long_name(name) + tar_head(b"x")))
            out.write(packer.compress(END) + packer.flush())
        return folder / "bad.tar.gz"

    def members(folder: Path) -> Path:
        """1.1 million empty members."""
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        with open(folder / "bad.tar.gz", "wb") as out:
            head = bytearray(tar_head(b"0000000"))
            blank = sum(head[148:156])
            base = sum(head) - blank + 8 * 32 - sum(head[:7])
            for n in range(0, 1_100_000, 1000):
                block = bytearray()
                for k in range(n, n + 1000):
                    name = b"%07d" % k
                    head[:7] = name
                    head[148:156] = b"%06o\0 " % (base + sum(name))
                    block += head
                out.write(packer.compress(bytes(block)))
            out.write(packer.compress(END) + packer.flush())
        return folder / "bad.tar.gz"

    def records(folder: Path) -> Path:
        """Two extended headers of 1 MB with 170,000 records each."""
        header = tar_member(b"p", b"6 a=b\n" * 174_000, kind=b"x")
        (folder / "bad.tar.gz").write_bytes(gzip.compress(header * 2 + tar_member(b"x", b"1") + END, 1))
        return folder / "bad.tar.gz"

    def problems(folder: Path) -> Path:
        return raw_zip(folder / "bad.zip", [Member(b"../%d" % n) for n in range(50_000)])

    yield Attack("300 names of 1 MB in 1 MB", "tar.gz", long_names, "longer than", becomes={}, most_s=60)
    yield Attack("1.1 million empty members", "tar.gz", members, "more than 1000000", becomes={}, most_s=200, slow=True,
                 most_bytes=600 * MEGABYTE)  # fmt: skip
    yield Attack("350,000 records of pax", "tar.gz", records, becomes={"x": b"1"})
    yield Attack("50,000 names that lead out", "zip", problems, "49,99|more")


def _nested() -> Iterator[Attack]:
    def deep(folder: Path) -> Path:
        data = raw_zip(folder / "bad.zip", [Member(b"x", b"1")]).read_bytes()
        for n in range(50):
            data = raw_zip(folder / "bad.zip", [Member(b"%d.zip" % n, data, 8, packed=deflated(data))]).read_bytes()
        return folder / "bad.zip"

    def quine(folder: Path) -> Path:
        """An archive whose only member says that it is the whole file."""
        return raw_zip(folder / "bad.zip", [Member(b"bad.zip", b"", offset=0, packed=b"", size=0)])

    def forty_two(folder: Path) -> Path:
        """16 zips in each of 16 zips, each of them of 1 GiB."""
        packed, crc = zeros_deflated(GIB)
        data = raw_zip(folder / "in", [Member(b"x", b"", 8, packed=packed, size=GIB, crc=crc)]).read_bytes()
        (folder / "in").unlink()
        inner = deflated(data)
        return raw_zip(folder / "bad.zip", [Member(b"%d.zip" % n, data, 8, packed=inner) for n in range(16)])

    def hours(folder: Path) -> Path:
        """An archive in it that would take hours to unpack, only to be listed: 16 TiB by bzip2."""
        packed, size = bz2.compress(bytes(1 << 26)), 16 << 40
        member = Member(b"in.zip", b"", 12, packed=packed * 100, size=0xFFFFFFFF, extra=raw.zip64_field(size))
        return raw_zip(folder / "bad.zip", [member, Member(b"x", b"1")])

    def zeros(folder: Path) -> Path:
        packed, crc = zeros_deflated(GIB)
        members = [Member(b"%d.zip" % n, b"", 8, packed=packed, size=GIB, crc=crc) for n in range(40)]
        return raw_zip(folder / "bad.zip", [*members, Member(b"../up")])

    yield Attack("a zip in a zip, 50 times", "zip", deep)
    yield Attack("a zip that says it is in itself", "zip", quine, becomes={"bad.zip": b""})
    yield Attack("42.zip: 16 zips of 1 GiB each", "zip", forty_two)
    yield Attack("a zip in it of 16 TiB, to be listed", "zip", hours, "limit", becomes={})
    yield Attack("40 zips of 1 GiB of zeros in it, to be listed", "zip", zeros, "leads out", most_s=90, slow=True)


def _work() -> Iterator[Attack]:
    def streams(folder: Path) -> Path:
        (folder / "bad.tar.gz").write_bytes(gzip.compress(b"", 1) * 30_000)
        return folder / "bad.tar.gz"

    def ends(folder: Path) -> Path:
        """A comment full of signatures of ends."""
        return raw_zip(folder / "bad.zip", [Member(b"x", b"1")], comment=b"PK\5\6" * 16_000)

    yield Attack("30,000 empty streams of gzip", "tar.gz", streams, becomes={})
    yield Attack("16,000 ends in the comment", "zip", ends, becomes={"x": b"1"})
    chain = tar_head(b"odd", kind=b"S")
    chain = chain[:482] + b"\1" + chain[483:]
    head = bytearray(chain)
    head[148:156] = b" " * 8
    head[148:156] = f"{sum(head):06o}\0 ".encode()
    block = bytes(504) + b"\1" + bytes(7)
    yield Attack("a map of a sparse file of 100 MB", "tar.gz", _file("bad.tar.gz", lambda: gzip.compress(
        bytes(head) + block * 200_000, 1)), "ends inside")  # fmt: skip
    yield Attack("pax after pax, 20,000 times", "tar.gz", _file("bad.tar.gz", lambda: gzip.compress(
        pax(path=b"../up") * 20_000 + tar_member(b"x", b"1") + END, 1)), "leads out")  # fmt: skip
