"""Readers: bytes in, array and geometry out. They never hear of a dataset.

One module a format. The contract, exercised by ``tests/conformance/test_formats.py``:

``NAME``
    short name, as layouts and messages use it.
``SUFFIXES``
    lower-case file endings, longest first.
``matches(head)``
    True when the first 512 bytes are of this format.
``read_header(blob)``
    a `Header`, decoding no pixels.
``read(blob)``
    a `Volume`, whose shape, dtype, axes, affine and spacing equal the header's.
``write(path, volume)``
    optional: the inverse, for the formats that medshelf writes.
``names(blob)``, ``read(blob, key)``, ``read_header(blob, key)``, ``read_item(blob, index, key)``
    for files of several arrays with names; `read_item` reads one item along the first axis and no more than it must.

Both raise `FormatError` (or `Truncated`, `Unsupported`) naming the blob, and nothing else, on bad bytes.
DICOM is read by series, not by file: see `medshelf.formats.dicom`.

Readers of what is no image (boxes, outlines, points, readings, meshes, tables, text) are functions, one module a
format; `medshelf.samples.native` names them. Their contract, exercised by ``tests/conformance/test_annotations.py``:
they take a blob, with a path or without, and return a value that can be pickled and keeps what is written, or raise
an error of ours that names the blob, soon and before much memory is asked for; where there is a writer, what it
writes is read again. XML has no document type and no entities (`medshelf.formats.markup`); XML and JSON have limits
of size and depth.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import numpy as np

from medshelf.errors import Impostor, Unsupported
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

IMAGE_FORMATS = (
    "nifti", "analyze", "nrrd", "metaimage", "mgh", "raster", "numpy_array", "hdf5", "matlab", "video", "slide",
)  # fmt: skip
"""Modules of this package that read one image from one blob, in the order in which they are asked."""

_WEB_PAGE = (b"<!doctype html", b"<html", b"<?xml version=\"1.0\" encoding=\"utf-8\"?><error")

_APPLE_DOUBLE = b"\x00\x05\x16\x07"
_POINTER = (b"version https://git-lfs.github.com/spec/", b"/annex/objects/")


def format_named(name: str) -> ModuleType:
    """Return the module of the image format `name` (one of `IMAGE_FORMATS`)."""
    if name not in IMAGE_FORMATS:
        raise Unsupported(f"no reader is called {name!r}", hint=f"Readers: {', '.join(IMAGE_FORMATS)}")
    return import_module(f"medshelf.formats.{name}")


def format_of(blob: Blob) -> ModuleType:
    """Return the format module for a blob, by its name and, where that is silent, by its first bytes.

    Raises
    ------
    Impostor
        Something else was saved under the name, see `head_of`.
    Unsupported
        No reader knows it.
    """
    name = blob.name.lower()
    modules = [format_named(n) for n in IMAGE_FORMATS]
    named = [module for module in modules if name.endswith(module.SUFFIXES)]
    if len(named) > 1:  # .hdr and .img: the header decides
        from medshelf.formats.pair import header_of

        head = head_of(header_of(blob))
        named = [module for module in named if module.matches(head)] or named
    if named:
        return named[0]
    head = head_of(blob)
    for module in modules:
        if module.matches(head):
            return module
    raise Unsupported(
        "no reader knows this kind of file",
        where=blob.name,
        why=f"first bytes {head[:8]!r}",
        hint="Endings that are read: " + " ".join(s for m in modules for s in m.SUFFIXES),
    )


def head_of(blob: Blob, size_bytes: int = 512) -> bytes:
    """Return the first bytes of a blob, refusing the impostors that circulate under files' names.

    Raises
    ------
    Impostor
        The blob is empty, a web page, a macOS resource file (AppleDouble, RFC 1740), or a pointer that
        Git LFS or git-annex left in place of the data.
    """
    with blob.open() as stream:
        head = stream.read(size_bytes)
    if not head:
        raise Impostor("the file is empty", kind="empty", where=blob.name, hint="Fetch it again")
    if head.lstrip().lower().startswith(_WEB_PAGE):
        raise Impostor(
            "this is a web page, not data",
            kind="web-page",
            where=blob.name,
            why="the host answered with an error or login page that was saved under this name",
            hint="Fetch the file again and look at what the host says",
        )
    if head.startswith(_APPLE_DOUBLE):
        raise Impostor(
            "this is a macOS resource file, not data",
            kind="stand-in",
            where=blob.name,
            why="it holds Finder data for the file of the same name without '._'",
            hint="Leave out files whose names begin with '._'",
        )
    if head.startswith(_POINTER):
        raise Impostor(
            "this is a pointer to the data, not the data",
            kind="stand-in",
            where=blob.name,
            why="Git LFS or git-annex keeps the content elsewhere",
            hint="Fetch the content with 'git lfs pull' or 'git annex get'",
        )
    return head


def read(blob: Blob, reader: str | None = None, key: str | None = None) -> Volume:
    """Read one image.

    Parameters
    ----------
    blob : Blob
        A file or archive member.
    reader : str, optional
        One of `IMAGE_FORMATS`; by default found from the name and the first bytes.
    key : str, optional
        Name of the array in a file that holds several: an HDF5 path, a MATLAB variable or field, a member of .npz.

    Raises
    ------
    Unsupported
        No reader knows it, or it has no arrays with names.
    """
    if key is not None:
        return _container(blob, reader).read(blob, key)
    return (format_named(reader) if reader else format_of(blob)).read(blob)


def read_header(blob: Blob, reader: str | None = None, key: str | None = None) -> Header:
    """Read what is known of one image without decoding its pixels; parameters and errors as in `read`."""
    if key is not None:
        return _container(blob, reader).read_header(blob, key)
    return (format_named(reader) if reader else format_of(blob)).read_header(blob)


def read_item(blob: Blob, index: int, reader: str | None = None, key: str | None = None) -> np.ndarray:
    """Read one item, along the first axis, of a file of arrays; parameters and errors as in `read`."""
    return _container(blob, reader).read_item(blob, index, key)


def names(blob: Blob, reader: str | None = None) -> list[str]:
    """Return the names of the arrays that a file holds; empty for a file of one image."""
    module = format_named(reader) if reader else format_of(blob)
    return module.names(blob) if hasattr(module, "names") else []


def _container(blob: Blob, reader: str | None) -> ModuleType:
    module = format_named(reader) if reader else format_of(blob)
    if not hasattr(module, "names"):
        raise Unsupported("a file of this kind holds one image, and no arrays with names", where=blob.name)
    return module
