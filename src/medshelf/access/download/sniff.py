"""Is this the file, or an error page, a stand-in, or something of another kind? Told from its first and last bytes.

The rules are ours: every host may answer with a page where a file was asked for, with status 200. A file whose checksum
is the host's is what the host holds, whatever its name promises.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from medshelf.errors import NotWhole

HEAD_BYTES = 4096
TAIL_BYTES = 22 + 65535
"""Longest end of a zip: the record and its comment (APPNOTE 4.3.16)."""
_LFS = b"version https://git-lfs.github.com/spec/"

_IMAGE = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+",
    b"\0\0\0\x0cjP",
)  # fmt: skip
_PACKED = (
    b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"PK00", b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"BZh",
    b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x1f\x9d",
)  # fmt: skip
"""Kinds of one family pass for each other: releases do hold JPEG under .png and gzip under .zip."""


def _image(head: bytes) -> bool:
    return head.startswith(_IMAGE)


def _packed(head: bytes) -> bool:
    return head.startswith(_PACKED) or head[257:262] == b"ustar"


def _dicom(head: bytes) -> bool:
    """PS3.10 7.1: DICM at 128; older files begin with group 2 or 8 at once."""
    return head[128:132] == b"DICM" or head[:2] in (b"\x02\0", b"\x08\0", b"\0\x02", b"\0\x08")


def _nifti(head: bytes) -> bool:
    """nifti1.h, nifti2.h: the header's own size comes first, in either byte order; or all of it inside gzip."""
    sizes = (b"\x5c\x01\0\0", b"\0\0\x01\x5c", b"\x1c\x02\0\0", b"\0\0\x02\x1c")
    return head[:4] in sizes or head.startswith(b"\x1f\x8b")


def _hdf5(head: bytes) -> bool:
    """HDF5 file format II.A: the signature at 0, 512, 1024, 2048 and so on."""
    return any(head.startswith(b"\x89HDF\r\n\x1a\n", at) for at in (0, 512, 1024, 2048))


def _pdf(head: bytes) -> bool:
    return b"%PDF-" in head[:1024]


def _starts(magic: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magic)


def _any(head: bytes) -> bool:
    return True


_Promise = tuple[str, Callable[[bytes], bool]]
_ENDINGS: tuple[tuple[str, _Promise], ...] = (
    (".png .jpg .jpeg .gif .bmp .webp .tif .tiff .jp2 .svs .ndpi", ("an image", _image)),
    (".7z .rar .tgz .bz2 .xz .zst .gz .mgz .xlsx .docx .npz", ("an archive", _packed)),
    (".h5 .hdf5", ("HDF5", _hdf5)),
    (".dcm .dicom", ("DICOM", _dicom)),
    (".nii .nii.gz", ("NIfTI", _nifti)),
    (".pdf", ("PDF", _pdf)),
    (".nrrd", ("NRRD", _starts(b"NRRD"))),
    (".npy", ("NumPy", _starts(b"\x93NUMPY"))),
    (".parquet", ("Parquet", _starts(b"PAR1"))),
    (".zip .tar .mat .mha .mp4 .avi .raw .pt .pth", ("", _any)),
)
_FITS = {ending: promise for endings, promise in _ENDINGS for ending in endings.split()}
"""What a name promises. Where anything passes, only pages and stand-ins do not; a zip is looked for at its end."""
_TABLES = (".csv", ".tsv", ".xls")
_TEXTS = (".json", ".jsonl", ".txt", ".yaml", ".yml", ".bvec", ".bval")


def look_at_start(name: str, head: bytes, *, vouched: bool) -> None:
    """Raise `NotWhole` if the first bytes show that this is not the file.

    Parameters
    ----------
    name : str
    head : bytes
        The first bytes, `HEAD_BYTES` or fewer.
    vouched : bool
        Whether a checksum will be compared; then only pages and stand-ins are refused here.
    """
    found = _page(name, head)
    if found:
        raise _not_that(name, found, head)
    kind, fits = _promised(name) or ("", None)
    if fits is not None and not vouched and len(head) >= 2056 and not fits(head):
        raise _not_that(name, f"not {kind}", head)


def look_at_all(name: str, head: bytes, tail: bytes, *, vouched: bool) -> None:
    """Raise `NotWhole` if the first and last bytes of the whole file show that it is something else."""
    if head.startswith(_LFS):
        raise _not_that(name, "the stand-in of a file that Git LFS keeps elsewhere", head)
    if vouched:
        return
    found = _page(name, head)
    if found:
        raise _not_that(name, found, head)
    kind, fits = _promised(name) or ("", None)
    if fits is not None and not fits(head):
        raise _not_that(name, f"not {kind}", head)
    if name.lower().endswith(".zip") and not _packed(head) and b"PK\x05\x06" not in tail:
        raise _not_that(name, "not a zip", head)
    if _is_gzip_name(name) and _is_gzip_in_gzip(head):
        raise _not_that(name, "compressed a second time on its way", head)


def encoding_is_wrong(name: str, encoding: str) -> bool:
    """Return whether a Content-Encoding changes the bytes of this file.

    Servers label .gz files as ``gzip`` and send them as they are; any other encoding was put over the file.
    """
    named = encoding.strip().lower()
    return named not in ("", "identity") and not (named in ("gzip", "x-gzip") and _is_gzip_name(name))


def _is_gzip_name(name: str) -> bool:
    return name.lower().endswith((".gz", ".tgz", ".mgz"))


def _is_gzip_in_gzip(head: bytes) -> bool:
    if not head.startswith(b"\x1f\x8b"):
        return False
    try:
        return zlib.decompressobj(31).decompress(head, 2) == b"\x1f\x8b"
    except zlib.error:
        return False


def _promised(name: str) -> _Promise | None:
    lower = name.lower()
    if lower.endswith(".nii.gz"):
        return _FITS[".nii.gz"]
    return _FITS.get("." + lower.rpartition(".")[2]) if "." in lower else None


def _page(name: str, head: bytes) -> str | None:
    """Return what was sent instead of the file, if it is a page, a message or a stand-in."""
    if head.startswith(_LFS):
        return "the stand-in of a file that Git LFS keeps elsewhere"
    start = head[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    binary = _promised(name) is not None
    table = name.lower().endswith(_TABLES)
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "a web page" if binary or table or name.lower().endswith(_TEXTS) else None
    if start.startswith((b"<?xml", b"<error")):
        return "a message in XML" if binary or table or name.lower().endswith((".json", ".jsonl")) else None
    if start.startswith((b'{"', b"{\n", b"{\r\n", b"{ ")) and (binary or table):
        return "a message in JSON"
    return None


def _not_that(name: str, what: str, head: bytes) -> NotWhole:
    words = " ".join(head[:200].decode("ascii", "replace").split())[:80]
    shown = words if words.isprintable() and "\ufffd" not in words else head[:16].hex(" ")
    return NotWhole(
        "the host sent something else than the file", where=name, why=f"it is {what}; it begins with: {shown}",
        hint="Open the address in a browser: the host may ask for a login, or for patience",
    )  # fmt: skip
