"""Read one image, without any dataset: a file, a folder of DICOM slices, or a member of an archive."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from medshelf import formats
from medshelf.access.tree import open_tree
from medshelf.errors import FormatError, NotFound
from medshelf.model.blob import Blob, LocalFile
from medshelf.model.volume import Volume


def read(path: str | os.PathLike[str], *, reader: str | None = None, array: str | None = None) -> Volume:
    """Read an image.

    Parameters
    ----------
    path : path
        A file, a folder that holds one DICOM series, or ``archive.zip!/member``.
    reader : str, optional
        Reader to use, where the file ending misleads.
    array : str, optional
        Which array of a file that holds several: an HDF5 path, a MATLAB variable or field, a member of .npz.

    Returns
    -------
    Volume
        Array as stored, axes, affine (RAS+ mm) and spacing.

    Raises
    ------
    NotFound
        There is no such file or member.
    FormatError
        The bytes are not an image that can be read, or the slices are no volume.
    """
    text = os.fspath(path)
    if "!/" in text:
        return _read_member(text, reader, array)
    place = Path(text)
    if place.is_dir():
        return _read_folder([LocalFile(p) for p in sorted(place.iterdir()) if p.is_file()], text)
    return _read_blob(LocalFile(place), reader, array)


def _read_member(text: str, reader: str | None, array: str | None) -> Volume:
    archive, _, member = text.partition("!/")
    tree = open_tree(archive)
    if member in set(tree.names):
        return _read_blob(tree.blob(member), reader, array)
    inside = [name for name in tree.names if name.startswith(member.rstrip("/") + "/")]
    if not inside:
        raise NotFound("the archive has no such member", where=text, hint=f"List it: unzip -l {archive}")
    return _read_folder([tree.blob(name) for name in inside], text)


def _read_blob(blob: Blob, reader: str | None, array: str | None) -> Volume:
    if reader in ("dicom_series", "dicom") or (reader is None and array is None and _is_dicom(blob)):
        from medshelf.formats import dicom, dicom_slide

        return dicom_slide.read(blob) if dicom_slide.is_slide(blob) else dicom.read_series([blob], least_slices=1)
    return formats.read(blob, reader, array)


def _is_dicom(blob: Blob) -> bool:
    if blob.name.lower().endswith((".dcm", ".dicom", ".ima")):
        return True
    return formats.head_of(blob)[128:132] == b"DICM"


def _read_folder(blobs: Sequence[Blob], where: str) -> Volume:
    from medshelf.formats import dicom

    if not blobs:
        raise FormatError("the folder holds no files", where=where)
    return dicom.read_series(blobs)
