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
from tests.conformance import test_formats as conformance
from tests.conformance.test_formats import MemoryBlob
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
    from medshelf.formats import dicom

    written = dicom.slice_bytes(_volume(), modality="CT", series_uid="1.2.3", patient_id="p")
    return [((f"{n}.dcm", one),) for n, one in enumerate(written)][:2]


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


ROWS = [{"id": "a1", "age": 61, "note": "größer, \"zitiert\""}, {"id": "b2", "age": 47, "note": ""}] * 4


def _tables() -> list[Files]:
    from medshelf.formats.table import write_rows

    def write(folder: Path) -> None:
        for ending in ("csv", "tsv", "xlsx", "json", "jsonl"):
            write_rows(folder / f"a.{ending}", ROWS)
        import pyarrow
        from pyarrow import parquet

        parquet.write_table(pyarrow.Table.from_pylist(ROWS), folder / "a.parquet")

    return _written(write)


def _read_table(blob: Blob) -> Any:
    from medshelf.formats.table import read_rows

    return read_rows(blob)


def _meshes() -> list[Files]:
    from medshelf.formats.mesh import Mesh, write_mesh

    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float64)
    faces = np.array([[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]])

    def write(folder: Path) -> None:
        for ending in ("stl", "obj", "ply", "vtk", "vtp"):
            write_mesh(folder / f"a.{ending}", Mesh(points, faces))

    return _written(write)


def _read_mesh(blob: Blob) -> Any:
    from medshelf.formats.mesh import read_mesh

    return read_mesh(blob)


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


VOC = b"""<annotation><filename>a.jpg</filename><size><width>64</width><height>48</height><depth>3</depth></size>
<object><name>RBC</name><difficult>0</difficult><bndbox><xmin>3</xmin><ymin>4</ymin><xmax>20</xmax><ymax>30</ymax>
</bndbox></object></annotation>"""
COCO = (
    b'{"images": [{"id": 1, "file_name": "a.jpg", "width": 64, "height": 48}],'
    b' "categories": [{"id": 7, "name": "rbc"}],'
    b' "annotations": [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [3, 4, 10, 12], "area": 120, "iscrowd": 0}]}'
)
APERIO = b"""<?xml version="1.0" encoding="UTF-8"?><Annotations MicronsPerPixel="0.25"><Annotation Id="1" Name="Benign">
<Regions><Region Id="1" Text="Benign"><Vertices><Vertex X="1" Y="2"/><Vertex X="30" Y="2"/><Vertex X="30" Y="40"/>
</Vertices></Region></Regions></Annotation></Annotations>"""


def _text_subject(name: str, data: bytes, read: Callable[[Blob], Any]) -> Subject:
    return Subject(name, lambda: [((f"a.{name.rpartition('.')[2]}", data),)], read)


def _boxes(blob: Blob) -> Any:
    from medshelf.formats import boxes

    return boxes.read_voc(blob).to_edges()


def _coco(blob: Blob) -> Any:
    from medshelf.formats import coco

    return coco.read_coco(blob)


def _contours(blob: Blob) -> Any:
    from medshelf.formats import contours

    return contours.read_contours(blob)


def _keyval(blob: Blob) -> Any:
    from medshelf.formats import keyval

    return keyval.read_keyval(blob)


def _rle(blob: Blob) -> Any:
    from medshelf.formats import rle, text

    return rle.decode_rle(text.read_text(blob), (48, 64))


SUBJECTS: tuple[Subject, ...] = (
    *(Subject(name, _images(name), _read_image(name)) for name in formats.IMAGE_FORMATS),
    Subject("dicom", _dicom_files, _read_dicom),
    Subject("dicom_seg", _seg_files, _read_seg),
    Subject("table", _tables, _read_table),
    Subject("mesh", _meshes, _read_mesh),
    Subject("archive", _archives, _read_archive),
    _text_subject("voc.xml", VOC, _boxes),
    _text_subject("coco.json", COCO, _coco),
    _text_subject("contours.xml", APERIO, _contours),
    _text_subject("keyval.cfg", b"ED: 1\nES: 12\nGroup: DCM\nWeight: 61.5\n", _keyval),
    _text_subject("rle.txt", b"1 3 10 5 100 20 3000 72", _rle),
)
