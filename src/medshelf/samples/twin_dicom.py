"""Write what a twin holds in DICOM beside images: structure sets, points on slides, measurement reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from medshelf.layout.invent import invent
from medshelf.layout.twin import TwinFile
from medshelf.model.geometry import lps_to_ras
from medshelf.model.layout import Layout, Slot
from medshelf.samples import phantom


def write_regions(
    layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path], shape: tuple[int, ...]
) -> None:
    """Write a structure set on the grid of the phantom of its case.

    Parameters
    ----------
    layout, slot, group, paths
        As other writers of twins take them.
    shape : tuple of int
        Voxels (I, J, K) of the image.
    """
    from medshelf.formats.rtstruct import Contour, Roi, write_rtstruct

    names = [
        invent("name", key, 0) if key.startswith("~") else key
        for key in layout.labels.get(slot.labels or "", {slot.label or "ROI-1": ""})
    ]
    for file, path in zip(group, paths, strict=True):
        lps = lps_to_ras(phantom.affine_ras(file.number))
        rois = [
            Roi(number, name, tuple(Contour(box @ lps[:3, :3].T + lps[:3, 3]) for box in _boxes(shape, number - 1)))
            for number, name in enumerate(names, start=1)
        ]
        write_rtstruct(path, rois, patient_id=f"twin{file.number + 1:03d}")


def _boxes(shape: tuple[int, ...], number: int) -> Iterator[np.ndarray]:
    """Outline, in voxels, of a label's cube in each of its slices."""
    cells = phantom.cells(shape)
    across, down, through = cells[number % len(cells)]
    left, right, top, bottom = across.start - 0.5, across.stop - 0.5, down.start - 0.5, down.stop - 0.5
    for k in range(through.start, through.stop):
        yield np.array([(left, top, k), (right, top, k), (right, bottom, k), (left, bottom, k)])


def write_annotations(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    """Write bulk annotations: for each label a group of three points."""
    from medshelf.formats import dicom_ann

    names = list(layout.labels.get(slot.labels or "", {})) or ["cell"]
    groups = [
        dicom_ann.AnnotationGroup(n, name, "POINT", tuple(np.array([[3.5 + k, 2.5 + n]]) for k in range(3)))
        for n, name in enumerate(names, start=1)
    ]
    for file, path in zip(group, paths, strict=True):
        dicom_ann.write_annotations(path, groups, patient_id=f"twin{file.number + 1:03d}")


def write_report(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    """Write a measurement report: one length."""
    from medshelf.formats import dicom_sr
    from medshelf.formats.dicom.codes import Code

    length, unit = Code("410668003", "SCT", "Length"), Code("mm", "UCUM", "millimeter")
    for file, path in zip(group, paths, strict=True):
        one = dicom_sr.MeasurementGroup("1", measurements=(dicom_sr.Measurement(length, 10.0 + file.number, unit),))
        dicom_sr.write_report(path, [one], patient_id=f"twin{file.number + 1:03d}")
