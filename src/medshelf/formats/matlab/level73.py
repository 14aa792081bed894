"""MAT-files of version 7.3: HDF5 behind 512 bytes of text, with the axes in reverse.

Source: attributes ``MATLAB_class`` and ``MATLAB_empty`` as MATLAB writes them ("MAT-File Versions", MathWorks).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from medshelf.formats.hdf5.file import datasets, find, is_array, native_type, part_of, whole_of
from medshelf.formats.matlab.variable import NUMBERS, Variable
from medshelf.model.blob import Blob

_OTHERS = {"char": "text", "cell": "a cell array", "function_handle": "a function"}


def matches(head: bytes) -> bool:
    """Tell whether these are the first bytes of a MAT-file of version 7.3: version 2 (early ones are named 7.0)."""
    return head[124:128] == b"\x00\x02IM" and head.startswith(b"MATLAB ")


def variables(file: Any, blob: Blob) -> Iterator[Variable]:
    """Yield every variable and field of an open file, ``s/mask`` as ``s.mask``."""
    for path, dataset in datasets(file, blob):
        if path.startswith("#"):  # "#refs#" and "#subsystem#" hold the parts of cells and objects
            continue
        key, kind = path.replace("/", "."), _class_of(dataset)
        shape = tuple(int(n) for n in reversed(dataset.shape or ()))
        if kind not in (*NUMBERS.values(), "double", "single", "logical") or "MATLAB_empty" in dataset.attrs:
            yield Variable(key, shape, kind=_OTHERS.get(kind, f"of class {kind or '?'}"))
        elif not is_array(dataset, blob.name):
            yield Variable(key, shape, kind="no array of numbers")
        else:
            dtype = native_type(dataset).name
            yield Variable(key, shape, dtype, kind, partial(_load, dataset, blob))


def item(file: Any, key: str, index: int, blob: Blob) -> np.ndarray:
    """Return one index of the first axis of MATLAB, which is the last of HDF5."""
    return part_of(find(file, key.replace(".", "/"), blob), -1, index, blob).T


def _load(dataset: Any, blob: Blob) -> np.ndarray:
    return whole_of(dataset, blob).T


def _class_of(dataset: Any) -> str:
    said = dataset.attrs.get("MATLAB_class", b"")
    return said.decode("latin-1") if isinstance(said, bytes) else str(said)
