"""nnU-Net raw data, version 2: one image file a channel, one integer mask, ``dataset.json``.

The format is described in nnU-Net's ``documentation/dataset_format.md``: channels are numbered from
``_0000``, labels are consecutive from 0 = background, and ``ignore`` is the highest.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from medshelf.access.atomic import hash_file, write_atomically, write_if_changed, written_atomically
from medshelf.errors import Unsupported
from medshelf.formats import nifti, raster
from medshelf.model.volume import Volume
from medshelf.samples.image import Image

BACKGROUND, IGNORE = "background", "ignore"


@dataclass(frozen=True, slots=True)
class Target:
    """A folder of nnU-Net raw data. Picklable; workers write cases, the caller finishes it."""

    root: Path
    channels: tuple[str, ...]
    labels: tuple[str, ...]
    """Names of the labels 1, 2, …"""
    ignore: bool
    """Whether some cases leave labels unannotated."""
    flat: bool
    """Pictures (PNG) rather than volumes (NIfTI)."""

    @property
    def ending(self) -> str:
        """File ending of all images and masks."""
        return ".png" if self.flat else ".nii.gz"

    @property
    def ignore_value(self) -> int:
        """Value of voxels that training must ignore: the highest, as nnU-Net demands."""
        return len(self.labels) + 1

    def write_case(self, name: str, images: Sequence[Image], mask: Volume) -> dict[str, str]:
        """Write one case; return the name of each file below the root with its SHA-256.

        Parameters
        ----------
        name : str
            Id of the case in the result.
        images : sequence of Image
            One a channel; an RGB picture holds its channels in one file.
        mask : Volume
            Integer values as `labels` and `ignore_value` say, on the grid of the images.
        """
        for folder in ("imagesTr", "labelsTr"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        written: dict[str, str] = {}
        for number, image in enumerate(images):
            file = Path("imagesTr") / f"{name}_{number:04d}{self.ending}"
            self._write_image(self.root / file, image)
            written[file.as_posix()] = hash_file(self.root / file)
        file = Path("labelsTr") / f"{name}{self.ending}"
        self._write(self.root / file, mask)
        written[file.as_posix()] = hash_file(self.root / file)
        return written

    def _write_image(self, path: Path, image: Image) -> None:
        """Copy a file that is already what is needed, bit by bit; write it anew otherwise."""
        source = image.blobs[0].path
        plain = len(image.blobs) == 1 and not image.ops and image.source is None and image.axes is None
        copied = source is not None and plain and source.name.lower().endswith(self.ending) and _is_as_named(source)
        if copied and (self.flat or image.volume.array.ndim == 3):
            assert source is not None
            with write_atomically(path) as stream, open(source, "rb") as original:
                shutil.copyfileobj(original, stream, 1 << 20)
            return
        self._write(path, image.volume)

    def _write(self, path: Path, volume: Volume) -> None:
        with written_atomically(path) as part:
            if self.flat:
                raster.write(part, replace(volume, affine=None))
            else:
                nifti.write(part, _three_axes(volume, path))

    def finish(
        self, cases: Sequence[str], splits: Sequence[Mapping[str, Sequence[str]]], facts: Mapping[str, Any]
    ) -> None:
        """Write ``dataset.json`` and ``splits_final.json``."""
        labels = {BACKGROUND: 0, **{name: n for n, name in enumerate(self.labels, start=1)}}
        if self.ignore:
            labels[IGNORE] = self.ignore_value
        described = {
            "channel_names": {str(n): name for n, name in enumerate(self.channels)},
            "labels": labels,
            "numTraining": len(cases),
            "file_ending": self.ending,
            **facts,
        }
        if splits:
            write_if_changed(self.root / "splits_final.json", _json(list(splits)))
        else:
            (self.root / "splits_final.json").unlink(missing_ok=True)
        write_if_changed(self.root / "dataset.json", _json(described))

    def reopen(self) -> None:
        """Take ``dataset.json`` away before anything changes, so that no trainer takes what a stopped run left."""
        (self.root / "dataset.json").unlink(missing_ok=True)


def _is_as_named(path: Path) -> bool:
    """True when a file is the PNG or the gzip that its name promises: others go by the name, and may not look."""
    with open(path, "rb") as stream:
        head = stream.read(8)
    return head == b"\x89PNG\r\n\x1a\n" if path.suffix.lower() == ".png" else head[:2] == b"\x1f\x8b"


def _three_axes(volume: Volume, path: Path) -> Volume:
    array = volume.array
    while array.ndim > 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 3:
        raise Unsupported("nnU-Net takes one volume a channel", where=path, why=f"this has axes {volume.axes}")
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    return replace(volume, array=array, axes="ijk")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
