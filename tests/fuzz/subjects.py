"""What is fuzzed: every reader, with files that are right and a call that reads all of one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from medshelf import formats
from medshelf.model.blob import Blob
from medshelf.model.volume import Volume
from tests.conformance import test_annotations as annotations
from tests.conformance import test_formats as conformance
from tests.conformance.test_formats import MemoryBlob
from tests.conftest import shared_data_folder
from tests.fuzz.mutate import mutant

Files = tuple[tuple[str, bytes], ...]
"""A file that is right, by name and bytes, and after it the files that belong to it."""


@dataclass(frozen=True)
class Subject:
    """One reader."""

    name: str
    files: Callable[[], Iterable[Files]]
    """Files that are right; the ending tells the reader which kind it is."""
    read: Callable[[Blob], Any]
    """Reads everything that a file holds."""

    def seeds(self) -> list[Files]:
        """Return the files that are right."""
        return _seeds(self)

    def blob(self, number: int) -> MemoryBlob:
        """Return mutant `number` of the seeds, taken in turn, in memory; files that belong to it are as they were."""
        seeds = self.seeds()
        (name, data), *others = seeds[number % len(seeds)]
        alike = [data, *(files[0][1] for files in seeds if Path(files[0][0]).suffix == Path(name).suffix)]
        changed = mutant(alike[:1] if number % 3 else alike, number // len(seeds))
        return MemoryBlob(((name, changed), *others), name)


@cache
def _seeds(subject: Subject) -> list[Files]:
    return list(subject.files())


def _written(write: Callable[[Path], Any]) -> list[Files]:
    """Return what a function writes into a folder, each file by itself."""
    return [(one,) for one in _folder(write)]


def _folder(write: Callable[[Path], Any]) -> Files:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        return tuple((p.name, p.read_bytes()) for p in sorted(Path(folder).rglob("*")) if p.is_file())


def _images(module: str) -> Callable[[], list[Files]]:
    def files() -> list[Files]:
        found = []
        for case in conformance.CASES:
            if case.module == module:
                written = _folder(lambda folder, case=case: conformance.written(case, folder))
                found.append(tuple(sorted(written, key=lambda one: one[0] != f"a{case.ending}")))
        return found

    return files


def _read_image(module: str) -> Callable[[Blob], Any]:
    def read(blob: Blob) -> Any:
        reader = formats.format_named(module)
        reader.read_header(blob)
        return reader.read(blob)

    return read


def _volume() -> Volume:
    array = (np.indices((12, 10, 6)).sum(axis=0) % 50).astype(np.int16)
    return Volume(array, "ijk", np.diag([-0.7, -0.7, 2.0, 1.0]), (0.7, 0.7, 2.0))


def _dicom_files() -> list[Files]:
    from pydicom.data import get_testdata_file

    from medshelf.formats import dicom
    from tests.formats.test_dicom_fuzz import NO_IMAGE, SAMPLES

    written = dicom.slice_bytes(_volume(), modality="CT", series_uid="1.2.3", patient_id="p")
    found: list[Files] = [((f"{n}.dcm", one),) for n, one in enumerate(written)][:2]
    for name in (name for name in SAMPLES if name not in NO_IMAGE):
        found.append(((name, Path(str(get_testdata_file(name))).read_bytes()),))
    return found


def _of_real(*paths: str) -> Callable[[], list[Files]]:
    """Files of the real data beside the checkout; none where it is missing, which the runner says."""

    def files() -> list[Files]:
        data = shared_data_folder()
        found = [data / path for path in paths] if data is not None else []
        return [((f"{n}{path.suffix}", path.read_bytes()),) for n, path in enumerate(found)]

    return files


def _read_slide(blob: Blob) -> Any:
    from medshelf.formats import dicom_slide

    header = dicom_slide.read_header(blob)
    dicom_slide.read_region(blob, 0, 0, 0, min(20, header.shape[0]), min(20, header.shape[1]))
    return dicom_slide.read(blob)


def _read_dicom(blob: Blob) -> Any:
    from medshelf.formats import dicom

    found = dicom.scan([blob])
    return [dicom.read_series(series, least_slices=1).array.shape for series in found.series]


def _seg_files() -> list[Files]:
    from medshelf.formats import dicom_seg

    mask = Volume((_volume().array > 20).astype(np.uint8), "ijk", _volume().affine, _volume().spacing_mm)
    return _written(lambda folder: dicom_seg.write_seg(folder / "a.dcm", {"liver": mask}, patient_id="p"))


def _read_seg(blob: Blob) -> Any:
    from medshelf.formats import dicom_seg

    found = dicom_seg.read_seg(blob)
    return [found.mask(segment.number).array.sum() for segment in found.segments]


def _archives() -> list[Files]:
    import shutil

    def write(folder: Path) -> None:
        inner = folder / "in"
        inner.mkdir()
        (inner / "a.txt").write_text("hello" * 50)
        (inner / "b").mkdir()
        (inner / "b" / "c.txt").write_bytes(bytes(3000))
        for kind in ("zip", "tar", "gztar", "bztar", "xztar"):
            shutil.make_archive(str(folder / "x"), kind, inner)
        shutil.rmtree(inner)

    return _written(write)


def _read_archive(blob: Blob) -> Any:
    from medshelf.access.tree import open_tree

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / Path(blob.name).name
        place.write_bytes(blob.read_bytes())
        tree = open_tree(place)
        return [tree.blob(name).read_bytes() for name in tree.names]


def _rle(blob: Blob) -> Any:
    from medshelf.formats import rle, text

    return rle.decode_rle(text.read_text(blob), (48, 64))


def _of_kind(kind: annotations.Kind) -> Subject:
    def files() -> list[Files]:
        written = _folder(lambda folder: kind.make(folder / kind.filename))
        return [tuple(sorted(written, key=lambda one: one[0] != kind.filename))]

    return Subject(str(kind), files, kind.read)


def _pictures() -> list[Files]:
    """Return pictures of the kinds that medshelf does not write."""
    from PIL import Image

    rng = np.random.default_rng(3)
    grey = Image.fromarray(rng.integers(0, 255, (40, 30), np.uint8))

    def write(folder: Path) -> None:
        grey.save(folder / "a.jpg")
        grey.convert("RGB").save(folder / "b.jpg", progressive=True)
        grey.convert("CMYK").save(folder / "c.jpg")
        grey.convert("P").save(folder / "d.gif", save_all=True, append_images=[grey.rotate(90).convert("P")])
        grey.convert("1").save(folder / "e.tif", compression="group4")
        grey.convert("P").save(folder / "f.png")
        for name, compression in (("g", "tiff_lzw"), ("h", "packbits"), ("i", "jpeg")):
            grey.save(folder / f"{name}.tif", compression=compression)

    return _written(write)


SUBJECTS: tuple[Subject, ...] = (
    *(Subject(name, _images(name), _read_image(name)) for name in formats.IMAGE_FORMATS if name != "dicom_slide"),
    Subject("dicom", _dicom_files, _read_dicom),
    Subject("dicom of many", _of_real(
        "dcm-qa-nih/In/20180918Si/mr_0003/epi_pe_ap-00001.dcm",
        "dcmqi-seg/data/segmentations/24x38x3/multiframe/mf.dcm",
    ), _read_dicom),
    Subject("dicom_seg", _seg_files, _read_seg),
    Subject("dicom_slide", _of_real("highdicom/data/test_files/sm_image.dcm"), _read_slide),
    Subject("pictures", _pictures, _read_image("raster")),
    Subject("archive", _archives, _read_archive),
    Subject("run lengths", lambda: [(("a.txt", b"1 3 10 5 100 20 3000 72"),)], _rle),
    *(_of_kind(kind) for kind in annotations.KINDS),
)
"""Every reader of `medshelf.formats`, and the archives."""
