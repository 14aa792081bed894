"""Getting: once, twice, after a break; gates before the first byte; what failed is told."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

import medshelf
from medshelf.access.download import read_lock
from medshelf.access.download import room as disk
from medshelf.access.web import Web
from medshelf.catalogue import shelf
from medshelf.errors import AccessNeeded, DiskFull, Offline
from medshelf.model.dataset import Licence
from tests.access.hosts.fake import Ask, Reply
from tests.fetch.hosts import FILES, Zenodo, serving
from tests.fetch.test_plan import NUMBER, OPEN

OFFLINE = Web(offline=True, rewrites={})


def test_everything_comes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Zenodo(NUMBER)
    with serving(host, monkeypatch) as web:
        got = medshelf.get(OPEN, tmp_path, web=web)
        assert (got.exit_code, len(got.fetched), got.received_bytes) == (0, 3, sum(map(len, FILES.values())))
        assert {name: (tmp_path / name).read_bytes() for name in FILES} == dict(FILES)
        assert set(read_lock(tmp_path)) == set(FILES)
        n_asked = len(host.bytes_asked)
        again = medshelf.get(OPEN, tmp_path, web=web)
        assert (again.received_bytes, len(again.fetched), len(host.bytes_asked)) == (0, 3, n_asked)
    away = medshelf.get(OPEN, tmp_path, web=OFFLINE)  # nothing is missing, and the lock file knows it
    assert (away.exit_code, len(away.fetched)) == (0, 3)


def test_what_was_interrupted_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(range(256)) * 40_000
    host = Zenodo(NUMBER, {"large.bin": data})

    def stop(there: int, size: int | None, name: str) -> None:
        if there > len(data) // 4:
            raise KeyboardInterrupt

    with serving(host, monkeypatch) as web:
        slow = Web(rewrites=web.rewrites)
        with pytest.raises(KeyboardInterrupt):
            medshelf.get(OPEN, tmp_path, limit_bytes_per_s=20e6, progress=stop, web=slow)
        assert not (tmp_path / "large.bin").exists()
        plan = medshelf.plan(OPEN, tmp_path, web=web)
        assert plan.files[0].here == "part"
        assert 0 < plan.bytes_to_fetch < len(data)
        host.asked.clear()
        got = medshelf.get(OPEN, tmp_path, web=web)
    assert (tmp_path / "large.bin").read_bytes() == data
    assert 0 < got.received_bytes < len(data)
    assert any(ask.headers.get("range", "bytes=0-")[6:8] != "0-" for ask in host.asked if "/files/" in ask.path)


@pytest.mark.parametrize("licence", ["unknown", "CC-BY-NC-4.0"])
def test_a_licence_that_is_not_open_has_to_be_accepted(
    licence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = replace(shelf.load(OPEN), licences=(Licence(licence),))
    host = Zenodo(NUMBER)
    with serving(host, monkeypatch) as web:
        with pytest.raises(AccessNeeded, match="licence") as raised:
            medshelf.get(record, tmp_path, web=web)
        assert f"--accept-licence {licence}" in raised.value.steps[-1]
        with pytest.raises(AccessNeeded):
            medshelf.get(record, tmp_path, accept_licences=["CC-BY-4.0"], web=web)
        assert host.bytes_asked == []
        assert medshelf.get(record, tmp_path, accept_licences=[licence.lower()], web=web).exit_code == 0


def test_no_licence_is_an_unknown_licence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = replace(shelf.load(OPEN), licences=())
    with serving(Zenodo(NUMBER), monkeypatch) as web, pytest.raises(AccessNeeded, match="unknown"):
        medshelf.get(record, tmp_path, web=web)


def test_a_disk_without_room_is_told_before_the_first_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Zenodo(NUMBER)
    usage = type("Usage", (), {"total": 10**12, "free": 1000, "used": 0})
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda folder: usage)
    with serving(host, monkeypatch) as web:
        assert medshelf.plan(OPEN, tmp_path, web=web).free_bytes == 1000
        with pytest.raises(DiskFull):
            medshelf.get(OPEN, tmp_path, web=web)
    assert host.bytes_asked == []


def test_failures_are_collected_and_the_worst_gives_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Zenodo(NUMBER)

    def fault(ask: Ask, reply: Reply) -> Reply:
        if "/readme.txt" in ask.path:
            return Reply(404, b"gone")
        if "/table.csv" in ask.path:
            return Reply(200, b"x" * len(FILES["table.csv"]))
        return reply

    host.fault = fault
    with serving(host, monkeypatch) as web:
        got = medshelf.get(OPEN, tmp_path, web=web)
    assert [one.name for one in got.fetched] == ["large.bin"]
    assert {one.name: one.error.exit_code for one in got.failures} == {"readme.txt": 5, "table.csv": 4}
    assert got.exit_code == 4
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix in (".txt", ".csv", ".bin")) == ["large.bin"]


def test_a_host_that_does_not_answer_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Zenodo(NUMBER)
    host.fault = lambda ask, reply: Reply(404, b"")
    with serving(host, monkeypatch) as web, pytest.raises(medshelf.MedshelfError) as raised:
        medshelf.get(OPEN, tmp_path, web=web)
    assert raised.value.exit_code == 5


def test_without_a_network_what_is_here_is_proved_and_the_rest_fails(tmp_path: Path) -> None:
    with pytest.raises(Offline):
        medshelf.get(OPEN, tmp_path, web=OFFLINE)
    got = medshelf.get("bbbc039", tmp_path, accept_licences=["CC0-1.0"], web=OFFLINE)
    assert {one.error.exit_code for one in got.failures} == {3}
    assert all(isinstance(one.error, Offline) for one in got.failures)


def packed(**members: bytes) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name, data in members.items():
            made.writestr(name, data)
    return stream.getvalue()


def test_archives_are_unpacked_where_nothing_lies_loose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"a.zip": packed(one=b"1", two=b"22"), "b.txt": b"words", "c.zip": packed(**{"../out": b"no"})}
    with serving(Zenodo(NUMBER, files), monkeypatch) as web:
        got = medshelf.get(OPEN, tmp_path / "to", unpack=True, web=web)
    assert ((tmp_path / "to" / "a" / "two").read_bytes(), got.n_unpacked) == (b"22", 2)
    assert [one.name for one in got.failures] == ["c.zip"]
    assert not (tmp_path / "out").exists()


def test_a_plan_carries_its_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Zenodo(NUMBER), monkeypatch) as web:
        plan = medshelf.plan(OPEN, tmp_path, exclude=["large*"], web=web)
        got = medshelf.get(plan, web=web)
    assert {one.name for one in got.fetched} == {"readme.txt", "table.csv"}


def test_no_credential_gets_into_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = Zenodo.SECRET["ZENODO_TOKEN"]
    monkeypatch.setenv("ZENODO_TOKEN", token)
    with serving(Zenodo(NUMBER, restricted=True), monkeypatch) as web:
        got: Any = medshelf.get(OPEN, tmp_path, web=web)
    assert got.exit_code == 0
    assert token not in str(got) + str(got.as_dict())
    assert all(token.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
