"""The NRRD header: its lines, types and what its fields say.

Source: Definition of NRRD File Format (https://teem.sourceforge.net/nrrd/format.html), NRRD0001 to NRRD0005.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from medshelf.errors import FormatError, Unsupported

MAGIC = b"NRRD000"
_LONGEST = 1 << 24
_READ = 1 << 11
"""What is read first of a file that may be far away; then twice as much each time."""
_END = re.compile(rb"\r?\n\r?\n")
_SPELLINGS = {
    "int8": ("signed char", "int8", "int8_t"),
    "uint8": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "int16": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "uint16": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "int32": ("int", "signed int", "int32", "int32_t"),
    "uint32": ("uint", "unsigned int", "uint32", "uint32_t"),
    "int64": ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64")
    + ("int64_t",),
    "uint64": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "float32": ("float",),
    "float64": ("double",),
}
TYPES = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings}
"""Spelling of a type in a header to its NumPy name."""
ENCODINGS = {
    "raw": "raw", "txt": "ascii", "text": "ascii", "ascii": "ascii", "hex": "hex",
    "gz": "gzip", "gzip": "gzip", "bz2": "bzip2", "bzip2": "bzip2",
}  # fmt: skip
_SPACES = {
    "RAS": "right-anterior-superior", "LAS": "left-anterior-superior", "LPS": "left-posterior-superior",
}  # fmt: skip
_TO_RAS = {"right-anterior-superior": (1.0, 1.0, 1.0), "left-anterior-superior": (-1.0, 1.0, 1.0)}
_LPS = (-1.0, -1.0, 1.0)
_MM = {"mm": 1.0, "millimeter": 1.0, "um": 1e-3, "µm": 1e-3, "micron": 1e-3, "cm": 10.0, "m": 1000.0}


@dataclass
class Fields:
    """A parsed header."""

    name: str
    """The file, for messages."""
    values: dict[str, str]
    """Fields by name, in lower case and without inner spaces (``"datafile"``)."""
    keys: dict[str, str] = field(default_factory=dict)
    """The key/value pairs (``:=``)."""
    files: list[str] = field(default_factory=list)
    """Names under ``data file: LIST``."""
    version: str = ""
    """The first line."""
    end: int = 0
    """Where an attached header's data begins."""

    def words(self, key: str) -> list[str]:
        """The words of a field, quoted ones whole; empty where it is absent."""
        return [a or b for a, b in re.findall(r'"([^"]*)"|(\S+)', self.values.get(key, ""))]

    @property
    def listed(self) -> bool:
        """Whether the names of the data files follow line by line."""
        return self.values.get("datafile", "").upper().split()[:1] == ["LIST"]

    def wrong(self, key: str, why: str = "") -> FormatError:
        """The error of a field that is absent or makes no sense."""
        given = self.values.get(key)
        return FormatError(
            f"the header's field {key!r} is {'missing' if given is None else 'wrong'}",
            where=self.name,
            why=why or (None if given is None else f"it is {given[:100]!r}"),
            hint="Fetch the file again; teem's 'unu head' shows the header",
        )


def read_text(stream: BinaryIO, name: str) -> tuple[bytes, int]:
    """Return the header's bytes, and where the data of an attached header begins.

    Raises
    ------
    FormatError
        There is no end of a header in the first 16 MiB.
    """
    text = b""
    while len(text) < _LONGEST:
        chunk = stream.read(max(_READ, len(text)))
        begin = max(len(text) - 3, 0)
        text += chunk
        end = _END.search(text, begin)
        if end:
            return text[: end.start()], end.end()
        if not chunk:
            return text, len(text)
    why = f"no empty line in its first {_LONGEST:,} bytes"
    raise FormatError("the header has no end", where=name, why=why)


def parse(text: bytes, end: int, name: str) -> Fields:
    """Parse the header's lines; `end` is where attached data begins.

    Raises
    ------
    FormatError
        The first line is not that of a NRRD file, or another is no field, key or comment.
    """
    try:
        lines = text.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        lines = text.decode("latin-1").splitlines()
    if not text.startswith(MAGIC):
        raise FormatError("this is not a NRRD file", where=name, why=f"it begins with {text[:8]!r}")
    fields = Fields(name, {}, version=lines[0].strip(), end=end)
    for number, line in enumerate(lines[1:], 2):
        if not line or line.startswith("#"):
            continue
        if fields.listed:
            fields.files.append(line.strip())
            continue
        found = re.match(r"([^:]+):([ =])(.*)", line) or re.match(r"([^:]+):()(.*)", line)
        if not found:
            what = f"line {number} of the header is no field"
            raise FormatError(what, where=name, why=repr(line[:80]))
        key, kind, value = found.groups()
        if kind == "=":
            fields.keys[_unescaped(key)] = _unescaped(value)
        else:
            fields.values[_canonical(key)] = value.strip()
    return fields


def _canonical(key: str) -> str:
    """One spelling for each field: ``"data file"`` and ``"datafile"`` are the same, and ``"centers"``."""
    short = key.strip().lower().replace(" ", "")
    return {"centers": "centerings"}.get(short, short)


def _unescaped(text: str) -> str:
    return re.sub(r"\\([n\\])", lambda found: "\n" if found[1] == "n" else "\\", text)


def sizes_of(fields: Fields) -> list[int]:
    """Return the stored shape, first axis fastest.

    Raises
    ------
    FormatError
        ``dimension`` and ``sizes`` are absent, impossible or don't agree.
    """
    try:
        dimension = int(fields.values["dimension"])
        sizes = [int(word) for word in fields.words("sizes")]
    except (KeyError, ValueError):
        raise fields.wrong("dimension") from None
    if not 1 <= dimension <= 16 or len(sizes) != dimension or min(sizes) < 1:
        raise fields.wrong("sizes", f"dimension {dimension}, sizes {sizes[:16]}")
    return sizes


def type_of(fields: Fields) -> np.dtype:
    """Return the type of a voxel in the byte order of the file.

    Raises
    ------
    Unsupported
        Blocks (structures without meaning to NRRD) are not read.
    FormatError
        The type or the byte order that it needs is absent or unknown.
    """
    spelling = " ".join(fields.values.get("type", "").lower().split())
    if spelling == "block":
        raise Unsupported("a NRRD file of blocks is not read", where=fields.name)
    if spelling not in TYPES:
        raise fields.wrong("type")
    dtype = np.dtype(TYPES[spelling])
    if dtype.itemsize == 1 or encoding_of(fields) == "ascii":
        return dtype
    order = fields.values.get("endian", "").lower()
    if order not in ("little", "big"):
        raise fields.wrong("endian")
    return dtype.newbyteorder("<" if order == "little" else ">")


def encoding_of(fields: Fields) -> str:
    """Return ``"raw"``, ``"gzip"``, ``"bzip2"``, ``"ascii"`` or ``"hex"``, or raise `FormatError`."""
    encoding = ENCODINGS.get(fields.values.get("encoding", "").lower())
    if encoding is None:
        raise fields.wrong("encoding")
    return encoding


def vectors(fields: Fields, key: str) -> list[list[float] | None]:
    """Return the vectors of a field, None for each ``none``; `FormatError` where they make no sense."""
    found: list[list[float] | None] = []
    for inner, none, other in re.findall(r"\(([^()]*)\)|\b(none)\b|(\S+)", fields.values.get(key, "")):
        if other:
            raise fields.wrong(key)
        try:
            vector = [] if none else [float(x) for x in inner.split(",")]
        except ValueError:
            raise fields.wrong(key) from None
        found.append(None if np.isnan(vector).all() else vector)  # some writers put NaN for none
    return found


def floats(fields: Fields, key: str, count: int) -> list[float]:
    """Return a field's `count` numbers, NaN where it is absent; `FormatError` where they make no sense."""
    if key not in fields.values:
        return [float("nan")] * count
    try:
        found = [float(word) for word in fields.words(key)]
    except ValueError:
        found = []
    if len(found) != count:
        raise fields.wrong(key)
    return found


def to_ras_mm(fields: Fields) -> np.ndarray:
    """Return the three factors from the header's space to RAS+ mm.

    A space that names no direction of the patient (scanner-xyz, 3D-right-handed, ...) is taken for LPS,
    as ITK does.
    """
    space = fields.values.get("space", "").lower().removesuffix("-time")
    short = space.upper().removesuffix("T")
    signs = np.array(_TO_RAS.get(_SPACES.get(short, space), _LPS))
    units = [_MM.get(word.lower(), 1.0) for word in fields.words("spaceunits")[:3]]
    return signs * [*units, 1.0, 1.0, 1.0][:3]
