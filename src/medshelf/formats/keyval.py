"""Files of ``Key: value`` lines, such as the ``Info.cfg`` beside each patient of ACDC."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

from medshelf.errors import FormatError
from medshelf.formats.text import bytes_of, decode, write_text
from medshelf.model.blob import Blob

LIMIT_BYTES = 2**24
"""Largest file (16 MiB)."""


def read_keyval(
    blob: Blob, *, sep: str = ":", comment: str = "#", encoding: str | None = None
) -> dict[str, str]:
    """Read ``Key: value`` lines.

    Parameters
    ----------
    blob : Blob
        A file or archive member.
    sep : str
        What stands between key and value; the first one on a line counts, so values may hold it.
    comment : str
        Lines that begin with it are skipped, as are blank ones; empty for none.
    encoding : str, optional
        See `medshelf.formats.text.decode`.

    Returns
    -------
    dict of str to str
        Keys and values as written, without surrounding blanks, in the order of the file.

    Raises
    ------
    FormatError
        A line without a separator or key, or a key that comes twice with different values; with its
        line number.
    """
    text, _ = decode(bytes_of(blob, limit_bytes=LIMIT_BYTES), blob.name, encoding)
    found: dict[str, str] = {}
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        line = line.strip()
        if not line or (comment and line.startswith(comment)):
            continue
        key, mark, value = (part.strip() for part in line.partition(sep))
        if not mark or not key:
            raise FormatError(f"line {number} is not 'key{sep} value'", where=blob.name, why=repr(line[:80]))
        if found.setdefault(key, value) != value:
            raise FormatError(
                f"line {number} gives {key!r} a second value",
                where=blob.name,
                why=f"{found[key]!r}, then {value!r}",
            )
    return found


def write_keyval(path: Path | str, values: Mapping[str, object], *, sep: str = ":") -> None:
    """Write ``Key: value`` lines, UTF-8, in the order of `values`; the inverse of `read_keyval`.

    Raises
    ------
    ValueError
        A key or value that would not be read back as it is.
    """
    lines: list[str] = []
    for key, value in values.items():
        text = str(value)
        if sep in key or key != key.strip() or not key or "\n" in key + text or text != text.strip():
            raise ValueError(f"{key!r}: {text!r} can't be written as a 'key{sep} value' line")
        lines.append(f"{key}{sep} {text}\n")
    write_text(path, "".join(lines))
