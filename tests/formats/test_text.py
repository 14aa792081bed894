"""Encodings are known or refused, never guessed; sizes are checked before bytes are read."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from medshelf.errors import AccessError, FormatError, NotFound, Truncated, Unsupported
from medshelf.formats.text import bytes_of, decode, numbers, read_text
from medshelf.model.blob import LocalFile

CHINESE = "患者编号,性别\n1,男\n2,女\n张三的检查报告:右肺上叶结节。\n"


def blob(folder: Path, data: bytes, name: str = "a.txt") -> LocalFile:
    path = folder / name
    path.write_bytes(data)
    return LocalFile(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030"])
def test_chinese_text_is_read_in_each_usual_encoding(encoding: str) -> None:
    assert decode(CHINESE.encode(encoding), "x")[0] == CHINESE


def test_the_encoding_that_was_used_is_told() -> None:
    assert decode(b"plain", "x")[1] == "utf-8"
    assert decode(CHINESE.encode("gbk"), "x")[1] == "gb18030"


@pytest.mark.parametrize(
    "text", ["Ménière, Sjögren and Guillain–Barré", "Größe;Höhe\n", "naïve résumé of Dvořák’s"]
)
def test_accented_latin_text_is_never_taken_for_chinese(text: str) -> None:
    data = text.encode("cp1252", "replace")
    with pytest.raises(FormatError, match="unknown encoding.*cp1252"):
        decode(data, "report.csv")
    assert decode(data, "report.csv", "cp1252")[0].startswith(text[:5])


def test_a_wrong_encoding_names_the_place() -> None:
    with pytest.raises(FormatError, match="not ascii.*position 3"):
        decode(b"abc\xff", "x.csv", "ascii")
    with pytest.raises(FormatError, match="no encoding is called"):
        decode(b"abc", "x.csv", "klingon")


def test_binary_data_are_not_text() -> None:
    with pytest.raises(FormatError, match="binary"):
        decode(b"PNG\0\0\0data", "x.csv")


def test_gzip_is_undone_also_in_several_members(tmp_path: Path) -> None:
    data = gzip.compress(b"one\n") + gzip.compress(b"two\n")
    assert read_text(blob(tmp_path, data, "a.csv.gz")) == "one\ntwo\n"


def test_truncated_gzip_is_an_error(tmp_path: Path) -> None:
    data = gzip.compress(bytes(np.random.default_rng(0).integers(65, 90, 5000, np.uint8)))
    with pytest.raises(Truncated):
        read_text(blob(tmp_path, data[:-50]))


def test_damaged_gzip_is_an_error(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(b"some text that is long enough" * 20))
    data[20] ^= 0xFF
    with pytest.raises(FormatError):
        read_text(blob(tmp_path, bytes(data)))


def test_a_gzip_bomb_stops_at_the_limit(tmp_path: Path) -> None:
    bomb = blob(tmp_path, gzip.compress(bytes(50_000_000)))
    assert bomb.size_bytes < 100_000
    with pytest.raises(Unsupported, match="unfolds to more than 1000000"):
        bytes_of(bomb, limit_bytes=1_000_000)


def test_a_file_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="11 bytes, limit 10"):
        bytes_of(blob(tmp_path, b"eleven byte"), limit_bytes=10)


def test_empty_files_are_errors_unless_they_may_be(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="empty"):
        bytes_of(blob(tmp_path, b""))
    assert bytes_of(blob(tmp_path, b""), allow_empty=True) == b""


def test_a_web_page_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="web page"):
        read_text(blob(tmp_path, b"<!DOCTYPE html><html>Sign in</html>"))


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(AccessError):
        read_text(LocalFile(tmp_path))
    with pytest.raises(NotFound, match="gone"):
        read_text(LocalFile(tmp_path / "gone.txt"))


def test_numbers_refuse_what_does_not_fit() -> None:
    assert numbers(["1", "-2"], "int8").tolist() == [1, -2]
    assert numbers([b"1.5"], "float32").dtype == np.float32
    for words, kind in ((["x"], "int64"), (["300"], "int8"), (["1.5"], "int32"), (["9" * 30], "int64")):
        with pytest.raises(ValueError):
            numbers(words, kind)
