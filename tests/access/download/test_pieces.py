"""The pieces of the downloader, each by itself."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medshelf.access.download.recent import Recent
from medshelf.access.download.sniff import encoding_is_wrong, look_at_all, look_at_start
from medshelf.access.download.spans import Spans
from medshelf.access.download.spool import Spool
from medshelf.access.download.structure import structure_of
from medshelf.errors import NotWhole
from tests.access.faults.setting import some_bytes

SPAN = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (min(pair), max(pair)))


@given(st.lists(SPAN), SPAN)
def test_spans_are_a_set_of_positions(spans: list[tuple[int, int]], asked: tuple[int, int]) -> None:
    mine = Spans(spans)
    positions = {n for start, stop in spans for n in range(start, stop)}
    assert mine.total == len(positions)
    assert {n for start, stop in mine for n in range(start, stop)} == positions
    assert mine.front == next(n for n in range(62) if n not in positions)
    assert {n for start, stop in mine.gaps(61, 7) for n in range(start, stop)} == set(range(61)) - positions
    assert all(stop - start <= 7 for start, stop in mine.gaps(61, 7))
    start, stop = asked
    missing = [n for n in range(start, stop) if n not in positions]
    gap = mine.gap(start, stop)
    assert (gap is None) == (not missing)
    if gap is not None:
        assert gap[0] == missing[0] and gap[1] is not None
        assert all(n in missing for n in range(gap[0], gap[1]))
    assert mine.before(30).total == len([n for n in positions if n < 30])


def test_what_was_written_last_is_at_hand_up_to_a_limit_and_reading_meets_it_again() -> None:
    recent, piece = Recent(), some_bytes(1 << 20)
    for n in range(6):
        recent.add(n << 20, piece)
    assert recent.at(5 << 20, 1 << 20)[0] is piece
    assert recent.at(0, 1 << 20) == (None, 1 << 20)
    assert recent.at((1 << 20) + 5, 4 << 20) == (None, (1 << 20) - 5), "up to where the next piece begins"
    assert recent.at(5 << 20, 10) == (None, 10), "no more than was asked for"
    recent.add(6 << 20, b"few")
    assert recent.at(6 << 20, 1 << 20)[0] is None
    recent.clear()
    assert recent.at(5 << 20, 1 << 20) == (None, 1 << 20)


def test_what_is_read_is_all_that_was_asked_for_and_a_piece_is_what_comes_next(tmp_path: Path) -> None:
    data = some_bytes(5 << 20)
    spool = Spool(str(tmp_path / "a.part"), before=lambda: None, after=lambda: None)
    for at in range(0, len(data), 1 << 20):
        spool.write(at, data[at : at + (1 << 20)])
    at = (3 << 20) - 100
    assert spool.read(at, 1000) == data[at : at + 1000]
    assert spool.piece(at, 1000) == data[at : at + 100]
    assert b"".join(spool.piece(at, 1 << 20) for at in range(0, len(data), 1 << 20)) == data
    spool.close()


PNG, JPEG = b"\x89PNG\r\n\x1a\n" + b"\0" * 3000, b"\xff\xd8\xff\xe0" + b"\0" * 3000
NIFTI = b"\x5c\x01\0\0" + b"\0" * 3000


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.png", PNG), ("a.png", JPEG), ("a.nii", NIFTI), ("a.nii.gz", NIFTI), ("a.nii.gz", gzip.compress(NIFTI)),
        ("a.dcm", b"\0" * 128 + b"DICM" + b"\0" * 3000), ("a.dcm", b"\x08\0\x05\0" + b"\0" * 3000),
        ("a.h5", b"\0" * 512 + b"\x89HDF\r\n\x1a\n" + b"\0" * 3000), ("a.html", b"<!doctype html>"),
        ("page", b"<html>"), ("a.json", b'{"a": 1}'), ("a.xml", b"<?xml"), ("a.svg", b"<?xml"), ("a.txt", b"{}"),
        ("a.zip", b"Rar!\x1a\x07\0" + b"\0" * 3000), ("a.csv", b"id,{\n"), ("README", b"version 1"),
    ],
)  # fmt: skip
def test_what_releases_really_hold_passes(name: str, head: bytes) -> None:
    look_at_start(name, head, vouched=False)
    look_at_all(name, head, head[-30:], vouched=False)


def test_a_split_zip_begins_with_anything() -> None:
    look_at_all("a.zip", b"\x99" * 4000, b"\0" * 30 + b"PK\x05\x06" + b"\0" * 18, vouched=False)
    with pytest.raises(NotWhole):
        look_at_all("a.zip", b"\x99" * 4000, b"\0" * 52, vouched=False)


def test_a_checksum_of_the_host_vouches_for_an_odd_file_but_not_for_a_stand_in() -> None:
    look_at_start("a.nii", b"odd" * 2000, vouched=True)
    look_at_all("a.nii", b"odd" * 2000, b"", vouched=True)
    pointer = b"version https://git-lfs.github.com/spec/v1\n"
    with pytest.raises(NotWhole, match="Git LFS"):
        look_at_all("a.nii", pointer, b"", vouched=True)


def test_gzip_over_gzip_is_found() -> None:
    with pytest.raises(NotWhole, match="second time"):
        look_at_all("a.nii.gz", gzip.compress(gzip.compress(NIFTI)), b"", vouched=False)


@pytest.mark.parametrize(
    ("name", "encoding", "wrong"),
    [("a.nii.gz", "x-gzip", False), ("a.nii.gz", "br", True), ("a.csv", "gzip", True), ("a.csv", "identity", False)],
)
def test_encodings(name: str, encoding: str, wrong: bool) -> None:
    assert encoding_is_wrong(name, encoding) is wrong


def zipped(how: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        archive.writestr("a", some_bytes(20_000))
        archive.writestr("b", b"\0" * 500_000)
    return buffer.getvalue()


GZIPPED = gzip.compress(some_bytes(20_000)) + gzip.compress(b"\0" * 5_000_000) + b"\0" * 512


@pytest.mark.parametrize(("name", "data"), [("a.zip", zipped()), ("a.gz", GZIPPED)])
def test_structure_of_a_whole_file_and_of_every_cut(name: str, data: bytes) -> None:
    assert structure_of(io.BytesIO(data), name) == "structural"
    for keep in (*range(8, 20_000, 997), len(data) - 600):
        with pytest.raises(NotWhole):
            structure_of(io.BytesIO(data[:keep]), name)


def test_structure_finds_a_changed_byte() -> None:
    for name, data in (("a.zip", zipped()), ("a.gz", GZIPPED)):
        with pytest.raises(NotWhole):
            structure_of(io.BytesIO(data[:9000] + bytes([data[9000] ^ 1]) + data[9001:]), name)


def test_structure_of_another_kind_says_nothing() -> None:
    assert structure_of(io.BytesIO(b"text"), "a.txt") == "none"


def test_a_zip_whose_members_share_their_bytes_is_refused() -> None:
    archive = bytearray(zipped(zipfile.ZIP_STORED))
    at = archive.rindex(b"PK\x01\x02")
    archive[at + 24 : at + 28] = (0xFFFFFFF0).to_bytes(4, "little")
    with pytest.raises(NotWhole):
        structure_of(io.BytesIO(bytes(archive)), "a.zip")
