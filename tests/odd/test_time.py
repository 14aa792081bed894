"""Oddities 1, 2 and 20: images in time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import medshelf
from medshelf.errors import LayoutError, NotFound
from medshelf.formats import nifti
from medshelf.formats.table import read_rows, write_rows
from medshelf.model.blob import LocalFile
from medshelf.model.volume import Volume
from tests.layout.made import record
from tests.odd.conftest import Twinned

CINE = """
key = ["id"]
[files.cine]
role = "image"
path = "{id:~[A-Z]\\\\d}_sa.nii.gz"
frames = { ed = "info.ED", es = "info.ES" }
[files.heart]
role = "mask"
path = "{id:~[A-Z]\\\\d}_sa_gt.nii.gz"
labels = "heart"
frames = { ed = "info.ED", es = "info.ES" }
[tables.info]
path = "info.csv"
key = { code = "{id}" }
[labels.heart]
1 = "heart_ventricle.left"
2 = "heart_myocardium"
[example.fields]
id = ["A0", "B1"]
"""
"""As M&Ms: image and mask are in time, and only two frames, which a table names, are drawn."""


def test_01_frames_named_by_a_record_are_images_of_their_own(twinned: Twinned) -> None:
    opened = twinned("acdc")
    sample = next(s for s in opened if "ed" in s.images)
    number = {name: int(sample.records["info"][name.upper()]) for name in ("ed", "es")}
    assert number["ed"] != number["es"]
    whole = sample.images["cine"].volume if sample.images["cine"].volume.axes == "ijkt" else None
    moving = whole or next(image.volume for image in sample.images.values() if image.volume.axes == "ijkt")
    for name, n in number.items():
        frame = sample.images[name].volume
        assert frame.axes == "ijk"
        np.testing.assert_array_equal(frame.array, moving.array[..., n - 1])  # the record counts from 1


def test_02_frames_named_by_a_table_are_taken_from_image_and_mask_alike(twinned: Twinned) -> None:
    opened = twinned(record(CINE))
    for sample in opened:
        (row,) = sample.tables["info"]
        assert {"cine", "ed", "es"} == set(sample.images)
        assert {"heart", "heart.ed", "heart.es"} == set(sample.annotations)
        for name in ("ed", "es"):
            frame, mask = int(row[name.upper()]), sample.annotations[f"heart.{name}"]
            np.testing.assert_array_equal(sample.images[name].array, sample.images["cine"].array[..., frame])
            np.testing.assert_array_equal(mask.volume.array, sample.annotations["heart"].volume.array[..., frame])
            assert set(mask.states().values()) == {"present"}
            assert mask.grid is sample.images[name]


def test_02_a_frame_that_is_not_there_or_not_told_is_an_error(twinned: Twinned, tmp_path: Path) -> None:
    opened = twinned(record(CINE))
    table = next(tmp_path.rglob("info.csv"))
    rows = read_rows(LocalFile(table))
    write_rows(table, [{**row, "ED": ("", "999")[n % 2]} for n, row in enumerate(rows)])
    opened = medshelf.open(record(CINE), table.parent)
    with pytest.raises(NotFound, match="nothing tells which frame ed is"):
        opened[0].images["ed"].read()
    with pytest.raises(LayoutError, match="no index 999"):
        opened[1].images["ed"].read()
    assert opened[0].images["es"].read().array.size


def test_20_an_axis_of_length_one_is_taken_away_where_it_is(twinned: Twinned) -> None:
    opened = twinned("cmrxmotion-2022")
    stored = nifti.read(LocalFile(Path(opened[0].image.path)))
    assert stored.array.ndim == 4 and stored.array.shape[3] == 1
    assert opened[0].image.volume.axes == "ijk"
    flat = Volume(np.ascontiguousarray(stored.array[..., 0]), "ijk", stored.affine, stored.spacing_mm)
    nifti.write(Path(opened[0].image.path), flat)  # as some files of the release may be
    np.testing.assert_array_equal(opened[0].image.array, flat.array)
