"""The checks of `medshelf audit`: plain functions, listed here.

Three kinds, by what they are given:

* ``NAME_CHECKS`` get the opened dataset, and read no file of a case;
* ``CASE_CHECKS`` get the `Reading` of one case, in whatever process read it;
* ``SET_CHECKS`` get the `CaseFacts` of all cases.

Each yields findings without a dataset, and says beforehand under which names. A new check is a function, a line
here, and a seeded defect in ``tests/audit/defects.py``, without which the tests fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from medshelf.audit.checks import (
    boxes,
    duplicates,
    files,
    geometry,
    grids,
    intensity,
    labels,
    names,
    targets,
)  # fmt: skip
from medshelf.audit.facts import CaseFacts
from medshelf.audit.reading import Reading
from medshelf.model.finding import Finding
from medshelf.samples.dataset import Dataset


@dataclass(frozen=True, slots=True)
class NameCheck:
    """A check of names and record."""

    run: Callable[[Dataset], Iterator[Finding]]
    finds: Mapping[str, str]
    """What its findings are called, and what each means."""


@dataclass(frozen=True, slots=True)
class CaseCheck:
    """A check of one case."""

    run: Callable[[Reading], Iterator[Finding]]
    finds: Mapping[str, str]
    """What its findings are called, and what each means."""


@dataclass(frozen=True, slots=True)
class SetCheck:
    """A check that compares cases."""

    run: Callable[[Sequence[CaseFacts]], Iterator[Finding]]
    finds: Mapping[str, str]
    """What its findings are called, and what each means."""


NAME_CHECKS = (
    NameCheck(names.shadowed_files, {"file.shadowed": "x.nii lies beside x.nii.gz, which ITK can't open then"}),
    NameCheck(names.known_defects, {"known.defect": "the record's errata speak of something that is here"}),
)

CASE_CHECKS = (
    CaseCheck(files.refused, {
        "file.empty": "the file has no bytes",
        "file.web-page": "a web page was saved under the name of a file",
        "file.stand-in": "a pointer or a resource file lies where the data should be",
        "file.truncated": "the file ends before its data does",
        "file.unreadable": "the bytes are not what their name or header says",
        "file.not-a-volume": "DICOM slices that must not be stacked into a volume",
        "file.not-as-declared": "the file is sound, and not what the record says",
        "file.unsupported": "a kind of file that no reader covers yet",
    }),
    CaseCheck(grids.masks_off_grid, {
        "grid.shape": "mask and image differ in their number of voxels",
        "grid.rounding": "mask and image differ by rounding, which ITK's filters refuse",
        "grid.lost-header": "the header of the mask, or of the image, holds the identity",
        "grid.spacing": "mask and image differ in spacing",
        "grid.origin": "the mask lies beside its image",
        "grid.orientation": "mask and image are stored in different orders of voxels, at the same place",
        "grid.flipped": "the mask is mirrored against its image",
        "grid.direction": "the mask is turned against its image",
    }),
    CaseCheck(geometry.skewed_axes, {"geometry.skewed": "the axes are not at right angles: ITK refuses the file"}),
    CaseCheck(geometry.odd_spacing, {
        "geometry.degenerate": "the affine holds no numbers, a spacing of 0, or parallel axes",
        "geometry.spacing": "a spacing below 0.1 µm or above 50 mm",
    }),
    CaseCheck(geometry.lost_header, {
        "geometry.lost-header": "large slices with a spacing of exactly 1 mm in all directions",
    }),
    CaseCheck(geometry.unplaced, {"geometry.no-orientation": "neither sform nor qform is set"}),
    CaseCheck(geometry.two_affines, {"geometry.two-places": "sform and qform disagree"}),
    CaseCheck(labels.unknown_values, {"label.unknown-value": "values that the label map does not hold"}),
    CaseCheck(labels.fractions, {
        "label.fraction": "a mask of whole numbers holds others",
        "label.not-probability": "a probability below 0 or above 1",
    }),
    CaseCheck(labels.greys, {"label.grey": "a mask of yes and no has values in between"}),
    CaseCheck(labels.coloured, {"label.coloured": "a mask of single values has coloured pixels"}),
    CaseCheck(labels.empty, {"label.empty": "nothing is marked in a mask"}),
    CaseCheck(labels.overlapping_instances, {"label.overlap": "pixels lie in several instances"}),
    CaseCheck(intensity.not_finite, {"intensity.not-finite": "voxels that are no number or infinite"}),
    CaseCheck(intensity.constant, {"intensity.constant": "all voxels of an image are alike"}),
    CaseCheck(intensity.hounsfield, {
        "intensity.hounsfield-range": "a CT below -4096 or above 32767",
        "intensity.hounsfield-offset": "a CT in Hounsfield units plus 1024",
        "intensity.not-hounsfield": "a CT from 0 to at most 255",
    }),
    CaseCheck(boxes.faulty_boxes, {
        "boxes.no-area": "boxes without area, or inside out",
        "boxes.outside": "boxes that reach beyond their picture",
        "boxes.picture-size": "boxes drawn on a picture of another size",
    }),
    CaseCheck(boxes.unknown_classes, {"boxes.unknown-class": "boxes of a class that the record does not know"}),
    CaseCheck(targets.undeclared_classes, {"target.unknown-class": "a case of a class that the record does not know"}),
)  # fmt: skip

SET_CHECKS = (
    SetCheck(duplicates.repeated_images, {
        "duplicate.image": "several cases have one image, voxel by voxel",
        "duplicate.across-splits": "the same, and they are in different splits",
    }),
    SetCheck(duplicates.repeated_channels, {"duplicate.channel": "two channels of a case are one image"}),
    SetCheck(geometry.channels_apart, {"geometry.channels-apart": "channels of a case lie on different grids"}),
    SetCheck(geometry.mixed_orientations, {"geometry.mixed-orientations": "cases are stored in several orientations"}),
    SetCheck(intensity.outliers, {"intensity.outlier": "values that span 30 times as much, or as little, as usual"}),
    SetCheck(intensity.mixed_types, {"intensity.mixed-types": "images of a channel are stored in several types"}),
    SetCheck(labels.never_present, {"label.never-present": "a declared structure occurs in no case"}),
)  # fmt: skip


OF_CHECK = {
    "access.unreadable": "an archive or a folder can't be looked into",
    "layout.ambiguous": "a name fits several kinds of file",
    "layout.elsewhere": "images that another dataset holds are not here",
    "layout.count": "the whole release has another number of cases or files",
    "layout.duplicate": "several files where a case has one",
    "layout.extra": "a file that the layout does not know",
    "layout.incomplete": "a case lacks some of a set of files",
    "layout.missing": "a file that should be there is not",
    "layout.nothing-matched": "no name fits the layout",
    "layout.orphan": "a file that belongs to no case",
    "layout.repeated-id": "several cases have one name",
    "table.column": "a table lacks the column that joins it to the cases",
    "table.file-without-row": "cases without a row in a table",
    "table.row-without-file": "rows of a table without a case",
    "table.unreadable": "a table can't be read",
}
"""What `medshelf check` finds, which is part of every audit."""


def catalogue_of_checks() -> dict[str, str]:
    """Return what each finding of an audit means, by its name."""
    ours = {name: what for check in (*NAME_CHECKS, *CASE_CHECKS, *SET_CHECKS) for name, what in check.finds.items()}
    return {**OF_CHECK, "case.unreadable": "a case can't be read at all", **ours}
