"""Defects to seed: each damages a clean dataset in one way, and names what an audit must then say."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import medshelf
from medshelf.formats.boxes import Box
from medshelf.model.dataset import Erratum, Record
from tests.audit import clean
from tests.audit.clean import SHAPE, affine_of, ct_of, labels_of, save, save_picture

Damage = Callable[[Path, Record], Record | None]
"""Damages what lies at a place; returns another record where the record has to differ."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One seeded defect."""

    finds: str
    """The finding that it must lead to."""
    base: str
    """Name of the clean dataset."""
    damage: Damage
    case: str | None = None
    """The case that the finding must name, where it is of one case."""
    severity: str = "error"
    also: tuple[str, ...] = ()
    """Further findings that follow from it."""


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _first(root: Path) -> Path:
    return root / "train" / "ct_001.nii"


def _mask(root: Path) -> Path:
    return root / "train" / "seg_001.nii"


def _replaced(path: Callable[[Path], Path], array: np.ndarray, affine: np.ndarray | None = None) -> Damage:
    def damage(root: Path, _: Record) -> None:
        save(path(root), array, affine_of(1) if affine is None else affine)

    return damage


def _moved(change: Callable[[np.ndarray], np.ndarray]) -> Damage:
    """Give the mask of case 1 another affine."""
    return _replaced(_mask, labels_of(1), change(affine_of(1)))


def _times(matrix: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda affine: affine @ matrix


def _shift(*mm: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(affine: np.ndarray) -> np.ndarray:
        moved = affine.copy()
        moved[:3, 3] += mm
        return moved

    return change


def _turned(degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    matrix = np.eye(4)
    matrix[:2, :2] = ((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle)))
    return matrix


def _patched(path: Callable[[Path], Path], *patches: tuple[int, str, float]) -> Damage:
    """Overwrite numbers of a NIfTI-1 header: (offset, struct format, value)."""

    def damage(root: Path, _: Record) -> None:
        content = bytearray(path(root).read_bytes())
        for offset, kind, value in patches:
            struct.pack_into(kind, content, offset, value)
        path(root).write_bytes(content)

    return damage


QFORM_CODE, SFORM_CODE, QOFFSET_X, SROW_X = 252, 254, 268, 280
"""Offsets of fields in a NIfTI-1 header (nifti1.h)."""


def _flipped_box(root: Path, _: Record) -> None:
    mirrored = affine_of(1) @ np.diag([-1.0, 1, 1, 1])
    save(_mask(root), labels_of(1), mirrored)


def _other_order(root: Path, _: Record) -> None:
    """Store the mask in RAS, with the right affine for it."""
    from medshelf.model import geometry

    array, affine = geometry.reorient(labels_of(1), affine_of(1), "RAS")
    save(_mask(root), np.asfortranarray(array), affine)


def _sheared(root: Path, _: Record) -> None:
    sheared = affine_of(1)
    sheared[0, 1] = 0.01
    save(_first(root), ct_of(1), sheared)
    save(_mask(root), labels_of(1), sheared)


def _both(affine: np.ndarray) -> Damage:
    def damage(root: Path, _: Record) -> None:
        save(_first(root), ct_of(1), affine)
        save(_mask(root), labels_of(1), affine)

    return damage


def _lost(root: Path, _: Record) -> None:
    wide = np.zeros((512, 512, 3), np.int16, order="F")
    wide[:] = np.arange(512)[:, None, None] - 1000
    save(_first(root), wide, np.eye(4))
    mask = np.zeros(wide.shape, np.uint8, order="F")
    mask[200:300, 200:300, 1] = 1
    save(_mask(root), mask, np.eye(4))


def _no_number_affine(root: Path, record: Record) -> None:
    for path in (_first, _mask):
        _patched(path, (SROW_X, "<f", float("nan")))(root, record)


def _without_codes(root: Path, record: Record) -> None:
    for path in (_first, _mask):
        _patched(path, (QFORM_CODE, "<h", 0), (SFORM_CODE, "<h", 0))(root, record)


def _copied(source: str, target: str) -> Damage:
    def damage(root: Path, _: Record) -> None:
        shutil.copy(root / source, root / target)

    return damage


def _values(change: Callable[[np.ndarray], np.ndarray], source: Callable[[int], np.ndarray] = labels_of) -> Damage:
    """Change the values of the mask, or of the image, of case 1."""

    def damage(root: Path, _: Record) -> None:
        path = _mask(root) if source is labels_of else _first(root)
        save(path, np.asfortranarray(change(source(1))), affine_of(1))

    return damage


def _with_voxels(value: float, where: tuple[slice, ...] = (slice(1), slice(3), slice(1))) -> Callable[..., np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        changed = array.astype(np.float32) if isinstance(value, float) else array.copy()
        changed[where] = value
        return changed

    return change


def _every_mask_without(value: int) -> Damage:
    def damage(root: Path, _: Record) -> None:
        for number in range(1, 7):
            split = "train" if number < 5 else "test"
            array = labels_of(number)
            array[array == value] = 0
            save(root / split / f"seg_{number:03d}.nii", array, affine_of(number))

    return damage


def _side_by_side(root: Path, _: Record) -> None:
    save(root / "train" / "ct_001.nii.gz", ct_of(1), affine_of(1))


def _with_erratum(root: Path, made: Record) -> Record:
    return replace(made, errata=(Erratum("noise", "Case 3 is noisy.", ("list",), cases=("case_003",), action="warn"),))


def _second_grid(root: Path, _: Record) -> None:
    array = np.asfortranarray((np.arange(20 * 20 * 12) % 251).astype(np.uint8).reshape(20, 20, 12))
    save(root / "002_t2.nii", array, affine_of(2))


def _turned_image(root: Path, _: Record) -> None:
    from medshelf.model import geometry

    for path, source in ((_first, ct_of), (_mask, labels_of)):
        array, affine = geometry.reorient(source(1), affine_of(1), "RAS")
        save(path(root), np.asfortranarray(array), affine)


def _grey(root: Path, _: Record) -> None:
    mask = np.zeros((48, 64), np.uint8)
    mask[10:30, 12:40] = np.arange(28, dtype=np.uint8) + 100
    save_picture(root / "mask" / "001.png", mask)


def _coloured(root: Path, _: Record) -> None:
    mask = np.zeros((48, 64, 3), np.uint8)
    mask[10:30, 12:40] = 255
    mask[12, 12:20] = (255, 0, 0)
    save_picture(root / "mask" / "001.png", mask)


def _small_mask(root: Path, _: Record) -> None:
    save_picture(root / "mask" / "001.png", np.full((64, 48), 255, np.uint8))


def _empty_instance(root: Path, _: Record) -> None:
    save_picture(root / "001" / "masks" / "2.png", np.zeros((48, 64), np.uint8))


def _overlapping(root: Path, _: Record) -> None:
    mask = np.zeros((48, 64), np.uint8)
    mask[8:20, 8:20] = 255
    save_picture(root / "001" / "masks" / "2.png", mask)


def _boxes(*drawn: Box, size: tuple[int, int] | None = None) -> Damage:
    def damage(root: Path, _: Record) -> None:
        clean.boxes(root, 1, *drawn, size=size)

    return damage


def _odd_class(root: Path, _: Record) -> None:
    (root / "odd").mkdir()
    shutil.move(root / "high" / "001.png", root / "odd" / "001.png")


def _gap(root: Path, _: Record) -> None:
    (root / "001" / "05.dcm").unlink()


def _unread(root: Path, _: Record) -> None:
    _write(root / "low" / "002.png", b"P7\n" + bytes(64))


def _other_axes(root: Path, made: Record) -> Record:
    text = clean.PROBABILITIES.replace('kind = "probability"', 'kind = "probability"\naxes = "ijkt"')
    return clean.record(text)


def _logits(root: Path, _: Record) -> None:
    save(root / "vessel_001.nii", np.full(SHAPE, 3, np.float32, order="F"), affine_of(1))


def _large(root: Path, _: Record) -> None:
    array = medshelf.read(root / "image_003.nii").array.astype(np.float32) * 1000
    save(root / "image_003.nii", np.asfortranarray(array), affine_of(3))


def _other_type(root: Path, _: Record) -> None:
    array = medshelf.read(root / "image_003.nii").array.astype(np.uint8)
    save(root / "image_003.nii", np.asfortranarray(array), affine_of(3))


_MILLION = np.diag([1e6, 1e6, 1e6, 1.0])
_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n"
_WEB_PAGE = b"<!DOCTYPE html><html><body>504 Gateway Time-out</body></html>"

DEFECTS = (
    # files
    Defect("file.empty", "volumes", lambda root, _: _write(_first(root), b""), "case_001"),
    Defect("file.web-page", "volumes", lambda root, _: _write(_mask(root), _WEB_PAGE), "case_001"),
    Defect("file.stand-in", "volumes", lambda root, _: _write(_mask(root), _LFS_POINTER), "case_001"),
    Defect("file.stand-in", "pictures",
           lambda root, _: _write(root / "mask" / "001.png", b"\x00\x05\x16\x07" + bytes(200)), "001"),
    Defect("file.truncated", "volumes", lambda root, _: _write(_first(root), _first(root).read_bytes()[:2000]),
           "case_001"),
    Defect("file.unreadable", "volumes", lambda root, _: _write(_mask(root), b"no NIfTI at all" * 100), "case_001"),
    Defect("file.not-a-volume", "series", _gap, "001"),
    Defect("file.not-as-declared", "probabilities", _other_axes, "001"),
    Defect("file.unsupported", "pictures", _unread, "002", "warning"),
    Defect("file.shadowed", "volumes", _side_by_side, None, "warning", also=("layout.duplicate",)),
    Defect("known.defect", "volumes", _with_erratum, "case_003", "info"),
    # grids
    Defect("grid.shape", "volumes", _replaced(_mask, labels_of(1)[:, :, :-2].copy(order="F")), "case_001"),
    Defect("grid.shape", "pictures", _small_mask, "001"),
    Defect("grid.rounding", "volumes", _moved(_shift(1e-5, 0, 0)), "case_001", "info"),
    Defect("grid.lost-header", "volumes", _replaced(_mask, labels_of(1), np.eye(4)), "case_001"),
    Defect("grid.spacing", "volumes", _moved(_times(np.diag([1, 1, 0.5, 1]))), "case_001"),
    Defect("grid.origin", "volumes", _moved(_shift(3, 0, 0)), "case_001"),
    Defect("grid.orientation", "volumes", _other_order, "case_001", "warning"),
    Defect("grid.flipped", "volumes", _flipped_box, "case_001"),
    Defect("grid.direction", "volumes", _replaced(_mask, labels_of(1), _turned(5) @ affine_of(1)), "case_001"),
    # geometry
    Defect("geometry.skewed", "volumes", _sheared, "case_001", "warning"),
    Defect("geometry.degenerate", "volumes", _no_number_affine, "case_001", also=("geometry.mixed-orientations",)),
    Defect("geometry.spacing", "volumes", _both(affine_of(1) @ _MILLION), "case_001", "warning"),
    Defect("geometry.lost-header", "volumes", _lost, "case_001", "warning", also=("geometry.mixed-orientations",)),
    Defect("geometry.no-orientation", "volumes", _without_codes, "case_001", "warning",
           also=("geometry.mixed-orientations",)),
    Defect("geometry.two-places", "volumes", _patched(_first, (QOFFSET_X, "<f", 500.0)), "case_001", "warning"),
    Defect("geometry.channels-apart", "channels", _second_grid, "002", "warning"),
    Defect("geometry.mixed-orientations", "volumes", _turned_image, None, "info"),
    # labels
    Defect("label.unknown-value", "volumes", _values(_with_voxels(7)), "case_001"),
    Defect("label.fraction", "volumes", _values(_with_voxels(1.5)), "case_001"),
    Defect("label.not-probability", "probabilities", _logits, "001"),
    Defect("label.grey", "pictures", _grey, "001", "warning"),
    Defect("label.coloured", "pictures", _coloured, "001", "warning"),
    Defect("label.empty", "volumes", _values(np.zeros_like), "case_001", "warning"),
    Defect("label.empty", "instances", _empty_instance, "001", "warning"),
    Defect("label.overlap", "instances", _overlapping, "001", "warning"),
    Defect("label.never-present", "volumes", _every_mask_without(2), None, "info"),
    # intensities
    Defect("intensity.not-finite", "volumes", _values(_with_voxels(float("nan")), ct_of), "case_001",
           also=("intensity.mixed-types",)),
    Defect("intensity.constant", "volumes", _values(lambda a: np.full_like(a, 5), ct_of), "case_001"),
    Defect("intensity.hounsfield-range", "volumes", _values(_with_voxels(-9758), ct_of), "case_001", "warning"),
    Defect("intensity.hounsfield-offset", "volumes", _values(lambda a: (np.clip(a, -1000, None) + 1024), ct_of),
           "case_001", "warning"),
    Defect("intensity.not-hounsfield", "volumes", _values(lambda a: np.clip((a + 1100) // 6, 0, 255), ct_of),
           "case_001", "warning"),
    Defect("intensity.outlier", "many_volumes", _large, "003", "warning", also=("intensity.mixed-types",)),
    Defect("intensity.mixed-types", "many_volumes", _other_type, None, "info"),
    # boxes and classes
    Defect("boxes.no-area", "pictures", _boxes(Box("red", 9, 9, 9, 9)), "001"),
    Defect("boxes.outside", "pictures", _boxes(Box("red", 0, 5, 20, 70)), "001", "warning"),
    Defect("boxes.picture-size", "pictures", _boxes(Box("red", 5, 5, 9, 9), size=(640, 480)), "001", "warning"),
    Defect("boxes.unknown-class", "pictures", _boxes(Box("blue", 5, 5, 9, 9)), "001"),
    Defect("target.unknown-class", "pictures", _odd_class, "001"),
    # images that are there twice
    Defect("duplicate.image", "volumes", _copied("train/ct_001.nii", "train/ct_002.nii"), "case_001", "warning",
           also=("grid.origin",)),
    Defect("duplicate.across-splits", "volumes", _copied("train/ct_001.nii", "test/ct_005.nii"), "case_001",
           also=("grid.origin",)),
    Defect("duplicate.channel", "channels", _copied("001_t1.nii", "001_t2.nii"), "001", "warning"),
)  # fmt: skip
"""At least one for every finding of an audit."""
