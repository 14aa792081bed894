"""Names that lead out, that some system keeps or that collide, in archives of every kind."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.access import made
from tests.access.attacks import raw
from tests.access.attacks.setting import Attack

Names = list[tuple[bytes, bytes]]
GOOD = (b"good.txt", b"1" * 300)
BAD = b"2" * 300


def _zip(folder: Path, names: Names, **how: object) -> Path:
    return raw.raw_zip(folder / "bad.zip", [raw.Member(n, d, **how) for n, d in names])  # type: ignore[arg-type]


def _zip64(folder: Path, names: Names) -> Path:
    """Sizes stand in the zip64 field."""
    members = [
        raw.Member(n, d, size=0xFFFFFFFF, packed_size=0xFFFFFFFF, extra=raw.zip64_field(len(d), len(d)))
        for n, d in names
    ]
    return raw.raw_zip(folder / "bad.zip", members, zip64=True)


def _deflated(folder: Path, names: Names) -> Path:
    return raw.raw_zip(folder / "bad.zip", [raw.Member(n, d, method=8, packed=raw.deflated(d)) for n, d in names])


def _tar(folder: Path, names: Names) -> Path:
    path = folder / "bad.tar"
    path.write_bytes(b"".join(raw.tar_member(n, d) for n, d in names) + raw.END)
    return path


def _prefixed(folder: Path, names: Names) -> Path:
    """The first part of the name stands in the field for it."""
    path, out = folder / "bad.tar", b""
    for name, data in names:
        prefix, mark, rest = name.partition(b"/")
        out += raw.tar_member(rest, data, prefix=prefix) if mark and prefix and rest else raw.tar_member(name, data)
    path.write_bytes(out + raw.END)
    return path


def _pax(folder: Path, names: Names) -> Path:
    path = folder / "bad.tar"
    path.write_bytes(b"".join(raw.pax(path=n) + raw.tar_member(b"short", d) for n, d in names) + raw.END)
    return path


def _gnu(folder: Path, names: Names) -> Path:
    path = folder / "bad.tar"
    path.write_bytes(b"".join(raw.long_name(n) + raw.tar_member(b"short", d) for n, d in names) + raw.END)
    return path


def _tgz(folder: Path, names: Names) -> Path:
    path = folder / "bad.tar.gz"
    path.write_bytes(gzip.compress(_gnu(folder, names).read_bytes(), 1))
    (folder / "bad.tar").unlink()
    return path


def _seven(folder: Path, names: Names) -> Path:
    return raw.raw_7z(folder / "bad.7z", [(n.decode(), d) for n, d in names])


def _rar(folder: Path, names: Names) -> Path:
    return raw.raw_rar(folder / "bad.rar", [(n.decode(), d) for n, d in names])


def _locked(folder: Path, names: Names) -> Path:
    import pyzipper

    with pyzipper.AESZipFile(folder / "bad.zip", "w", encryption=pyzipper.WZ_AES) as out:
        out.setpassword(b"sesame")
        for name, data in names:
            out.writestr(name.decode(), data)
    return folder / "bad.zip"


KINDS: dict[str, Callable[[Path, Names], Path]] = {
    "zip": _zip, "zip64": _zip64, "deflated": _deflated, "encrypted": _locked,
    "split zip": lambda folder, names: made.disks(_zip(folder, names), 200),
    "zip.001": lambda folder, names: made.pieces(_zip(folder, names), 200),
    "tar": _tar, "tar prefix": _prefixed, "tar pax": _pax, "tar GNU": _gnu, "tar.gz": _tgz, "7z": _seven, "rar": _rar,
}  # fmt: skip
SLASHED = ("zip", "zip64", "deflated", "encrypted", "split zip", "zip.001", "7z")
"""Kinds in which a backslash parts folders, as programs on Windows write it."""
TARS = ("tar", "tar pax", "tar GNU", "tar.gz")
EVERY = ("zip", "zip64", "deflated", "encrypted", "split zip", "zip.001", *TARS, "7z", "rar")
RAW = ("zip", "zip64", "deflated", "split zip", *TARS)
"""Kinds whose builders here write any byte."""
LONG = ("zip", "tar pax", "tar GNU", "tar.gz", "7z", "rar")

_OUT, _ABSOLUTE, _DRIVE, _KEPT = "leads out", "absolute", "drive letter", "Windows keeps"
_JOURNAL = "folder of the journal"

REFUSED: list[tuple[str, str, str, tuple[str, ...]]] = [
    ("a folder up", "../up.txt", _OUT, (*EVERY, "tar prefix")),
    ("up and up again", "a/../../../outside/up.txt", _OUT, (*EVERY, "tar prefix")),
    ("up, behind ./ and //", ".//a/.././../up.txt", _OUT, EVERY),
    ("up, by backslashes", "..\\..\\up.txt", _OUT, SLASHED),
    ("absolute", "/tmp/up.txt", _ABSOLUTE, EVERY),
    ("absolute, by backslashes", "\\tmp\\up.txt", _ABSOLUTE, SLASHED),
    ("UNC", "\\\\server\\share\\up.txt", _ABSOLUTE, SLASHED),
    ("UNC, by slashes", "//server/share/up.txt", _ABSOLUTE, EVERY),
    ("long UNC of Windows", "\\\\?\\C:\\up.txt", _ABSOLUTE, SLASHED),
    ("a drive", "C:\\up.txt", _DRIVE, EVERY),
    ("the folder of a drive", "c:up.txt", _DRIVE, EVERY),
    ("NUL within", "good.png\0.exe", "NUL", ("zip", "zip64", "deflated", "split zip", "tar pax", "tar GNU", "tar.gz")),
    ("an empty name", ".", "is empty", ("tar pax",)),
    ("a device of Windows", "a/nul", _KEPT, EVERY),
    ("a device with an ending", "COM1.nii.gz", _KEPT, EVERY),
    ("a device and a blank", "aux .txt", _KEPT, EVERY),
    ("a device, superscript", "lpt\u00b9.txt", _KEPT, EVERY),
    ("a console", "CONIN$", _KEPT, EVERY),
    ("the journal's folder", ".unpacked/bad.zip.journal", _JOURNAL, EVERY),
    ("the journal's folder, other case", ".UNPACKED/x", _JOURNAL, EVERY),
    ("the journal's folder, short (8.3)", "UNPACK~1/x", _JOURNAL, EVERY),
    ("the journal's folder, ignorable letter", ".unp\u200cacked/x", _JOURNAL, EVERY),
    ("the lock file of a download", "medshelf.lock.json", "lock file", EVERY),
    ("a part of 256 bytes", "a/" + "n" * 256, "longer than 255", LONG),
    ("70 folders", "d/" * 70 + "x", "folders deep", LONG),
    ("1,100 bytes in all", ("n" * 109 + "/") * 10 + "x", "longer than", LONG),
    ("60,000 bytes in all", ("n" * 250 + "/") * 240 + "x", "longer than", LONG),
]  # fmt: skip

COLLIDE: list[tuple[str, str, str, str]] = [
    ("two of one name", "x.txt", "x.txt", "twice"),
    ("two of one name, by ./", "x.txt", "./x.txt", "twice"),
    ("two of one name, by //", "a/x.txt", "a//x.txt", "twice"),
    ("differ in case", "Scan.nii", "scan.NII", "case or spelling"),
    ("differ in case, folders", "A/x", "a/X", "case or spelling"),
    ("differ in case, Kelvin sign", "k.txt", "\u212a.txt", "case or spelling"),
    ("differ in composition (NFC, NFD)", "u\u0308.x", "\u00fc.x", "case or spelling"),
    ("differ in an ignorable letter (HFS+)", "x.txt", "x\u200d.txt", "case or spelling"),
    ("differ in characters of Windows", "a<b", "a>b", "case or spelling"),
    ("differ in a dot at the end", "a.", "a ", "case or spelling"),
    ("a file and a folder", "case", "case/x", "a file, and the folder"),
    ("a file and a folder, other case", "Case/x/y", "cASE/X", "a file, and the folder"),
]

HARMLESS: list[tuple[str, str, str, tuple[str, ...]]] = [
    ("backslashes where they part nothing", "..\\..\\up.txt", ".._.._up.txt", (*TARS, "rar")),
    ("UNC where backslashes part nothing", "\\\\server\\share\\up.txt", "__server_share_up.txt", (*TARS, "rar")),
    ("a stream of NTFS", "a.txt:evil", "a.txt_evil", EVERY),
    ("a stream of NTFS with its type", "ab::$DATA", "ab__$DATA", EVERY),
    ("three dots", ".../up.txt", ".._/up.txt", EVERY),
    ("dots and a blank, which Windows drops", ".. /up.txt", ".._/up.txt", EVERY),
    ("a dot at the end", "nul_./x.", "nul__/x_", EVERY),
    ("./ in front", "./a/./x", "a/x", EVERY),
    ("an escape sequence", "\x1b]0;owned\x07.txt", "_x1b]0;owned_x07.txt", RAW),
    ("line breaks", "a\r\nok: b", "a_x0d_x0aok_ b", RAW),
    ("letters that turn the direction", "a\u202egpj.exe", "a_u202egpj.exe", RAW),
    ("a tilde, a variable, a pipe", "~/$HOME/|x", "~/$HOME/_x", EVERY),
    ("an option", "-rf", "-rf", EVERY),
    ("a list for unrar", "@list", "@list", EVERY),
]


def attacks() -> Iterator[Attack]:
    for what, name, words, kinds in REFUSED:
        for kind in kinds:
            yield Attack(what, kind, partial(KINDS[kind], names=[GOOD, (name.encode(), BAD)]), words, **_how(kind))
    for what, first, second, words in COLLIDE:
        names = [(first.encode(), BAD), GOOD, (second.encode(), BAD)]
        for kind in EVERY:
            if not (kind == "encrypted" and words == "twice"):  # the library that writes them won't
                yield Attack(what, kind, partial(KINDS[kind], names=names), words, **_how(kind))
    for what, name, target, kinds in HARMLESS:
        for kind in kinds:
            content = {"good.txt": GOOD[1], target: BAD}
            build = partial(KINDS[kind], names=[GOOD, (name.encode(), BAD)])
            yield Attack(what, kind, build, becomes=content, **_how(kind))
    yield from _bytes()


def _how(kind: str) -> dict[str, Any]:
    return {"apart": False} | ({"password": "sesame"} if kind == "encrypted" else {})


def _bytes() -> Iterator[Attack]:
    """Names that are not UTF-8."""
    names = [GOOD, (b"a\xff\xfe.txt", BAD)]
    for kind in RAW:
        yield Attack("bytes that are no UTF-8", kind, partial(KINDS[kind], names=names),
                     becomes={"good.txt": GOOD[1], "a_xff_xfe.txt": BAD}, apart=False)  # fmt: skip
