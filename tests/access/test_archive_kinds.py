"""Split, encrypted, 7z, rar and Deflate64: opened in place like the others."""

from __future__ import annotations

import pickle
import random
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from medshelf.access._split import is_later_part
from medshelf.access.archive import Archive
from medshelf.access.tree import open_tree
from medshelf.errors import AccessError, MissingExtra
from tests.access import made
from tests.programs import program

Maker = Callable[..., Path]
Content = dict[str, bytes]
WORD = "open sesame ü"


def _same(archive: Archive, content: Content) -> None:
    """Read everything whole, by pieces and out of order."""
    assert set(archive.names) == set(content)
    assert not archive.problems
    names = random.Random(1).sample(archive.names, len(archive.names))
    for name in names:
        blob, data = archive.blob(name), content[name]
        assert blob.size_bytes == len(data)
        assert blob.read_bytes() == data
        with blob.open() as stream:
            assert stream.read(7) == data[:7]
            stream.seek(len(data) // 2)
            assert stream.read(9) == data[len(data) // 2 :][:9]
            stream.seek(0)
            assert stream.read() == data
    assert pickle.loads(pickle.dumps(archive)).blob(names[0]).read_bytes() == content[names[0]]


def _tool(*command: object, cwd: Path) -> None:
    at = program("7z", "7zz") if command[0] == "7z" else program(str(command[0]))
    subprocess.run([at, *(str(part) for part in command[1:])], cwd=cwd, check=True, capture_output=True)


def _write(folder: Path, content: Content) -> Path:
    for name, data in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


# --- split ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [65_536, 100_000, 300_050])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_split_zip_is_read_as_one(size: int, method: int, make_zip: Maker, content: Content) -> None:
    path = made.disks(make_zip(content, method=method), size)
    assert len(list(path.parent.glob("a.z*"))) > 2
    _same(Archive(path), content)


def test_what_info_zip_splits_is_read(tmp_path: Path, content: Content) -> None:
    _write(tmp_path / "in", content)
    _tool("zip", "-q", "-r", "-D", "-s", "64k", "../a.zip", ".", cwd=tmp_path / "in")
    assert (tmp_path / "a.z02").exists()
    _same(Archive(tmp_path / "a.zip"), content)


@pytest.mark.parametrize("kind", ["zip", "7z", "tar", "tar.gz"])
def test_plain_pieces_are_read_as_one(
    kind: str, tmp_path: Path, make_zip: Maker, make_tar: Maker, content: Content
) -> None:
    if kind == "7z":
        path = made.sevenzip(tmp_path / "a.7z", content)
    else:
        path = make_zip(content) if kind == "zip" else make_tar(content, f"a.{kind}", f"w:{kind[4:]}")
    _same(Archive(made.pieces(path, 70_000)), content)


def test_a_part_that_is_missing_or_the_wrong_one_is_named(make_zip: Maker, content: Content) -> None:
    path = made.disks(make_zip(content), 65_536)
    with pytest.raises(AccessError, match=r"part of a split archive.*Name a\.zip"):
        Archive(path.with_suffix(".z02"))
    path.with_suffix(".z02").unlink()
    with pytest.raises(AccessError, match=r"missing.*a\.z02"):
        Archive(path)
    pieces = made.pieces(make_zip(content, "b.zip"), 65_536)
    with pytest.raises(AccessError, match=r"Name b\.zip\.001"):
        Archive(pieces.with_suffix(".003"))
    pieces.with_suffix(".002").unlink()
    with pytest.raises(AccessError, match=r"missing.*b\.zip\.002"):
        Archive(pieces)


def test_a_last_part_too_few_or_of_another_archive_is_refused(make_zip: Maker, content: Content) -> None:
    path = made.disks(make_zip(content), 65_536)
    last = max(path.parent.glob("a.z??"), key=lambda p: p.name if p.suffix != ".zip" else "")
    last.unlink()
    with pytest.raises(AccessError, match="split zip"):
        _ = Archive(path).names


def test_a_whole_zip_beside_a_stray_part_is_read_alone(make_zip: Maker, content: Content) -> None:
    path = make_zip(content)
    path.with_suffix(".z01").write_bytes(b"stray")
    _same(Archive(path), content)


def test_a_folder_lists_split_archives_once_and_names_lone_parts(make_zip: Maker, content: Content) -> None:
    path = made.disks(make_zip(content, "x.zip"), 65_536)
    shutil.copy(path.with_suffix(".z01"), path.parent / "lone.z01")
    tree = open_tree(path.parent)
    assert {f"x.zip!/{name}" for name in content} <= set(tree.names)
    assert [(p.path, "lone.zip, which is not here" in p.message) for p in tree.problems] == [("lone.z01", True)]
    assert is_later_part("x.z01") and is_later_part("x.7z.002") and not is_later_part("x.nii.002")


def test_parts_that_change_are_noticed(make_zip: Maker, content: Content) -> None:
    path = made.disks(make_zip(content, method=zipfile.ZIP_STORED), 65_536)
    archive = Archive(path)
    assert archive.names
    first = path.with_suffix(".z01")
    first.write_bytes(first.read_bytes() + b"x")
    with pytest.raises(AccessError, match="changed"):
        for name in archive.names:
            archive.blob(name).read_bytes()


# --- encrypted --------------------------------------------------------------------------------


def _locked(path: Path, content: Content, how: str) -> Path:
    import pyzipper

    kinds = {"aes-128": 128, "aes-192": 192, "aes-256": 256}
    with pyzipper.AESZipFile(path, "w", compression=pyzipper.ZIP_DEFLATED) as out:
        out.setpassword(WORD.encode())
        out.setencryption(pyzipper.WZ_AES, nbits=kinds[how])
        for name, data in content.items():
            kind = pyzipper.ZIP_STORED if name.endswith("image.bin") else pyzipper.ZIP_DEFLATED
            out.writestr(name, data, compress_type=kind)
    return path


@pytest.mark.parametrize("how", ["aes-128", "aes-192", "aes-256"])
def test_aes_is_read_with_its_password(how: str, tmp_path: Path, content: Content) -> None:
    _same(Archive(_locked(tmp_path / "a.zip", content, how), password=WORD), content)


@pytest.mark.parametrize("cipher", ["ZipCrypto", "AES256"])
def test_what_7_zip_locks_is_read(cipher: str, tmp_path: Path, content: Content) -> None:
    _write(tmp_path / "in", content)
    _tool("7z", "a", "-tzip", "-psesame", f"-mem={cipher}", "../a.zip", ".", cwd=tmp_path / "in")
    _same(Archive(tmp_path / "a.zip", password="sesame"), content)


def test_what_info_zip_locks_is_read(tmp_path: Path, content: Content) -> None:
    """Streamed, so that the check byte is that of the time (APPNOTE 6.1.6)."""
    _write(tmp_path / "in", content)
    _tool("zip", "-q", "-r", "-D", "-P", "sesame", "../a.zip", ".", cwd=tmp_path / "in")
    with zipfile.ZipFile(tmp_path / "a.zip") as other:
        assert other.read("case_10/one block.bin", b"sesame") == content["case_10/one block.bin"]
    _same(Archive(tmp_path / "a.zip", password="sesame"), content)


def test_without_or_with_a_wrong_password_nothing_is_read(
    tmp_path: Path, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _locked(tmp_path / "a.zip", content, "aes-256")
    found = Archive(path)
    assert "6 of 6 members are encrypted" in found.problems[0].message
    with pytest.raises(AccessError, match="MEDSHELF_ARCHIVE_PASSWORD") as caught:
        found.blob("case_2/image.bin").read_bytes()
    wrong = Archive(path, password="hunter2 the wrong one")
    for read in (wrong.blob("case_2/image.bin").read_bytes, wrong.blob("case_2/label.bin").open):
        with pytest.raises(AccessError, match="password is wrong") as caught:
            read()
        assert "hunter2" not in str(caught.value) + repr(caught.value) + repr(wrong)
    monkeypatch.setenv("MEDSHELF_ARCHIVE_PASSWORD", WORD)
    _same(Archive(path), content)
    tree = open_tree(path)
    assert tree.blob("case_2/image.bin").read_bytes() == content["case_2/image.bin"]
    assert WORD not in repr(Archive(path).entry("empty.bin")) + str(tree.problems)


def test_a_changed_byte_behind_aes_is_noticed(tmp_path: Path, content: Content) -> None:
    path = _locked(tmp_path / "a.zip", content, "aes-256")
    data = bytearray(path.read_bytes())
    data[len(data) // 4] ^= 1  # within the stored noise of case_2/image.bin
    path.write_bytes(data)
    with pytest.raises(AccessError, match=r"authentication code|checksum"):
        Archive(path, password=WORD).blob("case_2/image.bin").read_bytes()


def test_a_locked_member_is_spooled_when_a_reader_jumps_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medshelf.access import _member

    monkeypatch.setattr(_member, "_IN_MEMORY_BYTES", 1000)
    data = b"abc" * 5000
    archive = Archive(_locked(tmp_path / "a.zip", {"x": data}, "aes-256"), password=WORD)
    with archive.blob("x").open() as stream:
        stream.seek(9000)
        stream.seek(0)
        assert stream.read() == data


# --- 7z, rar, Deflate64 -----------------------------------------------------------------------


def test_a_7z_is_read(tmp_path: Path, content: Content) -> None:
    _same(Archive(made.sevenzip(tmp_path / "a.7z", content)), content)


@pytest.mark.parametrize("how", [["-ms=on"], ["-ms=off"], ["-m0=PPMd"], [f"-p{WORD}"], [f"-p{WORD}", "-mhe=on"]])
def test_what_7_zip_packs_is_read(how: list[str], tmp_path: Path, content: Content) -> None:
    _write(tmp_path / "in", content)
    _tool("7z", "a", *how, "../a.7z", ".", cwd=tmp_path / "in")
    _same(Archive(tmp_path / "a.7z", password=WORD if f"-p{WORD}" in how else None), content)
    if f"-p{WORD}" in how:
        with pytest.raises(AccessError, match="encrypted"):
            Archive(tmp_path / "a.7z").blob("case_2/image.bin").read_bytes()


def test_a_7z_with_names_of_every_kind_keeps_the_good_ones(tmp_path: Path) -> None:
    content = {"../up": b"1" * 50, "a/good": b"2" * 70, "/abs": b"3" * 20, "b/good": b"4" * 9}
    found = Archive(made.sevenzip(tmp_path / "a.7z", content))
    assert found.names == ("a/good", "b/good")
    assert {p.path for p in found.problems} == {"../up", "/abs"}
    assert found.blob("b/good").read_bytes() == b"4" * 9
    assert found.blob("a/good").read_bytes() == b"2" * 70


def test_a_rar_of_stored_members_is_read(tmp_path: Path, content: Content) -> None:
    _same(Archive(made.rar(tmp_path / "a.rar", content)), content)


def test_a_packed_rar_names_the_programs_that_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import rarfile

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(rarfile, "CURRENT_SETUP", None)
    found = Archive(made.rar(tmp_path / "a.rar", {"x": b"packed"}, method=3))
    assert found.names == ("x",)
    with pytest.raises(AccessError, match=r"external program.*unrar"):
        found.blob("x").read_bytes()


@pytest.mark.parametrize(("extra", "module"), [("7z", "py7zr"), ("rar", "rarfile"), ("aes", "cryptography")])
def test_without_the_package_the_extra_is_named(
    extra: str, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"a.{extra}"
    make = {"7z": made.sevenzip, "rar": made.rar, "aes": lambda p, c: _locked(p, c, "aes-256")}[extra]
    make(path, {"x": b"1"})
    for name in (module, "cryptography.hazmat.primitives.ciphers"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(MissingExtra, match=rf"medshelf\[{extra}\]"):
        Archive(path, password=WORD).blob("x").read_bytes()
    if extra != "aes":
        assert any(f"medshelf[{extra}]" in p.message for p in open_tree(tmp_path).problems)


def test_deflate64_is_read(tmp_path: Path, content: Content) -> None:
    _write(tmp_path / "in", content)
    _tool("7z", "a", "-tzip", "-mm=Deflate64", "../a.zip", ".", cwd=tmp_path / "in")
    with zipfile.ZipFile(tmp_path / "a.zip") as other:
        assert any(info.compress_type == 9 for info in other.infolist())
    _same(Archive(tmp_path / "a.zip"), content)
