"""Archives and files on a server: what is read of them, what it costs, and what a server may do wrong."""

from __future__ import annotations

import io
import json
import pickle
import random
import shutil
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medshelf
from medshelf import formats
from medshelf.access.download import pace
from medshelf.access.hosts import HostFile, Limits, Listing, http
from medshelf.access.remote import RemoteTree, open_remote
from medshelf.access.remote import client as client_module
from medshelf.access.remote.source import BLOCK_BYTES
from medshelf.access.tree import open_tree
from medshelf.access.web import Web
from medshelf.errors import AccessError, MedshelfError, NotFound, NotWhole, Offline
from tests.access import made
from tests.access.ranges import Served, serving
from tests.programs import program

Maker = Callable[..., Path]
Content = dict[str, bytes]


@pytest.fixture
def web() -> Web:
    return Web(sleep=lambda _: None)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "www").mkdir()
    with serving(tmp_path / "www") as found:
        yield found


def _nifti(shape: tuple[int, int, int], seed: int) -> bytes:
    nibabel = pytest.importorskip("nibabel")
    noise = np.random.default_rng(seed).integers(-1000, 1000, shape, np.int16)
    image = nibabel.Nifti1Image(noise, np.diag([0.7, 0.8, 2.5 + seed, 1]))
    return image.to_bytes()


def _large_zip(path: Path, hole_bytes: int) -> dict[str, bytes]:
    """A zip of real members around one that is a hole in the file, so that it takes no room."""
    import gzip

    content = {}
    with open(path, "wb") as stream, zipfile.ZipFile(stream, "w") as out:
        for number in range(8):
            if number == 4:
                hole = zipfile.ZipInfo("case_big/ct.raw")
                hole.file_size = hole.compress_size = hole_bytes
                hole.CRC, hole.header_offset = 0, stream.tell()
                stream.write(hole.FileHeader(zip64=hole_bytes >> 32 > 0))
                out.start_dir = stream.seek(hole_bytes, io.SEEK_CUR)
                out.filelist.append(hole)
                out.NameToInfo[hole.filename] = hole
            raw = _nifti((96, 96, 20), number)
            content[f"case_{number}/ct.nii.gz"] = gzip.compress(raw, 1)
            content[f"case_{number}/mask.nii"] = raw
            out.writestr(f"case_{number}/ct.nii.gz", content[f"case_{number}/ct.nii.gz"])
            out.writestr(f"case_{number}/mask.nii", raw, zipfile.ZIP_DEFLATED)
    return content


@pytest.mark.parametrize("hole_bytes", [1_200_000_000, 5_000_000_000])
def test_a_large_zip_is_listed_and_its_headers_read_for_kilobytes(
    hole_bytes: int, served: Served, web: Web
) -> None:
    """The second is zip64: members behind 4 GiB."""
    content = _large_zip(served.folder / "release.zip", hole_bytes)
    tree = open_remote(f"{served.url}/release.zip", web)
    assert set(tree.names) == {"release.zip", "release.zip!/case_big/ct.raw"} | {f"release.zip!/{n}" for n in content}
    assert not tree.problems
    assert served.bytes < 200_000
    assert (tree.traffic.bytes, tree.traffic.requests) == (served.bytes, served.requests)
    with zipfile.ZipFile(served.folder / "release.zip") as local:
        sizes = {f"release.zip!/{info.filename}": info.file_size for info in local.infolist()}
    for name in tree.names[1:]:
        before = served.bytes
        blob = tree.blob(name)
        assert blob.size_bytes == sizes[name]
        if name.endswith("raw"):
            continue
        header = formats.read_header(blob)
        assert header.shape == (96, 96, 20)
        assert header.affine[2, 2] == pytest.approx(2.5 + int(name.split("case_")[1][0]))
        assert served.bytes - before < 64 << 10
    before = served.bytes
    data = tree.blob("release.zip!/case_6/mask.nii").read_bytes()
    assert data == content["case_6/mask.nii"]
    assert served.bytes - before < len(data) + (64 << 10)
    assert served.whole == 0
    assert tree.traffic.bytes == served.bytes


def test_a_blob_reads_anywhere_and_in_any_process(served: Served, web: Web, make_zip: Maker, content: Content) -> None:
    shutil.move(make_zip(content), served.folder / "a.zip")
    (served.folder / "plain.bin").write_bytes(content["case_2/image.bin"])
    tree = open_remote([f"{served.url}/a.zip", f"{served.url}/plain.bin"], web)
    assert "plain.bin" in tree and tree.has_bytes and isinstance(tree, RemoteTree)
    rng = random.Random(3)
    again = pickle.loads(pickle.dumps(tree))
    for of in (tree, again):
        for name, data in {**{f"a.zip!/{n}": d for n, d in content.items()},
                           "plain.bin": content["case_2/image.bin"]}.items():  # fmt: skip
            blob = of.blob(name)
            assert (blob.size_bytes, blob.path, blob.read_bytes()) == (len(data), None, data)
            with blob.open() as stream:
                for _ in range(20):
                    at, n = rng.randrange(len(data) + 1), rng.randrange(40_000)
                    assert stream.seek(at) == at
                    assert stream.read(n) == data[at : at + n]
    assert again.traffic.requests > 0
    assert tree.blob("a.zip!/case_2/image.bin").sibling("label.bin").read_bytes() == content["case_2/label.bin"]
    (served.folder / "pair.raw").write_bytes(b"voxels")
    both = open_remote([f"{served.url}/plain.bin", f"{served.url}/pair.raw"], web)
    assert both.blob("plain.bin").sibling("pair.raw").read_bytes() == b"voxels"
    with pytest.raises(NotFound):
        both.blob("plain.bin").sibling("absent").open()
    with pytest.raises(NotFound, match="Nearest: plain.bin"):
        both.blob("plain.bim")


def test_dicom_headers_cost_kilobytes(served: Served, web: Web, make_zip: Maker) -> None:
    pydicom = pytest.importorskip("pydicom")
    from pydicom.data import get_testdata_file

    from medshelf.formats.dicom.series import read_slices

    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    dataset.Rows, dataset.Columns = 1024, 1024
    dataset.PixelData = random.Random(1).randbytes(2 << 20)
    dataset.preamble = bytes(128)  # the file's own is that of a TIFF
    out = io.BytesIO()
    dataset.save_as(out)
    shutil.move(make_zip({f"s/{n}.dcm": out.getvalue() for n in range(3)}), served.folder / "a.zip")
    tree = open_remote(f"{served.url}/a.zip", web)
    for n in range(3):
        before = served.bytes
        (found,), _ = read_slices([tree.blob(f"a.zip!/s/{n}.dcm")], 1)
        assert (found.rows, found.columns) == (1024, 1024)
        assert served.bytes - before < 128 << 10


@pytest.mark.parametrize("method", [None, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_header_of_any_format_costs_a_block_or_two(
    method: int | None, served: Served, web: Web, tmp_path: Path
) -> None:
    """Alone on the server, or in a zip where its member begins anywhere in a block."""
    import gzip

    sitk = pytest.importorskip("SimpleITK")
    raw, files = _nifti((128, 128, 60), 1), tmp_path / "files"
    files.mkdir()
    (files / "a.nii").write_bytes(raw)
    (files / "a.nii.gz").write_bytes(gzip.compress(raw, 1))
    image = sitk.GetImageFromArray(np.random.default_rng(1).integers(-1000, 1000, (60, 128, 128), np.int16))
    for name in ("a.mha", "b.mhd", "a.nrrd", "b.nhdr"):
        sitk.WriteImage(image, str(files / name))
        if name.startswith("a"):
            sitk.WriteImage(image, str(files / f"z{name}"), True)
    names = sorted(p.name for p in files.iterdir())
    if method is None:
        for name in names:
            shutil.move(files / name, served.folder / name)
        tree, prefix = open_remote([f"{served.url}/{name}" for name in names], web), ""
    else:
        with zipfile.ZipFile(served.folder / "a.zip", "w", method) as out:
            for name in names:
                out.write(files / name, name)
        tree, prefix = open_remote(f"{served.url}/a.zip", web), "a.zip!/"
    for name in names:
        if name.endswith(".raw"):
            continue
        size, requests = served.bytes, served.requests
        assert formats.read_header(tree.blob(prefix + name)).shape == (128, 128, 60)
        assert served.bytes - size <= 3 * BLOCK_BYTES, name
        assert served.requests - requests <= 2, name


def test_small_members_beside_each_other_come_together(served: Served, web: Web, make_zip: Maker) -> None:
    noise = random.Random(1).randbytes
    small = {f"{n:04}.png": noise(2000) for n in range(1000)}
    shutil.move(make_zip(small), served.folder)
    tree = open_remote(f"{served.url}/a.zip", web)
    before = served.requests
    for name, data in small.items():
        assert tree.blob(f"a.zip!/{name}").read_bytes() == data
    assert served.requests - before < 20
    assert served.bytes < 2_700_000


def test_a_split_zip_is_one(served: Served, web: Web, make_zip: Maker, content: Content) -> None:
    path = made.disks(make_zip(content, method=zipfile.ZIP_STORED), 65_536)
    for part in path.parent.glob("a.z*"):
        shutil.move(part, served.folder / part.name)
    pieces = made.pieces(make_zip(content, "b.zip"), 65_536)
    for part in pieces.parent.glob("b.zip.*"):
        shutil.move(part, served.folder / part.name)
    urls = [f"{served.url}/{p.name}" for p in served.folder.iterdir()]
    tree = open_remote(urls, web)
    assert not tree.problems
    for holder in ("a.zip", "b.zip.001"):
        assert {name for name in tree.names if name.startswith(f"{holder}!")} == {f"{holder}!/{n}" for n in content}
        for name, data in content.items():
            assert tree.blob(f"{holder}!/{name}").read_bytes() == data


def test_a_tar_is_listed_as_long_as_that_is_cheap(
    served: Served, web: Web, make_tar: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = {f"case_{i}/ct.nii": _nifti((80, 80, 40), i) for i in range(6)}
    shutil.move(make_tar(big), served.folder / "few.tar")
    tree = open_remote(f"{served.url}/few.tar", web)
    assert served.bytes < 6 * 3 * BLOCK_BYTES < sum(map(len, big.values()))
    before = served.bytes
    assert formats.read_header(tree.blob("few.tar!/case_3/ct.nii")).shape == (80, 80, 40)
    assert served.bytes - before < 64 << 10
    assert tree.blob("few.tar!/case_5/ct.nii").read_bytes() == big["case_5/ct.nii"]
    from medshelf.access import _read_index

    shutil.move(make_tar({f"{i}.txt": bytes(900) for i in range(500)}), served.folder / "many.tar")
    monkeypatch.setattr(_read_index, "LISTING_BYTES", 100_000)
    before = served.bytes
    with pytest.raises(AccessError, match="reading much of it"):
        open_remote(f"{served.url}/many.tar", web)
    assert served.bytes - before <= 100_000 + BLOCK_BYTES


def test_what_cannot_be_listed_from_afar_is_named_and_costs_a_block(
    served: Served, web: Web, make_tar: Maker, make_zip: Maker
) -> None:
    noise = {"x": random.Random(1).randbytes(400_000)}
    for kind in ("gz", "xz"):
        shutil.move(make_tar(noise, f"a.tar.{kind}", f"w:{kind}"), served.folder)
    made.sevenzip(served.folder / "a.7z", noise)
    (served.folder / "page.zip").write_bytes(b"<!DOCTYPE html><title>Log in</title>" + b" " * 40_000)
    (served.folder / "cut.zip").write_bytes(make_zip(noise).read_bytes()[:200_000])
    shutil.move(make_zip({"../up": b"", "good": b""}, "good.zip"), served.folder)
    names = sorted(p.name for p in served.folder.iterdir())
    tree = open_remote([f"{served.url}/{name}" for name in names], web)
    said = dict(tree.problems)
    assert set(said) == {*names, "good.zip!/../up"} - {"good.zip"}
    assert "web page" in said["page.zip"] and "no directory" in said["cut.zip"]
    assert all("without reading all of it" in said[name] for name in ("a.tar.gz", "a.tar.xz", "a.7z"))
    assert {*names, "good.zip!/good"} == set(tree.names)
    assert served.bytes < (len(names) + 9) * BLOCK_BYTES
    with pytest.raises(AccessError, match="without reading all of it"):
        open_remote(f"{served.url}/a.7z", web)


@pytest.mark.parametrize("outer", ["zip", "tar", "split"])
def test_archives_inside_are_listed_where_that_is_cheap(
    outer: str, served: Served, web: Web, make_zip: Maker, make_tar: Maker, content: Content
) -> None:
    noise = random.Random(1).randbytes(3_000_000)
    inner = {
        "a/inner.zip": make_zip({**content, "ct.nii": _nifti((80, 80, 40), 1)}, "i.zip").read_bytes(),
        "a/inner.tar": make_tar({**content, "big": noise}, "i.tar").read_bytes(),
        "packed.tar.gz": make_tar(content, "p.tar.gz", "w:gz").read_bytes(),
        "solid.7z": b"7z\xbc\xaf\x27\x1c" + bytes(99),
        "broken.zip": b"PK\3\4" + bytes(99), "noise.bin": noise,
    }  # fmt: skip
    if outer == "tar":
        path = make_tar(inner, "o.tar")
    else:
        path = make_zip(inner, "o.zip", zipfile.ZIP_STORED)
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as out:
            out.writestr("deflated.zip", inner["a/inner.zip"])
        if outer == "split":
            made.disks(path, 1_000_000)
    for part in path.parent.glob("o.*"):
        shutil.move(part, served.folder / part.name)
    tree = open_remote([f"{served.url}/{p.name}" for p in sorted(served.folder.iterdir())], web)
    listing = served.bytes
    assert listing < 800_000 < len(noise)
    inside = {f"{path.name}!/a/inner.zip!/{n}" for n in (*content, "ct.nii")}
    inside |= {f"{path.name}!/a/inner.tar!/{n}" for n in (*content, "big")}
    assert {name for name in tree.names if name.count("!/") == 2} == inside
    said = dict(tree.problems)
    for name in ("packed.tar.gz", "solid.7z"):
        assert "without reading all of it" in said[f"{path.name}!/{name}"]
    assert "no directory" in said[f"{path.name}!/broken.zip"]
    if outer != "tar":
        assert "packed in the archive around it" in said[f"{path.name}!/deflated.zip"]
    for of in (tree, pickle.loads(pickle.dumps(tree))):
        assert of.blob(f"{path.name}!/a/inner.tar!/case_2/image.bin").read_bytes() == content["case_2/image.bin"]
        assert of.blob(f"{path.name}!/a/inner.zip!/case_2/label.bin").read_bytes() == content["case_2/label.bin"]
    before = served.bytes
    assert formats.read_header(tree.blob(f"{path.name}!/a/inner.zip!/ct.nii")).shape == (80, 80, 40)
    assert served.bytes - before < 64 << 10


def test_many_archives_inside_cost_no_more_than_allowed(
    served: Served, web: Web, make_zip: Maker, make_tar: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medshelf.access import _read_index

    inner = make_zip({"x": random.Random(1).randbytes(100_000)}, "i.zip").read_bytes()
    shutil.move(make_zip({f"{n}.zip": inner for n in range(40)}, "o.zip", zipfile.ZIP_STORED), served.folder)
    monkeypatch.setattr(_read_index, "LISTING_BYTES", 300_000)
    tree = open_remote(f"{served.url}/o.zip", web)
    assert served.bytes < 400_000
    assert 3 < sum(name.endswith("!/x") for name in tree.names) < 20
    assert any("reading much of it" in p.message for p in tree.problems)
    monkeypatch.setattr(_read_index, "LISTING_BYTES", 4 << 20)
    monkeypatch.setattr(_read_index, "_MOST_FROM_AFAR", 5)
    tree = open_remote(f"{served.url}/o.zip", web)
    assert sum(name.endswith("!/x") for name in tree.names) == 5
    assert [p.message for p in tree.problems] == ["40 archives lie in it, of which 5 were looked into from afar"]


def test_check_and_audit_take_a_tree(served: Served, web: Web, tmp_path: Path) -> None:
    medshelf.twin("msd-hippocampus", tmp_path / "twin", cases=3)
    shutil.make_archive(str(served.folder / "Task04_Hippocampus"), "zip", tmp_path / "twin")
    local = served.folder / "Task04_Hippocampus.zip"
    tree = open_remote(f"{served.url}/{local.name}", web)
    assert open_tree(tree) is tree
    here = medshelf.check("msd-hippocampus", local)
    there = medshelf.check("msd-hippocampus", tree)
    assert (there.verdict, there.n_cases, dict(there.splits)) == (here.verdict, here.n_cases, dict(here.splits))
    near = medshelf.audit("msd-hippocampus", local, deep=False)
    far = medshelf.audit("msd-hippocampus", tree, deep=False, jobs=2)
    facts = json.dumps([f.as_dict() for f in far.facts]).replace(f"{local.name}!/", "")
    assert json.loads(facts) == [f.as_dict() for f in near.facts]
    assert (far.verdict, far.where) == (near.verdict, f"{served.url}/{local.name}")
    sample = medshelf.open("msd-hippocampus", tree)[0]
    assert next(iter(sample.images.values())).array.ndim == 3


# --- what servers do ----------------------------------------------------------------------------


def test_a_server_without_ranges_is_an_error_and_nothing_is_fetched_whole(
    served: Served, web: Web, make_zip: Maker
) -> None:
    path = served.folder / "a.zip"
    with open(path, "wb") as stream:
        stream.truncate(200 << 20)
    served.ranges = False
    with pytest.raises(AccessError, match="does not answer ranges.*HTTP 200"):
        open_remote(f"{served.url}/a.zip", web)
    time.sleep(0.2)
    assert served.whole == 0
    shutil.move(make_zip({"x": b"1"}), path)
    tree = open_remote(f"{served.url}/a.zip", web)  # one that is smaller than a block comes with the first answer
    assert tree.blob("a.zip!/x").read_bytes() == b"1"


@pytest.mark.parametrize("if_range", [True, False])
@pytest.mark.parametrize("etag", ["size", None])
def test_a_file_that_changes_is_noticed(
    etag: str | None, if_range: bool, served: Served, web: Web, make_zip: Maker
) -> None:
    noise = random.Random(1).randbytes(500_000)
    shutil.move(make_zip({"x": noise}), served.folder / "a.zip")
    served.etag, served.if_range = etag, if_range
    tree = open_remote(f"{served.url}/a.zip", web)
    shutil.move(make_zip({"x": noise[::-1], "y": b"1"}), served.folder / "a.zip")
    with pytest.raises(NotWhole, match="has changed"):
        tree.blob("a.zip!/x").read_bytes()


def test_a_weak_etag_is_not_given_to_if_range(served: Served, web: Web) -> None:
    (served.folder / "x.bin").write_bytes(bytes(100_000))
    served.etag = 'W/"1"'
    served.if_range = False
    assert open_remote(f"{served.url}/x.bin", web).blob("x.bin").read_bytes() == bytes(100_000)


@pytest.mark.parametrize("faults", [["cut"], ["503", "cut", "503"], ["503"] * 3])
def test_a_moment_of_trouble_is_waited_out(faults: list[str], served: Served, web: Web, make_zip: Maker) -> None:
    noise = random.Random(1).randbytes(500_000)
    shutil.move(make_zip({"x": noise}), served.folder / "a.zip")
    tree = open_remote(f"{served.url}/a.zip", web)
    served.faults = [*faults]
    assert tree.blob("a.zip!/x").read_bytes() == noise
    assert not served.faults


@pytest.mark.parametrize(
    ("fault", "words"),
    [("elsewhere", "has changed"), ("short", "has changed|fewer"), ("gzip", "compressed"), ("403", "HTTP 403"),
     ("cut", "connection broke")],
)  # fmt: skip
def test_an_answer_that_cannot_be_is_an_error(
    fault: str, words: str, served: Served, web: Web, make_zip: Maker
) -> None:
    shutil.move(make_zip({"x": random.Random(1).randbytes(500_000)}), served.folder / "a.zip")
    tree = open_remote(f"{served.url}/a.zip", web)
    served.faults = [fault] * 9
    with pytest.raises(MedshelfError, match=words) as caught:
        tree.blob("a.zip!/x").read_bytes()
    assert "a.zip" in str(caught.value)


def test_a_size_that_is_not_the_stated_one_is_an_error(served: Served, web: Web) -> None:
    (served.folder / "x.bin").write_bytes(bytes(100_000))
    url = f"{served.url}/x.bin"
    listing = Listing(f"http:{url}", (HostFile("sub/x.bin", url, 100_001), HostFile("sub/y.bin", url, 100_000),
                                      HostFile("../up", url), HostFile("sub/x.bin", url)))  # fmt: skip
    tree = open_remote(listing, web)
    assert tree.names == ("sub/x.bin", "sub/y.bin")
    assert served.requests == 0
    assert {p.path for p in tree.problems} == {"../up", "sub/x.bin"}
    assert tree.blob("sub/x.bin").size_bytes == 100_001
    with pytest.raises(NotWhole, match="100000 bytes, stated are 100001"):
        tree.blob("sub/x.bin").open()
    assert tree.blob("sub/y.bin").read_bytes() == bytes(100_000)


def test_an_address_that_is_refused_after_a_while_is_asked_for_anew(
    served: Served, web: Web, make_zip: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medshelf.access.hosts import Address, http

    noise, signed = random.Random(1).randbytes(500_000), []

    def sign(file: HostFile, ref: str, web: Web) -> Address:
        signed.append(f"{file.locator}?token={len(signed)}")
        return Address(signed[-1], {"Authorization": "secret-word"})

    monkeypatch.setattr(http, "address", sign)
    shutil.move(make_zip({"x": noise}), served.folder / "a.zip")
    tree = open_remote(f"{served.url}/a.zip", web)
    served.faults = ["403"]
    assert tree.blob("a.zip!/x").read_bytes() == noise
    assert len(signed) == 2
    shown = repr(tree) + repr(tree.blob("a.zip!/x")) + repr(pickle.dumps(tree)) + str(tree.problems)
    assert "secret-word" not in shown and "token=" not in shown


def test_offline_absent_and_empty(served: Served, web: Web) -> None:
    with pytest.raises(Offline):
        open_remote(f"{served.url}/a.zip", Web(offline=True))
    with pytest.raises(NotFound):
        open_remote(f"{served.url}/a.zip", web)
    assert served.requests == 1
    (served.folder / "empty").write_bytes(b"")
    assert open_remote(f"{served.url}/empty", web).blob("empty").read_bytes() == b""


def test_memory_is_bounded_and_reading_on_asks_for_more(
    served: Served, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "KEPT_BYTES", 80 * BLOCK_BYTES)
    data = random.Random(2).randbytes(6_000_000)
    (served.folder / "x.bin").write_bytes(data)
    tree = open_remote(f"{served.url}/x.bin", web)
    with tree.blob("x.bin").open() as stream:
        while piece := stream.read(1000):
            assert piece
        assert served.requests < 20
        stream.seek(77)
        assert stream.read(5) == data[77:82]
    client = tree._files.client
    assert sum(map(len, client._blocks.values())) == client._kept_bytes <= 80 * BLOCK_BYTES


def test_nginx_serves_it_too(tmp_path: Path, web: Web) -> None:
    nginx = program("nginx")
    (tmp_path / "www").mkdir()
    content = _large_zip(tmp_path / "www" / "release.zip", 1_100_000_000)
    with socket_port() as port:
        pass
    conf = tmp_path / "nginx.conf"
    temp = " ".join(f"{k}_temp_path {tmp_path}/{k};" for k in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    conf.write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;\nevents {{}}\n"
        f"http {{ access_log {tmp_path}/log; log_format sent '$status $body_bytes_sent'; "
        f"access_log {tmp_path}/sent sent; {temp}\n server {{ listen 127.0.0.1:{port}; root {tmp_path}/www; }} }}"
    )
    server = subprocess.Popen([nginx, "-p", str(tmp_path), "-c", str(conf)], stderr=subprocess.DEVNULL)
    try:
        tree = _patiently(lambda: open_remote(f"http://127.0.0.1:{port}/release.zip", Web()))
        listing = tree.traffic.bytes
        assert listing < 200_000
        for name in content:
            before = tree.traffic.bytes
            assert formats.read_header(tree.blob(f"release.zip!/{name}")).shape == (96, 96, 20)
            assert tree.traffic.bytes - before < 64 << 10
    finally:
        server.terminate()
        server.wait(10)
    sent = [line.split() for line in (tmp_path / "sent").read_text().splitlines()]
    assert {status for status, _ in sent} == {"206"}
    assert sum(int(size) for _, size in sent) == tree.traffic.bytes


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.lock = threading.Lock()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.now += seconds


def test_a_host_is_asked_as_seldom_as_it_bears(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(pace, "time", clock)
    monkeypatch.setattr(http, "LIMITS", Limits(parallel=1, per_second=0.5))
    (served.folder / "x.bin").write_bytes(random.Random(4).randbytes(40 * BLOCK_BYTES))
    tree = open_remote(f"{served.url}/x.bin", Web(sleep=clock.sleep))
    with tree.blob("x.bin").open() as stream:
        for block in (30, 20, 10, 5):
            stream.seek(block * BLOCK_BYTES)
            assert len(stream.read(1)) == 1
    asked = served.requests
    assert asked >= 5
    assert clock.now - 1000.0 >= 2.0 * (asked - 1) - 1e-6  # 0.5 a second
    limited = clock.now
    monkeypatch.setattr(http, "LIMITS", Limits())
    with open_remote(f"{served.url}/x.bin", Web(sleep=clock.sleep)).blob("x.bin").open() as stream:
        assert stream.read(1) and clock.now == limited


@pytest.mark.parametrize("parallel", [1, 2])
def test_a_host_is_asked_by_as_few_as_it_bears(
    parallel: int, served: Served, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LIMITS", Limits(parallel=parallel))
    (served.folder / "x.bin").write_bytes(random.Random(5).randbytes(64 * BLOCK_BYTES))
    tree = open_remote(f"{served.url}/x.bin", web)
    at_once, most, lock, real = 0, 0, threading.Lock(), Web.ask

    def ask(self: Web, *args: Any, **options: Any) -> Any:
        nonlocal at_once, most
        with lock:
            at_once, most = at_once + 1, max(most, at_once + 1)
        time.sleep(0.02)
        try:
            return real(self, *args, **options)
        finally:
            with lock:
                at_once -= 1

    monkeypatch.setattr(Web, "ask", ask)

    def read(block: int) -> bytes:
        with tree.blob("x.bin").open() as stream:
            stream.seek(block * BLOCK_BYTES)
            return stream.read(1)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(read, range(2, 60, 4)))
    assert most == parallel


class socket_port:
    """A port that was free a moment ago."""

    def __enter__(self) -> int:
        import socket

        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            return int(found.getsockname()[1])

    def __exit__(self, *_: object) -> None: ...


def _patiently(what: Callable[[], RemoteTree]) -> RemoteTree:
    for _ in range(50):
        try:
            return what()
        except AccessError:
            time.sleep(0.1)
    return what()


def _packers() -> dict[int, Callable[[bytes], bytes]]:
    import bz2
    import importlib
    import lzma

    import inflate64

    from tests.access.attacks.raw import deflated

    zstd = importlib.import_module(ZSTD)

    def deflate64(data: bytes) -> bytes:
        packer = inflate64.Deflater()
        return packer.deflate(data) + packer.flush()

    def zip_lzma(data: bytes) -> bytes:
        one = {"id": lzma.FILTER_LZMA1, "lc": 3, "lp": 0, "pb": 2, "dict_size": 1 << 20}
        return b"\x09\4\5\0\x5d" + (1 << 20).to_bytes(4, "little") + lzma.compress(data, lzma.FORMAT_RAW, filters=[one])

    return {0: bytes, 8: deflated, 9: deflate64, 12: bz2.compress, 14: zip_lzma, 93: zstd.compress, 95: lzma.compress}


@pytest.mark.parametrize("method", [0, 8, 9, 12, 14, 93, 95])
def test_every_compression_is_read_from_afar_and_a_wrong_checksum_found(
    method: int, served: Served, web: Web
) -> None:
    from tests.access.attacks.raw import Member, raw_zip

    data = random.Random(1).randbytes(200_000) + bytes(900_000)
    packed = _packers()[method](data)
    members = [Member(b"right", data, method, packed=packed), Member(b"wrong", data, method, packed=packed, crc=1)]
    raw_zip(served.folder / "a.zip", members)
    tree = open_remote(f"{served.url}/a.zip", web)
    assert tree.blob("a.zip!/right").read_bytes() == data
    with tree.blob("a.zip!/right").open() as stream:
        assert stream.read(100) == data[:100]
        assert stream.seek(150_000) == 150_000
        assert stream.read(60_000) == data[150_000:210_000]
    wrong = tree.blob("a.zip!/wrong")
    with pytest.raises(AccessError, match=r"a\.zip!/wrong: the checksum is wrong"):
        wrong.read_bytes()
    with wrong.open() as stream, pytest.raises(AccessError, match="the checksum is wrong"):
        while stream.read(70_000):
            pass


ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"


@pytest.mark.parametrize(("method", "module"), [(9, "inflate64"), (93, ZSTD)])
def test_without_its_package_a_compression_names_the_extra(
    method: int, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medshelf.access.archive import Archive
    from medshelf.errors import MissingExtra
    from tests.access.attacks.raw import Member, raw_zip

    data = b"12" * 900
    path = raw_zip(tmp_path / "a.zip", [Member(b"x", data, method, packed=_packers()[method](data))])
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=r"pip install 'medshelf\[7z\]'"):
        Archive(path).blob("x").read_bytes()


def test_a_locked_remote_zip_is_opened_by_its_password(served: Served, web: Web) -> None:
    pyzipper = pytest.importorskip("pyzipper")
    with pyzipper.AESZipFile(served.folder / "a.zip", "w", encryption=pyzipper.WZ_AES) as out:
        out.setpassword(b"sesame")
        out.writestr("x", b"1" * 100_000)
    assert "encrypted" in open_remote(f"{served.url}/a.zip", web).problems[0].message
    tree = open_remote(f"{served.url}/a.zip", web, password="sesame")
    assert tree.blob("a.zip!/x").read_bytes() == b"1" * 100_000


def test_a_remote_tar_of_links_tells_of_them(served: Served, web: Web) -> None:
    with tarfile.open(served.folder / "a.tar", "w") as out:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        out.addfile(link)
    assert [p.path for p in open_remote(f"{served.url}/a.tar", web).problems] == ["a.tar!/link"]
