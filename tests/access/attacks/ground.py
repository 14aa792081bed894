"""A harmless archive, and a target that leads elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.access.attacks.raw import Member, raw_zip
from tests.access.attacks.setting import Attack

DATA = b"the bytes of a member " * 50


def _build(folder: Path) -> Path:
    return raw_zip(folder / "good.zip", [Member(b"a/x", DATA), Member(b"b", DATA)])


def _link(place: str, to: str) -> Callable[[Path, Path], None]:
    def prepare(target: Path, outside: Path) -> None:
        (target / place).parent.mkdir(parents=True, exist_ok=True)
        (target / place).symlink_to(outside / to)

    return prepare


def _hard(target: Path, outside: Path) -> None:
    (target / ".unpacked").mkdir()
    os.link(outside / "canary", target / ".unpacked" / "good.zip.journal")


def _pipe(target: Path, outside: Path) -> None:
    (target / ".unpacked").mkdir()
    os.mkfifo(target / ".unpacked" / "good.zip.journal")


def _file(place: str) -> Callable[[Path, Path], None]:
    def prepare(target: Path, outside: Path) -> None:
        (target / place).parent.mkdir(parents=True, exist_ok=True)
        (target / place).write_bytes(b"mine")

    return prepare


def attacks() -> Iterator[Attack]:
    for what, place, to in (
        ("a link where a folder goes", "a", "."), ("a link where a file goes", "a/x", "canary"),
        ("a link that leads nowhere, where a file goes", "b", "new"),
        ("the journal's folder is a link", ".unpacked", "."),
        ("the journal is a link", ".unpacked/good.zip.journal", "canary"),
        ("the journal is a link that leads nowhere", ".unpacked/good.zip.journal", "new"),
        ("the marker is a link", ".unpacked/good.zip.json", "canary"),
        ("the lock is a link that leads nowhere", ".unpacked/good.zip.lock", "new"),
        ("the temporary file is a link", ".unpacked/good.zip.1.part", "canary"),
    ):  # fmt: skip
        yield Attack(what, "target", _build, "stands", ground=_link(place, to))
    yield Attack("the journal is a hard link", "target", _build, "stands", ground=_hard)
    yield Attack("the journal is a pipe", "target", _build, "stands", ground=_pipe)
    for place in ("b", "a", "a/x"):
        yield Attack(f"a file of somebody else ({place})", "target", _build, "stands", ground=_file(place))
