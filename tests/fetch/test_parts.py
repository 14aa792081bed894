"""Parts of a dataset out of archives that lie at a host: what holds them comes, and nothing else."""

from __future__ import annotations

import json
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

import medshelf
from medshelf.access.download import read_lock
from medshelf.access.web import Patience, Web
from medshelf.catalogue import shelf
from medshelf.errors import NotFound, NotWhole, Offline
from medshelf.fetch.inside import folders_for
from tests.access.faults.real import real_server
from tests.access.faults.server import FaultServer, no_ranges, running
from tests.programs import absent

OFFLINE = Web(offline=True, rewrites={})
HASTY = Patience(tries=2, connect_s=2, stall_s=1, longest_wait_s=0.1, give_up_s=3, reach_s=2)


@pytest.fixture(scope="module")
def nuclei(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A twin of a dataset that is released as three zips."""
    folder = tmp_path_factory.mktemp("nuclei") / "twin"
    medshelf.twin("bbbc039", folder, cases=8)
    return folder


def names_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def zipped(folder: Path, *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a folder as a zip that holds the folder."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", method) as out:
        for name in names_of(folder):
            out.write(folder / name, f"{folder.name}/{name}")
    return made.getvalue()


@contextmanager
def as_released(server: FaultServer, twin: Path, **how: Any) -> Iterator[Web]:
    """Serve the twin as the dataset's host does; yield a client that goes there."""
    for part in ("images", "masks", "metadata"):
        data = zipped(twin / part)
        server.put(f"/{part}.zip", data, etag=f'"{zlib.crc32(data)}"', **how)
    yield Web(rewrites={"https://data.broadinstitute.org/bbbc/BBBC039": server.url("")}, patience=HASTY)


@pytest.fixture
def released(nuclei: Path) -> Iterator[tuple[Web, FaultServer]]:
    with running() as server, as_released(server, nuclei) as web:
        yield web, server


def spans_asked(server: FaultServer, name: str) -> list[str]:
    return [ask.headers.get("range", "all") for ask in server.asked if ask.path == f"/{name}"]


def same(folder: Path, twin: Path, parts: tuple[str, ...] = ("images", "masks")) -> list[str]:
    """Return the names of the files that are here, having seen that each is that of the twin, byte for byte."""
    found = [path for part in parts for path in sorted((folder / part).iterdir())]
    for path in found:
        assert path.read_bytes() == (twin / path.relative_to(folder)).read_bytes()
    return [path.stem for path in found]


# --- what is taken -------------------------------------------------------------------------


def test_the_first_cases_come_out_of_zips_and_nothing_else(
    released: tuple[Web, FaultServer], nuclei: Path, tmp_path: Path
) -> None:
    web, server = released
    whole = sum(len(zipped(nuclei / part)) for part in ("images", "masks"))
    plan = medshelf.plan("bbbc039", tmp_path, cases=3, web=web)
    part = {file.name: file for file in plan.files}
    assert [len(part[name].members) for name in ("images.zip", "masks.zip")] == [3, 3]
    assert (part["images.zip"].n_inside, part["images.zip"].strength) == (16, "structural")
    assert not part["metadata.zip"].members  # a table belongs to every case
    got = medshelf.get(plan, web=web)
    assert (got.exit_code, len(got.fetched)) == (0, 7)
    taken = same(tmp_path, nuclei)
    assert len(set(taken)) == 3 and len(taken) == 6
    assert taken[:3] == [path.stem for path in sorted((nuclei / "images").iterdir(), key=_natural)][:3]
    received = sum(one.received_bytes for one in got.fetched)
    assert received == sum(file.size_bytes or 0 for file in plan.files) < whole / 3
    assert not list(tmp_path.rglob("*.part*"))
    report = medshelf.check("bbbc039", tmp_path)
    assert {found.check for found in report.findings} == {"layout.count", "table.row-without-file"}
    lock = read_lock(tmp_path)
    assert {Path(name).parts[0] for name in lock} == {"images", "masks", "metadata.zip"}
    assert all(entry.ref.endswith(".zip!/") for name, entry in lock.items() if name != "metadata.zip")


def _natural(path: Path) -> Any:
    from medshelf.model.natural import natural_key

    return natural_key(path.name)


def test_what_is_here_does_not_come_again(released: tuple[Web, FaultServer], nuclei: Path, tmp_path: Path) -> None:
    web, server = released
    first = medshelf.get("bbbc039", tmp_path, cases=3, web=web)
    plan = medshelf.plan("bbbc039", tmp_path, cases=3, web=web)
    assert {file.here for file in plan.files} == {"yes"} and plan.bytes_to_fetch == 0
    for existing in ("verify", "trust"):
        assert medshelf.get("bbbc039", tmp_path, cases=3, existing=existing, web=web).received_bytes == 0
    more = medshelf.get("bbbc039", tmp_path, cases=5, web=web)
    assert 0 < more.received_bytes < first.received_bytes
    assert len(same(tmp_path, nuclei)) == 10
    again = medshelf.get("bbbc039", tmp_path, cases=3, existing="replace", web=web)
    assert again.received_bytes == first.received_bytes
    damaged = next(iter((tmp_path / "images").iterdir()))
    damaged.write_bytes(bytes(damaged.stat().st_size))
    assert medshelf.get("bbbc039", tmp_path, cases=5, web=web).received_bytes > 0
    assert len(same(tmp_path, nuclei)) == 10


def test_the_rest_comes_as_archives_and_goes_where_the_part_is(
    released: tuple[Web, FaultServer], nuclei: Path, tmp_path: Path
) -> None:
    web, _ = released
    medshelf.get("bbbc039", tmp_path, cases=3, web=web)
    whole = medshelf.get("bbbc039", tmp_path, web=web)
    assert whole.exit_code == 0
    report = medshelf.check("bbbc039", tmp_path)  # three cases lie beside their archive, and are no second copy
    assert {found.check for found in report.findings} == {"layout.count"}
    assert len(medshelf.open("bbbc039", tmp_path)) == 16
    unpacked = medshelf.get("bbbc039", tmp_path, unpack=True, web=web)
    assert (unpacked.exit_code, unpacked.received_bytes) == (0, 0)
    assert len(same(tmp_path, nuclei, ("images", "masks", "metadata"))) == 35
    assert {found.check for found in medshelf.check("bbbc039", tmp_path).findings} == {"layout.count"}
    assert len(medshelf.open("bbbc039", tmp_path)) == 16


def test_a_split_is_read_from_a_table_in_an_archive(nuclei: Path, tmp_path: Path) -> None:
    twin = tmp_path / "twin"
    for part in ("images", "masks"):
        (twin / part).mkdir(parents=True)
        for name in names_of(nuclei / part):
            os.link(nuclei / part / name, twin / part / name)
    (twin / "metadata").mkdir()
    stems = [Path(name).stem for name in names_of(nuclei / "images")]
    for n, split in enumerate(("training", "validation", "test")):
        (twin / "metadata" / f"{split}.txt").write_text("".join(f"{stem}.png\n" for stem in stems[n::3]))
    with running() as server, as_released(server, twin) as web:
        got = medshelf.get("bbbc039", tmp_path / "to", split="val", web=web)
        assert got.exit_code == 0
        assert sorted(set(same(tmp_path / "to", twin))) == sorted(stems[1::3])
        with pytest.raises(NotFound, match="Known: test, train, val"):
            medshelf.plan("bbbc039", tmp_path / "to", split="nonsense", web=web)


def test_patterns_reach_into_archives(released: tuple[Web, FaultServer], nuclei: Path, tmp_path: Path) -> None:
    web, _ = released
    one = names_of(nuclei / "masks")[0]
    for n, pattern in enumerate((one, f"masks.zip!/*{one}", f"masks/{one}")):
        got = medshelf.get("bbbc039", tmp_path / str(n), include=[pattern], web=web)
        assert [fetched.name for fetched in got.fetched] == [f"masks/{one}"]
    plan = medshelf.plan("bbbc039", tmp_path, include=["images.zip"], web=web)
    assert [(file.name, file.members) for file in plan.files] == [("images.zip", ())]
    with pytest.raises(NotFound, match="no file fits"):
        medshelf.plan("bbbc039", tmp_path, include=["*.nii"], web=web)


def test_members_of_a_plain_tar(tmp_path: Path) -> None:
    medshelf.twin("msd-spleen", tmp_path / "twin", cases=6)
    made = BytesIO()
    with tarfile.open(fileobj=made, mode="w") as out:
        out.add(tmp_path / "twin" / "Task09_Spleen", "Task09_Spleen")
    with running() as server:
        server.put("/Task09_Spleen.tar", made.getvalue(), etag='"1"')
        web = Web(rewrites={"https://msd-for-monai.s3.us-west-2.amazonaws.com": server.url("")}, patience=HASTY)
        got = medshelf.get("msd-spleen", tmp_path / "to", cases=2, accept_licences=["CC-BY-SA-4.0"], web=web)
    assert got.exit_code == 0
    files = sorted(path for path in (tmp_path / "to").rglob("*.nii.gz"))
    assert len(files) in (3, 4)  # images, and masks of those that have one
    for path in files:
        assert path.read_bytes() == (tmp_path / "twin" / path.relative_to(tmp_path / "to")).read_bytes()
    assert {one.strength for one in got.fetched} == {"size"}  # a tar has no checksum of its members
    assert len(medshelf.open("msd-spleen", tmp_path / "to")) == 2


def test_twenty_gigabytes_cost_what_three_cases_do(nuclei: Path, tmp_path: Path) -> None:
    with real_server(tmp_path / "server") as real:
        if not real.name.startswith("nginx"):
            absent("nginx is not installed, and no other server here holds a file with holes")
        huge = tmp_path / "server" / "www" / "images.zip"
        few = sorted((nuclei / "images").iterdir(), key=_natural)[:3]
        size = with_holes(huge, {path.name: path.read_bytes() for path in few}, 200, 100_000_000)
        assert size > 20e9
        for part in ("masks", "metadata"):
            real.put(f"{part}.zip", zipped(nuclei / part))
        web = Web(rewrites={"https://data.broadinstitute.org/bbbc/BBBC039": real.url})
        got = medshelf.get("bbbc039", tmp_path / "to", cases=3, web=web)
        assert (got.exit_code, got.received_bytes < 100_000) == (0, True)
        assert len(same(tmp_path / "to", nuclei)) == 6


def with_holes(path: Path, first: dict[str, bytes], n_more: int, each_bytes: int) -> int:
    """Write a zip (zip64) with stored members of zeros that take no room on the disk; return its size."""
    entries = bytearray()
    zeros = zlib.crc32(bytes(each_bytes))
    with open(path, "wb") as out:
        at = 0
        for name, data in [*first.items(), *((f"hole_{n:04}.tif", b"") for n in range(n_more))]:
            full = f"images/{name}".encode()
            size, crc = (len(data), zlib.crc32(data)) if data else (each_bytes, zeros)
            out.seek(at)
            out.write(struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 0, crc, size, size, len(full), 0) + full + data)
            extra = struct.pack("<2HQ", 1, 8, at)
            told = (b"PK\1\2", 45, 45, 0, 0, 0, 0, crc, size, size, len(full), len(extra), 0, 0, 0, 0, 0xFFFFFFFF)
            entries += struct.pack("<4s6H3L5H2L", *told) + full + extra
            at += 30 + len(full) + size
        n_members = len(first) + n_more
        out.seek(at)
        out.write(entries)
        end = at + len(entries)
        out.write(struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, n_members, n_members, len(entries), at))
        out.write(struct.pack("<4sLQL", b"PK\6\7", 0, end, 1))
        out.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, n_members, n_members, len(entries), 0xFFFFFFFF, 0))
        return out.tell()


# --- what goes wrong -----------------------------------------------------------------------


def test_a_compressed_tar_says_why_not(tmp_path: Path) -> None:
    made = BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as out:
        out.addfile(tarfile.TarInfo("images/x.tif"))
    record = shelf.load("bbbc039")
    file = replace(record.access.files[0], name="images.tar.gz", url="https://data.broadinstitute.org/bbbc/x/images.tar.gz")
    record = replace(record, access=replace(record.access, files=(file,)))
    with running() as server:
        server.put("/images.tar.gz", made.getvalue(), etag='"1"')
        web = Web(rewrites={"https://data.broadinstitute.org/bbbc/x": server.url("")}, patience=HASTY)
        with pytest.raises(medshelf.MedshelfError, match="compressed tar"):
            medshelf.plan(record, tmp_path, cases=1, web=web)


def test_without_a_network_nobody_knows_what_is_inside(tmp_path: Path) -> None:
    with pytest.raises(Offline, match=r"images\.zip.*--offline"):
        medshelf.plan("bbbc039", tmp_path, cases=3, web=OFFLINE)


def test_a_host_without_ranges(nuclei: Path, tmp_path: Path) -> None:
    with (
        running() as server, as_released(server, nuclei, always=no_ranges) as web,
        pytest.raises(medshelf.MedshelfError, match="ranges"),
    ):  # fmt: skip
        medshelf.plan("bbbc039", tmp_path, cases=3, web=web)
    assert not list(tmp_path.iterdir())


def test_an_archive_that_changes_after_it_was_listed(
    released: tuple[Web, FaultServer], nuclei: Path, tmp_path: Path
) -> None:
    web, server = released
    plan = medshelf.plan("bbbc039", tmp_path, cases=3, web=web)
    server.put("/images.zip", zipped(nuclei / "images", method=zipfile.ZIP_STORED), etag='"other"')
    got = medshelf.get(plan, web=web)
    failed = {one.name: one.error for one in got.failures}
    assert set(failed) == {"images.zip"} and isinstance(failed["images.zip"], NotWhole)
    assert not (tmp_path / "images").exists() or not list((tmp_path / "images").iterdir())
    assert len(same(tmp_path, nuclei, ("masks",))) == 3
    assert medshelf.get("bbbc039", tmp_path, cases=3, web=web).exit_code == 0
    assert len(same(tmp_path, nuclei)) == 6


def test_bytes_that_are_wrong_are_never_put_in_place(
    released: tuple[Web, FaultServer], nuclei: Path, tmp_path: Path
) -> None:
    web, server = released
    data = bytearray(zipped(nuclei / "images"))
    with zipfile.ZipFile(BytesIO(data)) as made:
        second = sorted(made.infolist(), key=lambda one: _natural(Path(one.filename)))[1]
    at = second.header_offset + 30 + len(second.filename) + second.compress_size // 2
    data[at] ^= 0xFF
    server.put("/images.zip", bytes(data), etag='"bent"')
    got = medshelf.get("bbbc039", tmp_path, cases=3, web=web)
    assert [type(one.error) for one in got.failures] == [NotWhole]
    assert Path(second.filename).name not in str(sorted(tmp_path.rglob("*")))
    assert all("images/" not in name for name in read_lock(tmp_path))
    for path in (tmp_path / "images").glob("*"):
        assert path.read_bytes() == (nuclei / "images" / path.name).read_bytes()
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("kind", ["stored", "deflated"])
def test_what_was_interrupted_goes_on(kind: str, tmp_path: Path) -> None:
    files = {f"scan_{n}.bin": os.urandom(3_000_000) for n in range(6)}
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED if kind == "stored" else zipfile.ZIP_DEFLATED) as out:
        for name, data in files.items():
            out.writestr(name, data)
    with running() as server:
        server.put("/x.zip", made.getvalue(), etag='"1"', rate_bytes_per_s=20e6)
        web = Web(rewrites={}, patience=HASTY)
        ask: Callable[..., Any] = lambda **how: medshelf.get(  # noqa: E731
            "sts2d-2023", tmp_path, include=["scan_[135].bin"], source=server.url("/x.zip"),
            accept_licences=["unknown", "CC-BY-4.0"], web=web, **how,
        )  # fmt: skip

        def stop(there: int, size: int | None, name: str) -> None:
            assert size is not None and size < 10_000_000  # what is to come, and not the whole archive
            if there > 2_000_000:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            ask(progress=stop)
        assert (tmp_path / "x.zip.part").exists()
        note = json.loads((tmp_path / "x.zip.part.json").read_bytes())
        kept = sum(b - a for a, b in note["done"])
        got = ask()
        assert got.exit_code == 0
        assert kept > 1_000_000 and got.received_bytes <= 9_010_000 - kept
    for name in ("scan_1.bin", "scan_3.bin", "scan_5.bin"):
        assert next(tmp_path.rglob(name)).read_bytes() == files[name]
    assert not list(tmp_path.rglob("scan_2.bin")) and not list(tmp_path.rglob("*.part"))


def test_what_was_begun_of_the_whole_is_used_and_kept(tmp_path: Path) -> None:
    files = {f"scan_{n}.bin": os.urandom(2_000_000) for n in range(6)}
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        for name, data in files.items():
            out.writestr(name, data)
    with running() as server:
        server.put("/x.zip", made.getvalue(), etag='"1"', rate_bytes_per_s=20e6)
        web = Web(rewrites={}, patience=HASTY)
        how: dict[str, Any] = {
            "source": server.url("/x.zip"), "accept_licences": ["unknown", "CC-BY-4.0"], "web": web,
        }  # fmt: skip

        def stop(there: int, size: int | None, name: str) -> None:
            if there > 5_000_000:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            medshelf.get("sts2d-2023", tmp_path, progress=stop, **how)
        part = medshelf.get("sts2d-2023", tmp_path, include=["scan_0.bin"], **how)
        assert (part.exit_code, part.received_bytes) == (0, 0)
        assert (tmp_path / "x.zip.part").exists()
        whole = medshelf.get("sts2d-2023", tmp_path, **how)
        assert 0 < whole.received_bytes < len(made.getvalue()) - 4_000_000
    assert (tmp_path / "x.zip").read_bytes() == made.getvalue()


# --- where it goes -------------------------------------------------------------------------


def test_members_go_where_the_layout_finds_them(tmp_path: Path) -> None:
    record = shelf.load("bbbc039")
    image = "IXMtest_A02_s1_w1051DAA7C-7042-435F-99F0-1E847D9B42CB"
    loose = {"images.zip": [f"{image}.tif"], "masks.zip": [f"{image}.png"]}
    assert folders_for(record, loose, tmp_path) == {"images.zip": "images", "masks.zip": "masks"}
    tidy = {"images.zip": [f"images/{image}.tif"], "masks.zip": [f"masks/{image}.png"]}
    assert folders_for(record, tidy, tmp_path) == {"images.zip": "", "masks.zip": ""}
    clash = {"a.zip": ["x/1.tif"], "b.zip": ["x/1.tif"]}
    assert folders_for(record, clash, tmp_path) == {"a.zip": "a", "b.zip": "b"}
