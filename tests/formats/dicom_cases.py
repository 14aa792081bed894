"""DICOM files to test on, made in memory."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pydicom
import pytest

from medshelf.errors import NotAVolume
from medshelf.formats import dicom
from medshelf.model.volume import Volume

STEP = 2.5


@dataclass(frozen=True)
class Member:
    """A blob in memory, as a member of an archive is."""

    name: str
    data: bytes
    path: Path | None = None

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    def open(self) -> BinaryIO:
        return io.BytesIO(self.data)

    def read_bytes(self) -> bytes:
        return self.data

    def sibling(self, filename: str) -> Member:
        raise NotImplementedError


def upright(shape: tuple[int, ...] = (6, 5, 4), affine: np.ndarray | None = None, seed: int = 0) -> Volume:
    """A small CT whose voxels are all different enough to betray any disorder."""
    values = np.random.default_rng(seed).integers(-1000, 3000, shape).astype(np.int16)
    if affine is None:
        affine = np.diag([-0.8, -0.9, STEP, 1.0])
        affine[:3, 3] = (40, 50, -60)
    return Volume(values, "ijk" if len(shape) == 3 else "ijkt", affine, (0.8, 0.9, STEP))


def files(volume: Volume | None = None, uid: str = "1.2.3", **options: Any) -> list[bytes]:
    settings: dict[str, Any] = {"modality": "CT", "series_uid": uid, "patient_id": "p1"}
    return dicom.slice_bytes(volume if volume is not None else upright(), **(settings | options))


def members(data: Sequence[bytes], prefix: str = "a.zip!/s/") -> list[Member]:
    return [Member(f"{prefix}{n:03d}.dcm", one) for n, one in enumerate(data)]


def changed(
    data: bytes, change: Callable[[pydicom.Dataset], object] | None = None, **attributes: Any
) -> bytes:
    """The same file with attributes set (or deleted, where None), written by pydicom."""
    found = pydicom.dcmread(io.BytesIO(data))
    for name, value in attributes.items():
        if value is None:
            delattr(found, name)
        else:
            setattr(found, name, value)
    if change is not None:
        change(found)
    out = io.BytesIO()
    found.save_as(out)
    return out.getvalue()


def moved(data: bytes, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> bytes:
    place = pydicom.dcmread(io.BytesIO(data)).ImagePositionPatient
    by = (x, y, z)
    return changed(
        data, ImagePositionPatient=[round(float(p) + d, 6) for p, d in zip(place, by, strict=True)]
    )


def reason_of(data: Sequence[bytes], **options: Any) -> str:
    """The reason for which a series is refused; reading and scanning must agree on it."""
    with pytest.raises(NotAVolume) as caught:
        dicom.read_series(members(data), **options)
    assert caught.value.reason in dicom.REASONS
    if not options:
        assert dicom.scan(members(data)).series[0].reason == caught.value.reason
    assert caught.value.why
    return caught.value.reason
