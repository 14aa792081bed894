"""Structure sets and masks of their contours: against shapely and scikit-image, and against shapes that are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import shapely
from skimage.draw import polygon2mask
from skimage.measure import points_in_poly

from medshelf.errors import AccessError, FormatError, NotFound, Unsupported
from medshelf.formats.dicom import read_series_header
from medshelf.formats.dicom.with_pydicom import LIMIT_BYTES
from medshelf.formats.rtstruct import Contour, Roi, mask, read_rtstruct, write_rtstruct
from medshelf.formats.rtstruct.scanline import fill
from medshelf.model.blob import LocalFile
from medshelf.model.geometry import lps_to_ras

BREAST = "rtstruct-breast/tests/testdata/example_data"
MOCK = "rtstruct-ct/tests/mock_data"


def local(path: Path | str) -> LocalFile:
    return LocalFile(Path(path))


def breast_grid() -> tuple[tuple[int, int, int], np.ndarray]:
    """The grid of the series that the contours were drawn on: one slice of it is there, the others are told by z."""
    affine = np.diag([-1.074219, -1.074219, 3.0, 1.0])
    affine[:3, 3] = (275, 524, -122.44)
    return (512, 512, 98), affine


# real files


def test_what_is_drawn_is_what_pydicom_finds(shared_data: Path) -> None:
    path = shared_data / BREAST / "rtss.dcm"
    found, wanted = read_rtstruct(local(path)), pydicom.dcmread(path)
    drawn = {int(item.ReferencedROINumber): item for item in wanted.ROIContourSequence}
    assert [(roi.number, roi.name) for roi in found] == [
        (int(item.ROINumber), item.ROIName) for item in wanted.StructureSetROISequence
    ]
    for roi in found:
        item = drawn[roi.number]
        assert roi.colour == tuple(int(n) for n in item.ROIDisplayColor)
        others = item.get("ContourSequence") or []
        assert len(roi.contours) == len(others)
        for contour, other in zip(roi.contours, others, strict=True):
            assert contour.kind == other.ContourGeometricType
            assert contour.image_uids == (other.ContourImageSequence[0].ReferencedSOPInstanceUID,)
            np.testing.assert_array_equal(contour.points_lps_mm.ravel(), np.array(other.ContourData, np.float64))
    assert [roi.type for roi in found][:5] == ["EXTERNAL", "AVOIDANCE", "CTV", "GTV", "ORGAN"]
    assert found.roi("Heart").label == "Heart"
    assert (len(found.series_uids), len(found.image_uids), len(found)) == (1, 98, 10)
    assert found.frame_of_reference_uids == (found.rois[0].frame_of_reference_uid,)
    with pytest.raises(NotFound, match="no region called 'heart'.*'Heart'"):
        found.roi("heart")


def pieces(roi: Roi, affine: np.ndarray) -> dict[int, list[np.ndarray]]:
    """Outlines in voxels by slice, worked out for an upright grid."""
    found: dict[int, list[np.ndarray]] = {}
    for contour in roi.contours:
        points = (contour.points_lps_mm - lps_to_ras(affine)[:3, 3]) / np.diag(lps_to_ras(affine))[:3]
        found.setdefault(round(float(points[0, 2])), []).append(points[:, :2])
    return found


def shape_of(outlines: list[np.ndarray]) -> Any:
    area = shapely.Polygon()
    for outline in outlines:
        area = area.symmetric_difference(shapely.make_valid(shapely.Polygon(outline)))
    return area


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


LEAST_DICE = {"BODY": 0.999, "Breast": 0.995, "Heart": 0.998, "Lt Lung": 0.998, "Tumor Bed Block": 0.99}
"""Against polygon2mask of scikit-image, whose rule for centres near an edge is its own; small regions get 0.95."""
AREA_TOLERANCE = {"BODY": 0.001, "Heart": 0.001, "Lt Lung": 0.001, "Breast": 0.003, "Tumor Bed Block": 0.003}
"""Part by which the area of the voxels may differ from that of the polygons; 0.03 for small regions."""


def test_masks_of_a_real_structure_set(shared_data: Path) -> None:
    """Off the edges every voxel is as shapely says; Dice with scikit-image and area are as stated."""
    shape, affine = breast_grid()
    compared = 0
    for roi in read_rtstruct(local(shared_data / BREAST / "rtss.dcm")):
        if not roi.contours:
            with pytest.raises(NotFound, match="region 2 \\(Areola\\): nothing is drawn"):
                mask(roi, shape, affine)
            continue
        ours = mask(roi, shape, affine).array.astype(bool)
        theirs = np.zeros(shape, bool)
        area = 0.0
        for k, outlines in pieces(roi, affine).items():
            for outline in outlines:
                theirs[:, :, k] ^= polygon2mask(shape[:2], outline)
            polygon = shape_of(outlines)
            area += polygon.area
            low, high = (np.array(polygon.bounds).reshape(2, 2) + [[-2], [2]]).astype(int)
            i, j = np.mgrid[low[0] : high[0], low[1] : high[1]]
            inside = shapely.contains_xy(polygon, i, j)
            assert ours[:, :, k].sum() == ours[low[0] : high[0], low[1] : high[1], k].sum()
            for a, b in np.argwhere(inside != ours[low[0] : high[0], low[1] : high[1], k]):
                assert polygon.boundary.distance(shapely.Point(i[a, b], j[a, b])) < 1e-3, roi.name
        assert dice(ours, theirs) >= LEAST_DICE.get(roi.name, 0.95), roi.name
        assert ours.sum() == pytest.approx(area, rel=AREA_TOLERANCE.get(roi.name, 0.03)), roi.name
        compared += 1
    assert compared == 9


def test_the_one_slice_that_is_there(shared_data: Path) -> None:
    header = read_series_header([local(shared_data / BREAST / "ct.0.dcm")], least_slices=1)
    assert header.affine is not None
    found = read_rtstruct(local(shared_data / BREAST / "rtss.dcm"))
    uid = header.meta["frame_of_reference_uid"]
    body = mask(found.roi("BODY"), header.shape, header.affine, frame_of_reference_uid=uid)
    whole = mask(found.roi("BODY"), *breast_grid())
    np.testing.assert_array_equal(body.array[:, :, 0], whole.array[:, :, 97])
    here = sum(abs(contour.points_lps_mm[0, 2] - 168.56) < 1e-6 for contour in found.roi("BODY").contours)
    assert (body.meta["drawn"], body.meta["off_grid"]) == (here, 141 - here) == (4, 137)
    with pytest.raises(FormatError, match=r"Heart.*off the grid.*k -89.0 to -57.0 on a grid of 512 x 512 x 1"):
        mask(found.roi("Heart"), header.shape, header.affine)


@pytest.mark.parametrize("name", ["invalid_reference_rt", "non_existent_reference_rt"])
def test_references_to_images_that_are_not_there_do_not_matter(shared_data: Path, name: str) -> None:
    folder = shared_data / MOCK
    header = read_series_header([local(folder / f"ct_{n}.dcm") for n in (1, 2)], least_slices=1)
    found = read_rtstruct(local(folder / f"{name}.dcm"))
    assert [len(roi.contours) for roi in found] == [3, 3, 3, 3]
    instances = {pydicom.dcmread(folder / f"ct_{n}.dcm").SOPInstanceUID for n in (1, 2)}
    assert not {uid for roi in found for contour in roi.contours for uid in contour.image_uids} <= instances
    assert header.affine is not None
    for roi in found:
        ours = mask(roi, header.shape, header.affine, frame_of_reference_uid=header.meta["frame_of_reference_uid"])
        assert (ours.meta["drawn"], ours.meta["off_grid"], ours.meta["gaps"]) == (2, 1, ())
        theirs = np.zeros(ours.shape, bool)
        for k, outlines in pieces(roi, header.affine).items():
            if k < 2:
                theirs[:, :, k] = polygon2mask(ours.shape[:2], outlines[0])
        assert dice(ours.array.astype(bool), theirs) > 0.995


def test_another_frame_of_reference_is_refused(shared_data: Path) -> None:
    folder = shared_data / MOCK
    header = read_series_header([local(folder / f"ct_{n}.dcm") for n in (1, 2)], least_slices=1)
    roi = read_rtstruct(local(folder / "rt.dcm")).roi("ROI-1")
    assert header.affine is not None
    with pytest.raises(Unsupported, match=r"ROI-1.*another frame of reference.*1\.2\.826.*image 1\.2\.840"):
        mask(roi, header.shape, header.affine, frame_of_reference_uid=header.meta["frame_of_reference_uid"])
    assert mask(roi, header.shape, header.affine).array.any()


def test_other_objects_are_refused(shared_data: Path) -> None:
    for path, modality in ((f"{BREAST}/rtplan.dcm", "RTPLAN"), (f"{BREAST}/ct.0.dcm", "CT")):
        with pytest.raises(Unsupported, match=f"no structure set.*modality {modality}"):
            read_rtstruct(local(shared_data / path))


# shapes that are known

SHAPE = (40, 36, 30)
STEP = np.array([1.0, 1.2, 2.0])


def grid(kind: str) -> np.ndarray:
    """An affine to RAS+ mm, whose centre of the grid is at a fixed place."""
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0] if kind != "upright" else np.eye(3)
    axes = turn * STEP
    if kind == "flipped":
        axes[:, 2] *= -1
    if kind == "sheared":
        axes[:, 2] += 0.4 * axes[:, 0]
    affine = np.eye(4)
    affine[:3, :3] = axes
    affine[:3, 3] = np.array([11.0, -7.0, 40.0]) - axes @ (np.array(SHAPE) - 1) / 2
    return affine


def in_mm(affine: np.ndarray, voxels: Any) -> np.ndarray:
    """Voxel coordinates to LPS+ mm."""
    lps = lps_to_ras(affine)
    return np.asarray(voxels, np.float64) @ lps[:3, :3].T + lps[:3, 3]


def flat(affine: np.ndarray, outline: Any, k: float, kind: str = "CLOSED_PLANAR") -> Contour:
    """A contour in the plane of slice k, its vertices in voxels."""
    points = np.asarray(outline, np.float64)
    return Contour(in_mm(affine, np.column_stack([points, np.full(len(points), k)])), kind)


def roi(*contours: Contour, name: str = "x", **more: Any) -> Roi:
    return Roi(1, name, contours, **more)


def ellipsoid(affine: np.ndarray, semi_axes: Any, turn: np.ndarray, n_points: int = 360) -> Roi:
    """Sections of an ellipsoid about the centre of the grid with the planes of all slices, each in closed form.

    With x = centre + origin + a u + b v in plane k, |M x| <= 1 is an ellipse in (u, v), found from its matrix.
    """
    lps = lps_to_ras(affine)
    centre = in_mm(affine, (np.array(SHAPE) - 1) / 2)
    shrink = (turn / np.asarray(semi_axes)).T
    contours = []
    for k in range(SHAPE[2]):
        plane = shrink @ lps[:3, :2]
        start = shrink @ (in_mm(affine, [0, 0, k]) - centre)
        matrix, linear = plane.T @ plane, plane.T @ start
        middle = -np.linalg.solve(matrix, linear)
        left = 1 - start @ start + linear @ np.linalg.solve(matrix, linear)
        if left <= 0:
            continue
        angles = np.linspace(0, 2 * np.pi, n_points, endpoint=False)
        circle = np.stack([np.cos(angles), np.sin(angles)]) * np.sqrt(left)
        outline = middle[:, None] + np.linalg.solve(np.linalg.cholesky(matrix).T, circle)
        contours.append(flat(affine, outline.T, k))
    return roi(*contours)


@pytest.mark.parametrize("kind", ["upright", "oblique", "flipped", "sheared"])
def test_an_ellipsoid_fills_its_volume(kind: str) -> None:
    """The volume is that of the formula to 1 part in 100, and every voxel off the surface is on its right side."""
    affine = grid(kind)
    semi_axes, turn = np.array([14.0, 17.0, 21.0]), np.linalg.qr(np.random.default_rng(8).normal(size=(3, 3)))[0]
    found = mask(ellipsoid(affine, semi_axes, turn), SHAPE, affine)
    volume = found.array.sum() * abs(np.linalg.det(affine[:3, :3]))
    assert volume == pytest.approx(4 / 3 * np.pi * semi_axes.prod(), rel=0.01)
    voxels = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), -1).reshape(-1, 3)
    away = in_mm(affine, voxels) - in_mm(affine, (np.array(SHAPE) - 1) / 2)
    radius = np.linalg.norm(away @ (turn / semi_axes), axis=1).reshape(SHAPE)
    clear = np.abs(radius - 1) > 2e-4  # a polygon of 360 sides lies that near to its ellipse
    np.testing.assert_array_equal((found.array != 0)[clear], (radius < 1)[clear])
    assert clear.mean() > 0.999
    assert (found.meta["gaps"], found.meta["off_grid"], found.axes) == ((), 0, "ijk")
    assert found.spacing_mm == pytest.approx(np.linalg.norm(affine[:3, :3], axis=0))


SQUARE = [(5, 5), (25, 5), (25, 25), (5, 25)]
INNER = [(10, 10), (20, 10), (20, 20), (10, 20)]
KEYHOLE = [*SQUARE, (5, 15), (10, 15), (10, 20), (20, 20), (20, 10), (10, 10), (10, 15), (5, 15)]


@pytest.mark.parametrize("kind", ["upright", "oblique"])
@pytest.mark.parametrize(
    "outlines",
    [
        [(SQUARE, "CLOSEDPLANAR_XOR"), (INNER, "CLOSEDPLANAR_XOR")],
        [(SQUARE, "CLOSED_PLANAR"), (INNER, "CLOSED_PLANAR")],
        [(INNER[::-1], "CLOSED_PLANAR"), (SQUARE, "CLOSED_PLANAR")],
        [(KEYHOLE, "CLOSED_PLANAR")],
    ],
    ids=["xor", "second contour", "turned round", "keyhole"],
)
def test_holes(kind: str, outlines: list[tuple[Any, str]]) -> None:
    affine = grid(kind)
    found = mask(roi(*(flat(affine, outline, 4, name) for outline, name in outlines)), SHAPE, affine)
    ring = shapely.Polygon(SQUARE, [INNER])
    i, j = np.mgrid[: SHAPE[0], : SHAPE[1]]
    wanted = shapely.contains_xy(ring, i + 1e-6, j + 1e-6)  # a centre on an edge belongs to the greater side
    np.testing.assert_array_equal(found.array[:, :, 4] != 0, wanted)
    assert found.array.sum() == 20 * 20 - 10 * 10


def test_an_island_in_a_hole() -> None:
    affine = grid("oblique")
    island = [(13, 13), (16, 13), (16, 16), (13, 16)]
    found = mask(roi(*(flat(affine, outline, 0) for outline in (SQUARE, INNER, island))), SHAPE, affine)
    assert found.array.sum() == 400 - 100 + 9


def test_gaps_of_slices_stay_gaps_and_are_told() -> None:
    affine = grid("oblique")
    found = mask(roi(*(flat(affine, SQUARE, k) for k in (3, 4, 9, 11))), SHAPE, affine)
    assert found.meta["gaps"] == (5, 6, 7, 8, 10)
    assert np.flatnonzero(found.array.any(axis=(0, 1))).tolist() == [3, 4, 9, 11]


def test_regions_that_overlap_are_kept_apart(tmp_path: Path) -> None:
    affine = grid("upright")
    both = [Roi(n, name, (flat(affine, outline, 2),)) for n, name, outline in ((1, "a", SQUARE), (2, "b", INNER))]
    write_rtstruct(tmp_path / "rt.dcm", both, patient_id="p")
    first, second = (mask(one, SHAPE, affine).array for one in read_rtstruct(local(tmp_path / "rt.dcm")))
    assert (first.sum(), second.sum(), (first & second).sum()) == (400, 100, 100)


def test_points_and_open_contours_are_kept_and_not_filled() -> None:
    affine = grid("oblique")
    open_ones = [flat(affine, SQUARE, 3, kind) for kind in ("POINT", "OPEN_PLANAR", "OPEN_NONPLANAR", "POINT")]
    found = mask(roi(flat(affine, INNER, 2), *open_ones), SHAPE, affine)
    assert found.meta["not_filled"] == {"POINT": 2, "OPEN_PLANAR": 1, "OPEN_NONPLANAR": 1}
    assert np.flatnonzero(found.array.any(axis=(0, 1))).tolist() == [2]
    with pytest.raises(Unsupported, match=r"no closed contour.*'POINT': 2"):
        mask(roi(*open_ones), SHAPE, affine)


def test_planes_between_slices_go_to_the_nearest() -> None:
    """Contours finer than the slices must not be combined by exclusive or into rings."""
    affine = grid("oblique")
    larger, smaller = [(4, 4), (26, 4), (26, 26), (4, 26)], INNER
    found = mask(roi(flat(affine, larger, 5.4), flat(affine, SQUARE, 5.1), flat(affine, smaller, 4.6)), SHAPE, affine)
    assert found.array[:, :, 5].sum() == found.array.sum() == 400
    assert (found.meta["drawn"], found.meta["between_slices"]) == (1, 2)
    edges = mask(roi(flat(affine, SQUARE, -0.5), flat(affine, SQUARE, SHAPE[2] - 0.51)), SHAPE, affine)
    assert np.flatnonzero(edges.array.any(axis=(0, 1))).tolist() == [0, SHAPE[2] - 1]


def test_a_contour_that_is_there_twice_is_drawn_once() -> None:
    affine = grid("oblique")
    found = mask(roi(flat(affine, SQUARE, 5), flat(affine, SQUARE, 5)), SHAPE, affine)
    assert (found.array.sum(), found.meta["duplicates"], found.meta["drawn"]) == (400, 1, 1)


def test_what_lies_off_the_grid_is_told() -> None:
    affine = grid("oblique")
    over = [(30, 30), (60, 30), (60, 60), (30, 60)]
    beside = [(60, 5), (70, 5), (70, 9)]
    found = mask(
        roi(flat(affine, over, 5), flat(affine, beside, 5), flat(affine, SQUARE, -0.6), flat(affine, SQUARE, 29.6)),
        SHAPE,
        affine,
    )
    assert (found.meta["off_grid"], found.meta["cut"], found.array.sum()) == (3, 1, 10 * 6)
    with pytest.raises(FormatError, match=r"off the grid.*i 60.0 to 70.0, j 5.0 to 9.0, k 5.0 to 5.0"):
        mask(roi(flat(affine, beside, 5)), SHAPE, affine)


def test_a_contour_between_voxel_centres_is_told() -> None:
    affine = grid("oblique")
    tiny = [(5.2, 5.2), (5.8, 5.2), (5.5, 5.8)]
    found = mask(roi(flat(affine, tiny, 5), flat(affine, SQUARE, 6), flat(affine, [(3, 3)], 7)), SHAPE, affine)
    assert found.meta["without_voxel"] == (5, 7)


@pytest.mark.parametrize("lean", [0.3, 5])
def test_contours_across_the_slices_are_refused(lean: float) -> None:
    affine = grid("oblique")
    points = in_mm(affine, [(5, 5, 8), (25, 5, 8 + lean), (25, 25, 8)])
    with pytest.raises(Unsupported, match=f"not parallel.*from slice 8.00 to {8 + lean:.2f}"):
        mask(roi(Contour(points)), SHAPE, affine)
    assert mask(roi(Contour(in_mm(affine, [(5, 5, 8), (25, 5, 8.2), (25, 25, 8)]))), SHAPE, affine).array.any()


def test_shapes_that_share_an_edge_share_no_voxel() -> None:
    corners = [(3, 4), (17, 9), (28, 30), (7, 26)]
    middle = (12, 17)
    sides = zip(corners, corners[1:] + corners[:1], strict=True)
    parts = [fill([np.array([a, b, middle])], (40, 36)) for a, b in sides]
    np.testing.assert_array_equal(sum(part.astype(int) for part in parts), fill([np.array(corners)], (40, 36)))


@pytest.mark.parametrize("seed", range(30))
def test_any_polygon_is_filled_by_the_even_odd_rule(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Points in general position, so that none is on an edge: crossing itself, leaving the grid, in parts."""
    monkeypatch.setattr("medshelf.formats.rtstruct.scanline._AT_ONCE", 1 + 7 * seed)
    rng = np.random.default_rng(seed)
    outlines = [rng.uniform(-8, 38, (rng.integers(3, 12), 2)) for _ in range(rng.integers(1, 4))]
    i, j = np.mgrid[:30, :25]
    wanted = np.zeros((30, 25), bool)
    for outline in outlines:
        wanted ^= points_in_poly(np.column_stack([i.ravel(), j.ravel()]), outline).reshape(30, 25)
    np.testing.assert_array_equal(fill(outlines, (30, 25)), wanted)


def test_a_grid_that_is_none_is_a_mistake_of_the_caller() -> None:
    affine = grid("oblique")
    one = roi(flat(affine, SQUARE, 5))
    for shape, wrong in (((40, 36), affine), ((40, 36, 0), affine), (SHAPE, np.zeros((4, 4)))):
        with pytest.raises(ValueError):
            mask(one, shape, wrong)


# written files


def made(folder: Path, **more: Any) -> Path:
    affine = grid("oblique")
    lung = (flat(affine, SQUARE, 3), flat(affine, INNER, 3, "CLOSEDPLANAR_XOR"))
    point = (flat(affine, [(1, 1)], 3, "POINT"),)
    rois = [
        Roi(3, "Lung_L", lung, type="ORGAN", label="l"),
        Roi(7, "marker", point, colour=(255, 0, 7), algorithm="MANUAL", description="d"),
        Roi(8, "nobody drew it", (), "1.2.3"),
    ]
    write_rtstruct(folder / "rt.dcm", rois, patient_id="p", **more)
    return folder / "rt.dcm"


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = made(tmp_path, frame_of_reference_uid="1.2.9", source_series_uid="1.2.4", source_uids=["1.2.5", "1.2.6"])
    found = read_rtstruct(local(path))
    assert [(one.number, one.name, len(one.contours)) for one in found] == [
        (3, "Lung_L", 2), (7, "marker", 1), (8, "nobody drew it", 0),
    ]  # fmt: skip
    lung, marker, nobody = found
    assert (lung.type, lung.label, lung.frame_of_reference_uid, lung.colour) == ("ORGAN", "l", "1.2.9", None)
    assert (marker.colour, marker.algorithm, marker.description) == ((255, 0, 7), "MANUAL", "d")
    assert (nobody.frame_of_reference_uid, nobody.type) == ("1.2.3", None)
    assert [contour.kind for contour in lung.contours] == ["CLOSED_PLANAR", "CLOSEDPLANAR_XOR"]
    np.testing.assert_allclose(
        lung.contours[1].points_lps_mm, flat(grid("oblique"), INNER, 3).points_lps_mm, atol=1e-9
    )
    assert (found.series_uids, found.image_uids) == (("1.2.4",), ("1.2.5", "1.2.6"))
    assert found.frame_of_reference_uids == ("1.2.9",)
    assert mask(lung, SHAPE, grid("oblique")).array.sum() == 300
    dataset = pydicom.dcmread(path)
    assert dataset.Modality == "RTSTRUCT"
    with pytest.raises(ValueError, match="numbers of their own"):
        write_rtstruct(path, [lung, lung], patient_id="p")


def test_a_contour_of_more_than_64_kib_and_one_in_explicit_vr(tmp_path: Path) -> None:
    affine = grid("oblique")
    angles = np.linspace(0, 2 * np.pi, 3000, endpoint=False)
    circle = flat(affine, 15 + 10 * np.column_stack([np.cos(angles), np.sin(angles)]), 5)
    write_rtstruct(tmp_path / "rt.dcm", [roi(circle)], patient_id="p")
    dataset = pydicom.dcmread(tmp_path / "rt.dcm")
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    with pytest.warns(UserWarning, match="64 kByte"):
        dataset.save_as(tmp_path / "explicit.dcm", implicit_vr=False, little_endian=True)
    for name in ("rt.dcm", "explicit.dcm"):
        found = read_rtstruct(local(tmp_path / name)).rois[0]
        np.testing.assert_allclose(found.contours[0].points_lps_mm, circle.points_lps_mm, atol=1e-9)


def test_a_file_without_preamble_is_read(tmp_path: Path) -> None:
    data = made(tmp_path).read_bytes()
    length = int.from_bytes(data[140:144], "little")
    (tmp_path / "bare.dcm").write_bytes(data[144 + length :])
    assert len(read_rtstruct(local(tmp_path / "bare.dcm"))) == 3


def first_contour(dataset: Any) -> Any:
    return dataset.ROIContourSequence[0].ContourSequence[0]


FAULTS: list[tuple[Callable[[Any], None], type, str]] = [
    (lambda d: setattr(first_contour(d), "ContourData", ["1", "2"]), FormatError, "of region 3.*2 coordinates"),
    (lambda d: setattr(first_contour(d), "NumberOfContourPoints", 5), FormatError, "12 coordinates, 5 points stated"),
    (lambda d: setattr(first_contour(d), "ContourData", ["1e9"] * 12), FormatError, "not within 10 km"),
    (lambda d: setattr(d.ROIContourSequence[0], "ReferencedROINumber", 5), FormatError, r"not described.*\[5\]"),
    (lambda d: setattr(d.StructureSetROISequence[0], "ROINumber", 7), FormatError, "one number"),
    (lambda d: delattr(d.StructureSetROISequence[0], "ROINumber"), FormatError, "not complete"),
    (lambda d: setattr(d, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.481.2"), Unsupported, "no structure set.*481.2"),
]


@pytest.mark.parametrize(("change", "kind", "message"), FAULTS, ids=[message for *_, message in FAULTS])
def test_wrong_structure_sets_are_named(
    tmp_path: Path, change: Callable[[Any], None], kind: type, message: str
) -> None:
    dataset = pydicom.dcmread(made(tmp_path))
    change(dataset)
    dataset.save_as(tmp_path / "rt.dcm")
    with pytest.raises(kind, match=message):
        read_rtstruct(local(tmp_path / "rt.dcm"))


def test_a_coordinate_that_is_no_number(tmp_path: Path) -> None:
    path = made(tmp_path)
    for bad in (b"nan", b"x.1", b"inf"):
        data = path.read_bytes()
        place = data.index(b"\\", data.index(b"CLOSED_PLANAR"))
        path.write_bytes(data[: place + 1] + bad + data[place + 4 :])
        with pytest.raises(FormatError, match="contour 1 of region 3"):
            read_rtstruct(local(path))
        path.write_bytes(data)


def test_a_cut_file_never_loses_a_contour(tmp_path: Path) -> None:
    data = made(tmp_path).read_bytes()
    whole = read_rtstruct(local(tmp_path / "rt.dcm"))
    refused = 0
    for end in range(300, len(data)):
        (tmp_path / "cut.dcm").write_bytes(data[:end])
        try:
            found = read_rtstruct(local(tmp_path / "cut.dcm"))
        except FormatError:
            refused += 1
            continue
        assert [(one.name, len(one.contours)) for one in found] == [(one.name, len(one.contours)) for one in whole]
    assert refused > 0.9 * (len(data) - 300)


def test_bad_files_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    for data in (b"", b"<!DOCTYPE html><html>x</html>", bytes(200), b"\x89PNG\r\n\x1a\n" + bytes(300)):
        path.write_bytes(data)
        with pytest.raises(FormatError):
            read_rtstruct(local(path))
    with pytest.raises(AccessError):
        read_rtstruct(local(tmp_path))
    assert LIMIT_BYTES == 2**32


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_files_give_errors_of_ours(tmp_path: Path, survives_damage: Any) -> None:
    def read(blob: LocalFile) -> None:
        for one in read_rtstruct(blob):
            try:
                mask(one, SHAPE, grid("oblique"))
            except FormatError as error:
                assert error.where and "region" in error.where
                error.where = None
                raise
            except NotFound:
                pass

    assert survives_damage(read, made(tmp_path).read_bytes(), "a.dcm", 200)
