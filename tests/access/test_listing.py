"""Lists of names, as people make them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medshelf.access import _listing
from medshelf.access.tree import open_tree
from medshelf.errors import AccessError, NotFound
from medshelf.model.natural import natural_sorted

segment = st.text(st.characters(codec="utf-8", exclude_characters="\0/\\\n\r"), min_size=1, max_size=8)
name = st.lists(segment.filter(lambda s: s not in (".", "..")), min_size=1, max_size=4).map("/".join)
usable = name.filter(lambda n: not n.startswith("#") and n.strip() != "")


def _names(text: bytes, tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "names.txt").write_bytes(text)
    return open_tree(tmp_path / "names.txt").names


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (b"a/b.png\nc.png\n", ("a/b.png", "c.png")),
        (b"a/b.png\r\nc.png\r\n", ("a/b.png", "c.png")),
        (b"\xef\xbb\xbfa.png\nb.png", ("a.png", "b.png")),
        ("a.png\r\nbäd.png\r\n".encode("utf-16"), ("a.png", "bäd.png")),
        (b"# source: somewhere\n\n  \na.png\n", ("a.png",)),
        (b"data\\imagesTr\\case_1.nii.gz\n", ("data/imagesTr/case_1.nii.gz",)),
        (b"./a.png\n.//b.png\n/mnt/c.png\n../../d.png\n", ("a.png", "b.png", "d.png", "mnt/c.png")),
        (b"a/\na/x.png\nb/\n", ("a/x.png",)),
        (b".\n./a\n./a/x.png\n./a/y\n./a-b\n", ("a/x.png", "a/y", "a-b")),
        (b"img_10.png\nimg_9.png\n", ("img_9.png", "img_10.png")),
        (b" leading and trailing \n", (" leading and trailing ",)),
        (b"caf\xe9.png\n", ("caf\\xe9.png",)),
        (b"a.zip\na.zip!/x\n", ("a.zip", "a.zip!/x")),
        (b".hidden\na/.b\na/...\n", (".hidden", "a/...", "a/.b")),
        (b"", ()),
    ],
)
def test_a_list_gives_names(text: bytes, wanted: tuple[str, ...], tmp_path: Path) -> None:
    assert _names(text, tmp_path) == wanted


def test_names_that_lead_out_and_doubles_are_told(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("a/../../b\nc\nc\n")
    tree = open_tree(tmp_path / "names.txt")
    assert tree.names == ("c",)
    assert [p.message for p in tree.problems] == [
        "left out: the name holds '..'", "1 lines repeat an earlier name"
    ]  # fmt: skip


def test_a_list_has_names_without_bytes(tmp_path: Path) -> None:
    (tmp_path / "names.lst").write_text("a.png\n")
    tree = open_tree(tmp_path / "names.lst")
    assert not tree.has_bytes
    assert len(tree) == 1
    with pytest.raises(NotFound, match="only the name"):
        tree.blob("a.png")


def test_names_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"b.png\na.png\n")))
    tree = open_tree("-")
    assert tree.names == ("a.png", "b.png")
    assert not tree.has_bytes


@pytest.mark.parametrize("text", [b"a\0b\n", b"x" * 70_000, b"\xff\xfea"])
def test_what_is_no_list_is_an_error(text: bytes, tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="no text|no list of names"):
        _names(text, tmp_path)


def test_lines_across_blocks_stay_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_listing, "_BLOCK_BYTES", 7)
    wanted = tuple(f"folder/ümlaut_{i}.png" for i in range(50))
    assert _names("\n".join(wanted).encode(), tmp_path) == wanted


@given(st.lists(usable, unique=True))
def test_any_names_come_back(tmp_path_factory: pytest.TempPathFactory, many: list[str]) -> None:
    files = [n for n in many if not any(o.startswith(n + "/") for o in many)]
    text = "\n".join(files).encode()
    assert _names(text, tmp_path_factory.mktemp("x")) == tuple(natural_sorted(files))
