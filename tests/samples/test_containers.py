"""Samples from files of several arrays, and from films: the word `array`, rows, frames, colours of a palette."""

from __future__ import annotations

import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
from PIL import Image as Pillow

import medshelf
from medshelf.errors import MissingExtra, NotFound, Unsupported
from medshelf.formats import video
from medshelf.layout.check import check_names
from medshelf.layout.twin import names_of, plan
from medshelf.model.volume import Volume
from tests.layout.made import layout, record

RNG = np.random.default_rng(3)
IMAGES = RNG.integers(0, 255, (4, 12, 10, 3), np.uint8)
MASKS = RNG.integers(0, 3, (4, 12, 10), np.uint8)

ROWS = """
key = ["part"]
case = "{part}"
[files.image]
role = "image"
path = "{part}.ENDING"
array = "IMAGE"
[files.mask]
role = "mask"
path = "{part}.ENDING"
array = "MASK"
labels = "parts"
[labels.parts]
1 = "liver"
2 = "spleen"
[rows]
field = "i"
slots = ["image", "mask"]
"""


def rows(ending: str, image: str, mask: str) -> Any:
    return record(ROWS.replace("ENDING", ending).replace("IMAGE", image).replace("MASK", mask))


def save(path: Path) -> tuple[str, str]:
    """Write both arrays into one file, and return their names."""
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["deep/image"] = IMAGES
            file.create_dataset("mask", data=MASKS, chunks=(1, 12, 10), compression="gzip")
        return "deep/image", "mask"
    if path.suffix == ".mat":
        scipy.io.savemat(path, {"s": {"image": IMAGES}, "mask": MASKS}, do_compression=True)
        return "s.image", "mask"
    np.savez_compressed(path, image=IMAGES, mask=MASKS)
    return "image", "mask"


@pytest.mark.parametrize("ending", ["h5", "mat", "npz"])
@pytest.mark.parametrize("packed", [False, True])
def test_rows_of_two_arrays_in_one_file(tmp_path: Path, ending: str, packed: bool) -> None:
    root = tmp_path / "data"
    root.mkdir()
    made = rows(ending, *save(root / f"train.{ending}"))
    if packed:
        with zipfile.ZipFile(tmp_path / "data.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(root / f"train.{ending}", f"train.{ending}")
        root = tmp_path / "data.zip"
    dataset = medshelf.open(made, root)
    assert [case.id for case in dataset.cases] == [f"train/{n}" for n in range(4)]
    for n, sample in enumerate(dataset):
        again = pickle.loads(pickle.dumps(sample.image))
        np.testing.assert_array_equal(again.array, IMAGES[n])
        assert sample.image.header().shape == IMAGES[n].shape
        np.testing.assert_array_equal(sample.mask.volume.array, MASKS[n])
        np.testing.assert_array_equal(sample.mask.mask("spleen"), MASKS[n] == 2)
    report = medshelf.check(made, root)
    assert not [f for f in report.findings if f.severity != "info"]


def test_slots_that_share_a_file_need_arrays_of_their_own() -> None:
    both = ROWS.replace("ENDING", "h5").replace("MASK", "b")
    for image, ambiguous in (("a", False), ("b", True)):
        found = check_names(record(both.replace("IMAGE", image)), ["x.h5"])
        assert any(f.check == "layout.ambiguous" for f in found.findings) is ambiguous
    without = both.replace('array = "IMAGE"\n', "")
    assert any(f.check == "layout.ambiguous" for f in check_names(record(without), ["x.h5"]).findings)
    shared = layout(both.replace("IMAGE", "a"))
    names = names_of(shared, plan(shared, 2))
    assert len(names) == len(set(names)) == 2


def test_an_array_that_is_not_there_is_named(tmp_path: Path) -> None:
    save(tmp_path / "train.h5")
    made = rows("h5", "deep/picture", "mask")
    with pytest.raises(NotFound, match="deep/picture"):
        medshelf.open(made, tmp_path)
    with pytest.raises(Unsupported, match="no arrays with names"):
        medshelf.read(_png(tmp_path), array="x")
    np.testing.assert_array_equal(medshelf.read(tmp_path / "train.h5", array="mask").array, MASKS)


def _png(folder: Path) -> Path:
    Pillow.fromarray(MASKS[0]).save(folder / "a.png")
    return folder / "a.png"


FILMS = """
key = ["n"]
[files.film]
role = "video"
path = "film{n}.avi"
[files.still]
role = "image"
path = "still{n}.png"
optional = true
"""


def _film(path: Path, frames: int) -> np.ndarray:
    array = RNG.integers(0, 255, (frames, 24, 32, 3), np.uint8)
    video.write(path, Volume(array, "tyxc"))
    return array


def errors_of(made: Any, root: Path) -> list[str]:
    return [f"{f.check} {f.message}" for f in medshelf.audit(made, root).findings if f.severity == "error"]


def test_a_film_gives_frames(tmp_path: Path) -> None:
    array = _film(tmp_path / "film1.avi", 9)
    dataset = medshelf.open(record(FILMS), tmp_path)
    film = pickle.loads(pickle.dumps(dataset[0].image))
    assert film.film and film.header().shape == array.shape
    np.testing.assert_array_equal(film.frame(7), array[7])
    np.testing.assert_array_equal(np.stack(list(film.frames(1, None, 3))), array[1::3])
    np.testing.assert_array_equal(film.array, array)
    with pytest.raises(NotFound, match="no frame 9"):
        film.frame(9)
    assert not errors_of(record(FILMS), tmp_path)


def test_a_deep_audit_decodes_films(tmp_path: Path) -> None:
    _film(tmp_path / "film1.avi", 9)
    data = bytearray((tmp_path / "film1.avi").read_bytes())
    place = data.index(b"00dc", data.index(b"movi")) + 8
    data[place + 40 : place + 400] = bytes(360)
    place = data.index(b"strh") + 8 + 32
    data[place : place + 4] = (30).to_bytes(4, "little")
    (tmp_path / "film1.avi").write_bytes(data)
    assert any("stated" in told or "frame" in told for told in errors_of(record(FILMS), tmp_path))
    assert not [f for f in medshelf.audit(record(FILMS), tmp_path, deep=False).findings if f.severity == "error"]


def test_a_still_is_the_image_of_a_case_that_has_a_film_too(tmp_path: Path) -> None:
    _film(tmp_path / "film1.avi", 3)
    Pillow.fromarray(IMAGES[0]).save(tmp_path / "still1.png")
    sample = medshelf.open(record(FILMS), tmp_path)[0]
    assert set(sample.images) == {"film", "still"}
    assert sample.channels == ("still",)
    np.testing.assert_array_equal(sample.image.array, IMAGES[0])


def test_a_long_film_is_audited_and_drawn_without_reading_it_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medshelf.samples.view import draw

    _film(tmp_path / "film1.avi", 3)
    monkeypatch.setattr(video, "LIMIT_BYTES", 1)
    dataset = medshelf.open(record(FILMS), tmp_path)
    with pytest.raises(Unsupported, match="too long"):
        dataset[0].image.read()
    assert not errors_of(record(FILMS), tmp_path)
    assert draw(dataset[0]).size


COLOURED = """
key = ["n"]
[files.image]
role = "image"
path = "image{n}.png"
[files.mask]
role = "mask"
path = "mask{n}.ENDING"
kind = "KIND"
labels = "parts"
[labels.parts]
LABELS
"""
PALETTE = [0, 0, 0, 128, 0, 0, 0, 128, 0]
"""Of PASCAL VOC: background, first and second class."""


@pytest.mark.parametrize("ending", ["png", "gif", "bmp"])
@pytest.mark.parametrize(
    ("kind", "labels"),
    [("index", '1 = "liver"\n2 = "spleen"'), ("colour", '"#800000" = "liver"\n"#008000" = "spleen"')],
)
def test_a_mask_with_a_palette_gives_indices_or_colours_as_its_layout_says(
    tmp_path: Path, ending: str, kind: str, labels: str
) -> None:
    Pillow.fromarray(IMAGES[0]).save(tmp_path / "image1.png")
    picture = Pillow.fromarray(MASKS[0])
    picture.putpalette(PALETTE)
    picture.save(tmp_path / f"mask1.{ending}", **({"optimize": False} if ending == "gif" else {}))
    made = record(COLOURED.replace("ENDING", ending).replace("KIND", kind).replace("LABELS", labels))
    mask = medshelf.open(made, tmp_path)[0].mask
    assert mask.volume.axes == ("yx" if kind == "index" else "yxc") == mask.header().axes
    for value, structure in ((1, "liver"), (2, "spleen")):
        np.testing.assert_array_equal(mask.mask(structure), MASKS[0] == value)
    assert not errors_of(made, tmp_path)


@pytest.mark.parametrize("ending", [".hdr", ".img", ".mgh", ".mgz", ".ppm", ".ppm.gz", ".jp2", ".webp", ".h5", ".mat"])
def test_a_twin_of_every_kind_is_what_is_read(tmp_path: Path, ending: str) -> None:
    other = {".hdr": 'sidecar = [".img"]', ".img": 'sidecar = [".hdr"]'}.get(ending, "")
    text = f"""
        key = ["n"]
        [files.image]
        role = "image"
        path = "image{{n:int}}{ending}"
        {other}
        [files.mask]
        role = "mask"
        path = "mask{{n:int}}{ending}"
        kind = "bands"
        labels = "parts"
        {other}
        [labels.parts]
        "100-255" = "liver"
    """
    made = record(text)
    medshelf.twin(made, tmp_path / "twin", cases=2)
    assert not [f for f in medshelf.check(made, tmp_path / "twin").findings if f.severity != "info"]
    for sample in medshelf.open(made, tmp_path / "twin"):
        assert sample.image.header().shape == sample.image.array.shape
        assert sample.mask.states()["liver"] == "present"


@pytest.mark.parametrize(("package", "extra", "name"), [("h5py", "hdf5", "train.h5"), ("cv2", "video", "film1.avi")])
def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, extra: str, name: str
) -> None:
    save(tmp_path / "train.h5")
    _film(tmp_path / "film1.avi", 2)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=rf"medshelf\[{extra}\]"):
        medshelf.read(tmp_path / name)
