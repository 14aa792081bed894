"""Every oddity of the survey has a test."""

from __future__ import annotations

import re
from pathlib import Path

ODDITIES = {
    1: "frames in time whose numbers stand in a small file",
    2: "images and masks in time whose frames stand in a table",
    3: "DICOM with masks as pictures: reversed, in bands, one mask for two images",
    4: "archives inside the folders of the cases; structures differ by case",
    5: "contours by instance, of readers who do not know of each other",
    6: "scans of odd size, scans with slices that nobody labelled",
    7: "segments found by their labels, on a part of the image, overlapping",
    8: "several parts of a release, ids of several kinds, JSON whose first element is no point",
    9: "label values beyond eight bits",
    10: "values whose meaning changes by year, and nested regions",
    11: "spheres in world coordinates, folds as folders or archives",
    12: "a modality that only the number tells",
    13: "masks whose header is wrong although their voxels are right",
    14: "direction cosines that are not orthonormal",
    15: "masks stored in another order of axes than their image",
    16: "headers with wrong geometry, orientations of every kind",
    17: "arrays without any affine",
    18: "intensities with an offset, in a part of a release",
    19: "a mask on the grid of one of several images",
    20: "a trailing axis of length one",
    21: "masks in several parts",
    22: "several readers",
    23: "masks in colour and masks saved as JPEG",
    24: "run lengths in a table, size and spacing in file names",
    25: "a mask file for each structure, of which some are not there",
    26: "a class in the file name, a class in a paper",
    27: "class folders that differ by split",
    28: "ids that begin anew in each split, two eyes of one patient",
    29: "images that another dataset holds",
    30: "scans that several datasets share",
    31: "folders wrapped in folders of the same name",
    32: "packaging: part archives, passwords, twins of macOS",
    33: "tables with odd separators, encodings, headers and numbers",
    34: "containers that must not be trusted",
    35: "values that nobody declared; instances whose class a table tells",
    36: "capital letters and typos",
}


def test_every_oddity_has_a_test() -> None:
    written = "\n".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    found = {int(number) for number in re.findall(r"^def test_(\d\d)_", written, re.MULTILINE)}
    assert found == set(ODDITIES)
