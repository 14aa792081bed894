"""Meshes: the same tetrahedron and its relatives in every format, real contours, and faults."""

from __future__ import annotations

import base64
import lzma
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medshelf.errors import AccessError, FormatError, Truncated, Unsupported
from medshelf.formats.mesh import Mesh, fans, read_mesh, write_mesh
from medshelf.model.blob import LocalFile

POINTS = np.array([[0, 0, 0], [1.5, 0, 0], [0, 2, 0], [0, 0, -3.25]])
FACES = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])


def blob(folder: Path, data: str | bytes, name: str) -> LocalFile:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return LocalFile(path)


def assert_tetrahedron(mesh: Mesh) -> None:
    np.testing.assert_array_equal(mesh.vertices[mesh.faces], POINTS[FACES])
    assert (mesh.vertices.dtype, mesh.faces.dtype) == (np.float64, np.int64)


# real data


def test_organ_outlines_are_polylines_in_planes(shared_data: Path) -> None:
    files = sorted((shared_data / "organ-meshes").glob("*/*.vtp"))
    assert len(files) == 16
    for path in files:
        mesh = read_mesh(LocalFile(path))
        assert len(mesh.faces) == 0
        assert len(mesh.lines) >= 3
        used = np.concatenate(mesh.lines)
        np.testing.assert_array_equal(np.unique(used), np.arange(len(mesh.vertices)))
        for line in mesh.lines:
            assert line[0] == line[-1]
            assert np.ptp(mesh.vertices[line, 2]) < 1e-3


def test_organ_outlines_keep_their_names(shared_data: Path) -> None:
    folder = shared_data / "organ-meshes" / "EclipseEnt_Structures.seg"
    mesh = read_mesh(LocalFile(folder / "EclipseEnt_Structures.seg_1.vtp"))
    assert mesh.meta["fields"]["Segment_Name"] == ["BRAIN"]
    assert (len(mesh.vertices), len(mesh.lines)) == (10744, 56)
    assert repr(mesh) == "Mesh(10744 vertices, 0 faces, 56 lines)"


def test_an_index_of_meshes_is_refused_with_advice(shared_data: Path) -> None:
    with pytest.raises(Unsupported, match="vtkMultiBlockDataSet.*one by one"):
        read_mesh(LocalFile(shared_data / "organ-meshes" / "EclipseEnt_Structures.seg.vtm"))


# OBJ


def obj(extra: str = "") -> str:
    return (
        "# made by hand\nmtllib a.mtl\no thing\n"
        + "".join(f"v {x} {y} {z}{extra}\n" for x, y, z in POINTS)
        + "vt 0 0\nvn 0 0 1\nusemtl m\ns off\n"
        + "".join(f"f {a + 1}/1/1 {b + 1}//1 {c + 1}\n" for a, b, c in FACES)
    )


def test_obj_with_textures_and_normals(tmp_path: Path) -> None:
    mesh = read_mesh(blob(tmp_path, obj(), "a.obj"))
    assert_tetrahedron(mesh)
    np.testing.assert_array_equal(mesh.vertices, POINTS)


def test_obj_with_colours_behind_the_vertices(tmp_path: Path) -> None:
    mesh = read_mesh(blob(tmp_path, obj(" 0.5 0.25 1"), "a.obj"))
    np.testing.assert_array_equal(mesh.point_data["colour"], [[0.5, 0.25, 1]] * 4)
    assert_tetrahedron(mesh)


def test_obj_counts_backwards_and_cuts_polygons(tmp_path: Path) -> None:
    text = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0 # corner\nf -4 -3 -2 \\\n -1\nl 1 2 3\n"
    mesh = read_mesh(blob(tmp_path, text, "a.obj"))
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert [line.tolist() for line in mesh.lines] == [[0, 1, 2]]
    assert mesh.meta["polygons"] == 1


def test_obj_keeps_vertices_that_repeat(tmp_path: Path) -> None:
    mesh = read_mesh(blob(tmp_path, "v 0 0 0\nv 0 0 0\nv 1 1 1\nf 1 2 3\n", "a.obj"))
    assert len(mesh.vertices) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("v 1.5 0.0 0.0", "v 1.5 0.0"), "line 5"),
        (("v 1.5 0.0 0.0", "v 1.5 nought 0"), "line 5"),
        (("v 1.5 0.0 0.0", "v 1.5 nan 0"), "line 5"),
        (("f 2/1/1", "f 0/1/1"), "count from 1"),
        (("f 2/1/1", "f 99/1/1"), "vertex that is not there.*98 of 4"),
        (("f 2/1/1", "f x/1/1"), "face or line is wrong"),
        (("usemtl m", "%%%"), "line 10 is not OBJ"),
        (("v ", "vn "), "no vertices"),
    ],
)
def test_wrong_obj_is_named(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_mesh(blob(tmp_path, obj().replace(*change), "a.obj"))


# STL


def stl_ascii() -> str:
    facets = (
        "facet normal 0 0 1\nouter loop\n"
        + "".join(f"vertex {x} {y:e} {z}\n" for x, y, z in corners)
        + "endloop\nendfacet\n"
        for corners in POINTS[FACES]
    )
    return "solid thing\n" + "".join(facets) + "endsolid thing\n"


def test_stl_in_both_forms(tmp_path: Path) -> None:
    assert_tetrahedron(read_mesh(blob(tmp_path, stl_ascii(), "a.stl")))
    write_mesh(tmp_path / "b.stl", Mesh(POINTS, FACES))
    mesh = read_mesh(LocalFile(tmp_path / "b.stl"))
    assert_tetrahedron(mesh)
    np.testing.assert_array_equal(mesh.cell_data["normal"][0], [0, 0, -1])


def test_binary_stl_that_begins_like_ascii(tmp_path: Path) -> None:
    write_mesh(tmp_path / "a.stl", Mesh(POINTS, FACES))
    data = bytearray((tmp_path / "a.stl").read_bytes())
    data[:5] = b"solid"
    assert_tetrahedron(read_mesh(blob(tmp_path, bytes(data), "b.stl")))


def test_stl_that_ends_early(tmp_path: Path) -> None:
    write_mesh(tmp_path / "a.stl", Mesh(POINTS, FACES))
    binary = (tmp_path / "a.stl").read_bytes()
    for data in (binary[:-1], binary[:84], binary[:50], stl_ascii().encode()[:-20], b"\xff" * 84):
        with pytest.raises(Truncated):
            read_mesh(blob(tmp_path, data, "b.stl"))


def test_stl_with_a_face_of_four_corners(tmp_path: Path) -> None:
    text = stl_ascii().replace("endloop", "vertex 1 1 1\nendloop", 1)
    with pytest.raises(FormatError, match="no triangles.*4 faces, 13 vertices"):
        read_mesh(blob(tmp_path, text, "a.stl"))


# PLY


def ply_header(order: str, *lines: str) -> str:
    return "\n".join(("ply", f"format {order} 1.0", "comment x", *lines, "end_header\n"))


def axes(kind: str) -> list[str]:
    return [f"property {kind} {axis}" for axis in "xyz"]


def ply(order: str) -> bytes:
    face = ("element face 4", "property list uchar int vertex_indices", "property short part")
    header = ply_header(order, "element vertex 4", *axes("float"), "property uchar label", *face).encode()
    if order == "ascii":
        rows = [f"{x} {y} {z} {n}" for n, (x, y, z) in enumerate(POINTS)]
        rows += [f"3 {a} {b} {c} {10 + n}" for n, (a, b, c) in enumerate(FACES)]
        return header + "\n".join(rows).encode()
    mark = "<" if "little" in order else ">"
    body = b"".join(struct.pack(f"{mark}fffB", *point, n) for n, point in enumerate(POINTS))
    return header + body + b"".join(struct.pack(f"{mark}Biiih", 3, *f, 10 + n) for n, f in enumerate(FACES))


@pytest.mark.parametrize("order", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_ply_in_all_orders(tmp_path: Path, order: str) -> None:
    mesh = read_mesh(blob(tmp_path, ply(order), "a.ply"))
    assert_tetrahedron(mesh)
    assert mesh.point_data["label"].tolist() == [0, 1, 2, 3]
    assert mesh.cell_data["part"].tolist() == [10, 11, 12, 13]


def test_ply_with_polygons_of_several_sizes(tmp_path: Path) -> None:
    faces = ("element face 3", "property list uchar uint vertex_index", "property uchar q")
    header = ply_header("binary_little_endian", "element vertex 5", *axes("double"), *faces).encode()
    body = np.arange(15, dtype="<f8").tobytes()
    body += (
        struct.pack("<BIIIB", 3, 0, 1, 2, 7)
        + struct.pack("<BIIIIB", 4, 0, 1, 2, 3, 8)
        + struct.pack("<BIIIB", 3, 2, 3, 4, 9)
    )
    mesh = read_mesh(blob(tmp_path, header + body, "a.ply"))
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 1, 2], [0, 2, 3], [2, 3, 4]]
    assert mesh.cell_data["q"].tolist() == [7, 8, 8, 9]


def test_a_ply_of_points_only(tmp_path: Path) -> None:
    text = ply_header("ascii", "element vertex 2", *axes("float")) + "1 2 3\n4 5 6\n"
    mesh = read_mesh(blob(tmp_path, text, "a.ply"))
    assert (mesh.vertices.tolist(), len(mesh.faces)) == ([[1, 2, 3], [4, 5, 6]], 0)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ((b"vertex 4", b"vertex 4000000000"), Truncated, "4000000000 rows of 'vertex'"),
        ((b"face 4", b"face 4000000000"), Truncated, "ends early"),
        ((b"vertex 4", b"vertex -4"), FormatError, "negative"),
        ((b"property float x", b"property quad x"), FormatError, "property quad x"),
        ((b"property float x", b"property float w"), Unsupported, "x, y and z"),
        ((b"end_header", b"end"), Truncated, "no end"),
        ((b"format", b"farmat"), FormatError, "no format"),
    ],
)
@pytest.mark.parametrize("order", ["ascii", "binary_little_endian"])
def test_wrong_ply_is_named(
    tmp_path: Path, change: tuple[bytes, bytes], kind: type, message: str, order: str
) -> None:
    with pytest.raises(kind, match=message):
        read_mesh(blob(tmp_path, ply(order).replace(*change, 1), "a.ply"))


# VTP


def vtp(how: str, compressor: str | None = None, header: str = "UInt32", order: str = "<") -> bytes:
    """The tetrahedron as three of four polygons, one quadrilateral strip and one line, in VTK's own ways."""
    count = np.dtype(order + ("u4" if header == "UInt32" else "u8"))
    squeeze = {"vtkZLibDataCompressor": zlib.compress, "vtkLZMADataCompressor": lzma.compress}
    appended = b""

    def wrapped(raw: bytes) -> bytes:
        if compressor is None:
            return np.array([len(raw)], count).tobytes() + raw
        blocks = [raw[n : n + 16] for n in range(0, len(raw), 16)] or []
        packed = [squeeze[compressor](block) for block in blocks]
        last = len(raw) % 16
        head = [len(blocks), 16, last, *map(len, packed)] if blocks else [0, 16, 0]
        return np.array(head, count).tobytes() + b"\xff" * 0 + b"".join(packed)

    def coded(raw: bytes) -> bytes:
        data = wrapped(raw)
        if compressor is None:
            return base64.b64encode(data)
        head = count.itemsize * (3 + int(np.frombuffer(data, count, 1)[0]))
        return base64.b64encode(data[:head]) + base64.b64encode(data[head:])

    def array(name: str, values: Any, kind: str, dtype: str, width: int = 1) -> bytes:
        nonlocal appended
        values = np.asarray(values).astype(order + dtype)
        tag = f'<DataArray type="{kind}" Name="{name}" NumberOfComponents="{width}" '
        if how == "ascii":
            return f'{tag}format="ascii">{" ".join(map(str, values.ravel().tolist()))}</DataArray>'.encode()
        if how == "binary":
            return f'{tag}format="binary">\n  '.encode() + coded(values.tobytes()) + b"\n</DataArray>"
        start = len(appended)
        appended += wrapped(values.tobytes()) if how == "raw" else coded(values.tobytes())
        return f'{tag}format="appended" offset="{start}"/>'.encode()

    def cells(kind: str, rows: list[list[int]]) -> bytes:
        flat = [n for row in rows for n in row]
        ends = np.cumsum([len(row) for row in rows])
        return (
            f"<{kind}>".encode()
            + array("connectivity", flat, "Int64", "i8")
            + array("offsets", ends, "Int32", "i4")
            + f"</{kind}>".encode()
        )

    body = b"<PointData>" + array("label", [5, 6, 7, 8], "UInt8", "u1") + b"</PointData>"
    body += b"<CellData>" + array("part", [1, 2, 3, 4, 5], "Float32", "f4") + b"</CellData>"
    body += b"<Points>" + array("Points", POINTS, "Float32", "f4", 3) + b"</Points>"
    body += cells("Verts", []) + cells("Lines", [[0, 1, 3]]) + cells("Strips", [[0, 1, 2, 3]])
    body += cells("Polys", FACES[:3].tolist())
    facts = {
        "type": "PolyData",
        "version": "1.0",
        "byte_order": "LittleEndian" if order == "<" else "BigEndian",
        "header_type": header,
        **({"compressor": compressor} if compressor else {}),
    }
    counts = {"Points": 4, "Verts": 0, "Lines": 1, "Strips": 1, "Polys": 3}
    file = " ".join(f'{key}="{value}"' for key, value in facts.items())
    piece = " ".join(f'NumberOf{kind}="{count}"' for kind, count in counts.items())
    data = f'<?xml version="1.0"?><VTKFile {file}><PolyData><Piece {piece}>'.encode()
    data += body + b"</Piece></PolyData>"
    if how in ("raw", "base64"):
        data += f'<AppendedData encoding="{how}">\n _'.encode() + appended + b"\n</AppendedData>"
    return data + b"</VTKFile>"


@pytest.mark.parametrize("how", ["ascii", "binary", "base64", "raw"])
@pytest.mark.parametrize("compressor", [None, "vtkZLibDataCompressor", "vtkLZMADataCompressor"])
@pytest.mark.parametrize("header", ["UInt32", "UInt64"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_vtp_in_all_its_forms(
    tmp_path: Path, how: str, compressor: str | None, header: str, order: str
) -> None:
    mesh = read_mesh(blob(tmp_path, vtp(how, compressor, header, order), "a.vtp"))
    np.testing.assert_array_equal(mesh.vertices, POINTS)
    assert mesh.faces.tolist() == [*FACES[:3].tolist(), [0, 1, 2], [3, 2, 1]]
    assert mesh.point_data["label"].tolist() == [5, 6, 7, 8]
    assert mesh.cell_data["part"].tolist() == [2, 3, 4, 5, 5]
    assert [line.tolist() for line in mesh.lines] == [[0, 1, 3]]


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ((b'NumberOfPoints="4"', b'NumberOfPoints="5"'), Truncated, "not as many points"),
        ((b'NumberOfPolys="3"', b'NumberOfPolys="9"'), Truncated, "not as many Polys"),
        ((b'type="PolyData"', b'type="ImageData"'), Unsupported, "'ImageData'"),
        ((b'type="UInt8"', b'type="Complex"'), Unsupported, "'Complex'"),
        ((b'type="UInt8"', b'type="UInt64"'), Truncated, "label|value"),
        ((b"UInt32", b"UInt31"), FormatError, "header type"),
        ((b"vtkZLib", b"vtkOwn"), Unsupported, "vtkOwnDataCompressor"),
        ((b"<?xml", b"<!DOCTYPE a><?xml"), FormatError, "XML"),
    ],
)
def test_wrong_vtp_is_named(tmp_path: Path, change: tuple[bytes, bytes], kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        read_mesh(blob(tmp_path, vtp("binary", "vtkZLibDataCompressor").replace(*change, 1), "a.vtp"))


def test_a_vtp_array_that_claims_gigabytes_is_refused(tmp_path: Path) -> None:
    good = vtp("raw", "vtkZLibDataCompressor")
    offset = re.search(rb'Name="Points" [^>]*offset="(\d+)"', good)
    assert offset
    start = good.index(b" _") + 2 + int(offset[1])
    for counts, message in (
        ((1, 2**31, 2**31, 8), "too large"),
        ((2**30, 16, 16), "header of a VTK array ends early"),
        ((3, 4096), "block of a VTK array ends early"),
    ):
        claim = np.array(counts, "<u4").tobytes()
        with pytest.raises(FormatError, match=message):
            read_mesh(blob(tmp_path, good[:start] + claim + good[start + len(claim) :], "a.vtp"))


# legacy VTK


VTK = """# vtk DataFile Version {version}
a title
ASCII
DATASET POLYDATA
POINTS 4 float
0 0 0 1.5 0 0
0 2 0 0 0 -3.25
METADATA
INFORMATION 0

{cells}
CELL_DATA 4
SCALARS part int 1
LOOKUP_TABLE default
1 2 3 4
POINT_DATA 4
FIELD FieldData 1
label 1 4 unsigned_char
5 6 7 8
NORMALS n float
0 0 1 0 0 1 0 0 1 0 0 1
"""
OLD_CELLS = "POLYGONS 4 16\n" + "\n".join("3 " + " ".join(map(str, f)) for f in FACES.tolist())
NEW_CELLS = "POLYGONS 5 12\nOFFSETS vtktypeint64\n0 3 6 9 12\nCONNECTIVITY vtktypeint64\n" + " ".join(
    map(str, FACES.ravel())
)


@pytest.mark.parametrize(("version", "cells"), [("3.0", OLD_CELLS), ("5.1", NEW_CELLS)])
def test_legacy_vtk_of_both_ages(tmp_path: Path, version: str, cells: str) -> None:
    mesh = read_mesh(blob(tmp_path, VTK.format(version=version, cells=cells), "a.vtk"))
    assert_tetrahedron(mesh)
    assert mesh.meta["title"] == "a title"
    assert mesh.cell_data["part"].tolist() == [1, 2, 3, 4]
    assert mesh.point_data["label"].tolist() == [5, 6, 7, 8]
    assert mesh.point_data["n"].shape == (4, 3)


def test_binary_legacy_vtk_is_big_endian(tmp_path: Path) -> None:
    cells = np.hstack((np.full((4, 1), 3), FACES)).astype(">i4").tobytes()
    data = (
        b"# vtk DataFile Version 3.0\nt\nBINARY\nDATASET POLYDATA\nPOINTS 4 double\n"
        + POINTS.astype(">f8").tobytes()
    )
    data += (
        b"\nPOLYGONS 4 16\n"
        + cells
        + b"\nPOINT_DATA 4\nSCALARS s short\nLOOKUP_TABLE default\n"
        + np.arange(4).astype(">i2").tobytes()
    )
    mesh = read_mesh(blob(tmp_path, data, "a.vtk"))
    assert_tetrahedron(mesh)
    assert mesh.point_data["s"].tolist() == [0, 1, 2, 3]
    with pytest.raises(Truncated):
        read_mesh(blob(tmp_path, data[:150], "a.vtk"))


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (("POLYDATA", "STRUCTURED_POINTS"), Unsupported, "only VTK polydata"),
        (("POINTS 4 float", "POINTS 4000000000 float"), Truncated, "ends early"),
        (("POINTS 4 float", "POINTS four float"), FormatError, "section POINTS"),
        (("POINTS 4 float", "POINTS 4 bit"), Unsupported, "'bit'"),
        (("POLYGONS 4 16", "POLYGONS 4 17"), FormatError, "number|fit"),
        (("CELL_DATA 4", "CELL_DATA 3"), FormatError, "section|'part'"),
        (("3 0 2 1", "3 0 2 9"), FormatError, "not there"),
        (("ASCII", "MORSE"), FormatError, "header"),
    ],
)
def test_wrong_legacy_vtk_is_named(tmp_path: Path, change: tuple[str, str], kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        read_mesh(blob(tmp_path, VTK.format(version="3.0", cells=OLD_CELLS).replace(*change, 1), "a.vtk"))


# all


def test_fans_keep_the_order_of_polygons() -> None:
    faces, sources = fans(np.array([3, 5, 4]), np.arange(12), "x")
    assert faces.tolist() == [[0, 1, 2], [3, 4, 5], [3, 5, 6], [3, 6, 7], [8, 9, 10], [8, 10, 11]]
    assert sources.tolist() == [0, 1, 1, 1, 2, 2]
    for counts in ([2], [3, 3], [-3, 6]):
        with pytest.raises(FormatError, match="polygons are wrong"):
            fans(np.array(counts), np.arange(3), "x")


@pytest.mark.parametrize("name", ["a.obj", "a.ply", "a.vtp", "a.vtk"])
@pytest.mark.parametrize("lines", [0, 2])
def test_what_is_written_is_read_to_the_last_bit(tmp_path: Path, name: str, lines: int) -> None:
    rng = np.random.default_rng(0)
    polylines = (np.array([1, 2, 3]), np.array([4, 9]))[:lines]
    mesh = Mesh(rng.normal(size=(10, 3)) * 1e3, rng.integers(0, 10, (7, 3)), polylines)
    if lines and name == "a.ply":
        with pytest.raises(Unsupported, match="no polylines"):
            write_mesh(tmp_path / name, mesh)
        return
    write_mesh(tmp_path / name, mesh)
    found = read_mesh(LocalFile(tmp_path / name))
    np.testing.assert_array_equal(found.vertices, mesh.vertices)
    np.testing.assert_array_equal(found.faces, mesh.faces)
    assert [line.tolist() for line in found.lines] == [line.tolist() for line in polylines]


def test_meshes_without_faces_are_written_too(tmp_path: Path) -> None:
    mesh = Mesh(POINTS, np.zeros((0, 3), np.int64))
    for name in ("a.obj", "a.ply", "a.vtp", "a.vtk", "a.stl"):
        write_mesh(tmp_path / name, mesh)
        assert len(read_mesh(LocalFile(tmp_path / name)).faces) == 0
    with pytest.raises(Unsupported, match=r"\.off"):
        write_mesh(tmp_path / "a.off", mesh)


@pytest.mark.parametrize("name", ["a.obj", "a.stl", "a.ply", "a.vtp", "a.vtk"])
def test_bad_files_are_errors(tmp_path: Path, name: str) -> None:
    for data in (b"", b"<html>404</html>", b"\x89PNG\r\n\x1a\n\0\0\0\r"):
        with pytest.raises(FormatError):
            read_mesh(blob(tmp_path, data, name))
    (tmp_path / "folder" / name).mkdir(parents=True)
    with pytest.raises(AccessError):
        read_mesh(LocalFile(tmp_path / "folder" / name))


def test_damaged_files_give_errors_of_ours(survives_damage: Any, tmp_path: Path) -> None:
    write_mesh(tmp_path / "good.stl", Mesh(POINTS, FACES))
    files = {
        "a.obj": obj().encode(),
        "b.stl": stl_ascii().encode(),
        "c.stl": (tmp_path / "good.stl").read_bytes(),
        "d.ply": ply("ascii"),
        "e.ply": ply("binary_little_endian"),
        "f.vtp": vtp("raw", "vtkZLibDataCompressor"),
        "g.vtp": vtp("binary", "vtkLZMADataCompressor"),
        "h.vtp": vtp("ascii"),
        "i.vtk": VTK.format(version="5.1", cells=NEW_CELLS).encode(),
        "j.vtk": VTK.format(version="3.0", cells=OLD_CELLS).encode(),
    }
    for name, data in files.items():
        assert survives_damage(read_mesh, data, name, 40)


# Against VTK itself


def vtk_polydata(path: Path) -> Any:
    """Read a file with VTK's own reader: points, triangles, and polylines."""
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    readers = {".vtp": "vtkXMLPolyDataReader", ".vtk": "vtkPolyDataReader", ".stl": "vtkSTLReader",
               ".ply": "vtkPLYReader", ".obj": "vtkOBJReader"}  # fmt: skip
    reader = getattr(vtk, readers[path.suffix])()
    reader.SetFileName(str(path))
    reader.Update()
    data = reader.GetOutput()
    points = vtk_to_numpy(data.GetPoints().GetData()).astype(float)
    cells = []
    for group in (data.GetPolys(), data.GetLines()):
        offsets = vtk_to_numpy(group.GetOffsetsArray()).tolist()
        numbers = vtk_to_numpy(group.GetConnectivityArray())
        cells.append([numbers[a:b].tolist() for a, b in zip(offsets, offsets[1:], strict=False)])
    return points, *cells


def test_organ_outlines_are_those_of_vtk(shared_data: Path) -> None:
    files = sorted((shared_data / "organ-meshes").glob("*/*.vtp"))
    assert len(files) == 16
    for path in files:
        mesh = read_mesh(LocalFile(path))
        points, faces, lines = vtk_polydata(path)
        np.testing.assert_array_equal(mesh.vertices, points)
        assert (mesh.faces.tolist(), [line.tolist() for line in mesh.lines]) == (faces, lines)


@pytest.mark.parametrize("ending", [".vtp", ".vtk", ".stl", ".ply", ".obj"])
def test_vtk_reads_what_is_written(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{ending}"
    write_mesh(path, Mesh(np.array(POINTS, float), np.array(FACES)))
    points, faces, _ = vtk_polydata(path)
    wanted = np.array(POINTS, float)[np.array(FACES)]
    np.testing.assert_allclose(points[np.array(faces)], wanted, rtol=1e-6)


@pytest.mark.parametrize("ending", [".vtp", ".vtk", ".stl", ".ply"])
@pytest.mark.parametrize("binary", [True, False])
def test_what_vtk_writes_is_read(ending: str, binary: bool, tmp_path: Path) -> None:
    import vtk

    source = vtk.vtkSphereSource()
    source.SetThetaResolution(7)
    source.SetPhiResolution(5)
    names = {".vtp": "XMLPolyData", ".vtk": "PolyData", ".stl": "STL", ".ply": "PLY"}
    writer = getattr(vtk, f"vtk{names[ending]}Writer")()
    writer.SetInputConnection(source.GetOutputPort())
    if ending == ".vtp":
        (writer.SetDataModeToAppended if binary else writer.SetDataModeToAscii)()
    else:
        (writer.SetFileTypeToBinary if binary else writer.SetFileTypeToASCII)()
    path = tmp_path / f"a{ending}"
    writer.SetFileName(str(path))
    writer.Write()
    mesh = read_mesh(LocalFile(path))
    points, faces, _ = vtk_polydata(path)
    np.testing.assert_allclose(mesh.vertices[mesh.faces], points[np.array(faces)], rtol=1e-6, atol=1e-7)
