"""Many files into one folder."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from medshelf.access.download import LOCK_NAME, Report, Source, Wanted, fetch_all, read_lock
from medshelf.access.download.crew import helps
from medshelf.access.hosts import Address, HostFile, Limits, Need
from medshelf.errors import AccessError, AccessNeeded, DiskFull, NotFound, NotWhole
from tests.access.faults.server import cut_after, serve, status
from tests.access.faults.setting import MEGABYTE, Setting, host, some_bytes

NAMES = tuple(f"case_{n}/image.bin" for n in range(12))


def wanted(s: Setting, name: str, *, by: SimpleNamespace | None = None, checksums: bool = True) -> Wanted:
    served = s.server.files[f"/{name}"]
    sums = {"sha256": served.sha256} if checksums else {}
    file = HostFile(name, s.server.url(f"/{name}"), len(served.data), sums)
    return Wanted(Source(by or host(), file, "it"))  # type: ignore[arg-type]


def put_all(s: Setting) -> list[Wanted]:
    for n, name in enumerate(NAMES):
        s.server.put(f"/{name}", some_bytes(5000 + n, n))
    return [wanted(s, name) for name in NAMES]


def asked(s: Setting) -> int:
    return sum(len(one.asked) for one in s.server.files.values())


def test_all_are_fetched_and_named_in_the_lock_file(setting: Setting) -> None:
    files = put_all(setting)
    report = fetch_all(files, setting.folder, setting.web())
    assert [one.name for one in report.fetched] == list(NAMES) and not report.failures
    lock = read_lock(setting.folder)
    for one in report.fetched:
        served = setting.server.files[f"/{one.name}"]
        assert one.path.read_bytes() == served.data
        entry = lock[one.name]
        assert (entry.sha256, entry.size_bytes, entry.ref, entry.strength, entry.when) == (
            served.sha256, len(served.data), "test:it", "sha256", one.when,
        )  # fmt: skip
    assert {one.name for one in setting.folder.iterdir()} == {LOCK_NAME, *(name.split("/")[0] for name in NAMES)}


def test_what_is_here_is_verified_and_not_fetched(setting: Setting) -> None:
    files = put_all(setting)
    fetch_all(files, setting.folder, setting.web())
    before = asked(setting)
    report = fetch_all(files, setting.folder, setting.web())
    assert len(report.fetched) == len(NAMES) and asked(setting) == before
    assert all(one.received_bytes == 0 for one in report.fetched)

    damaged = setting.folder / NAMES[3]
    damaged.write_bytes(b"?" + damaged.read_bytes()[1:])
    fetch_all(files, setting.folder, setting.web(), existing="trust")
    assert asked(setting) == before and damaged.read_bytes()[:1] == b"?"
    fetch_all(files, setting.folder, setting.web())
    assert asked(setting) == before + 1
    assert damaged.read_bytes() == setting.server.files[f"/{NAMES[3]}"].data

    fetch_all(files, setting.folder, setting.web(), existing="replace")
    assert asked(setting) == before + 1 + len(NAMES)


def test_failures_are_collected_while_the_rest_goes_on(setting: Setting) -> None:
    files = put_all(setting)
    setting.server.files[f"/{NAMES[0]}"].always = status(404)
    setting.server.files[f"/{NAMES[1]}"].always = status(200, b"<!doctype html>" + b" " * 4985 + b"!")
    names = ("../out", "/out", "a/../b", "C:x", "a\\b", "", LOCK_NAME)
    bad = [replace(files[4].source, file=replace(files[4].source.file, name=name)) for name in names]
    report = fetch_all([*files, files[5], *map(Wanted, bad)], setting.folder, setting.web())
    errors = {one.name: one.error for one in report.failures}
    assert isinstance(errors[NAMES[0]], NotFound)
    assert isinstance(errors[NAMES[1]], NotWhole)
    assert isinstance(errors[NAMES[5]], AccessError) and "same name" in str(errors[NAMES[5]])
    assert all(isinstance(errors[one.file.name], AccessError) for one in bad)
    assert {one.name for one in report.fetched} == set(NAMES[2:])
    assert {one.name for one in setting.folder.parent.iterdir()} == {"data"}


def test_a_need_is_asked_once_for_all_files_of_a_reference(setting: Setting) -> None:
    put_all(setting)
    needs: list[str] = []

    def ask(ref: str, web: object) -> Need:
        needs.append(ref)
        return Need("account", "An account is needed", ("Make one",))

    by = host(parallel=1)
    by.needs = ask
    for one in setting.server.files.values():
        one.always = status(403)
    report = fetch_all([wanted(setting, name, by=by) for name in NAMES], setting.folder, setting.web())
    assert len(report.failures) == len(NAMES)
    assert all(isinstance(one.error, AccessNeeded) for one in report.failures)
    assert needs == ["it"] and asked(setting) == 2


def test_a_host_that_is_down_is_given_up_once(setting: Setting) -> None:
    put_all(setting)
    files = [
        replace(
            one, source=replace(one.source, file=replace(one.source.file, locator=f"http://127.0.0.1:9/{one.name}"))
        )
        for one in (wanted(setting, name) for name in NAMES)
    ]
    begun = time.monotonic()
    report = fetch_all(files, setting.folder, setting.web())
    assert len(report.failures) == len(NAMES) and not report.fetched
    assert time.monotonic() - begun < 5
    assert sum(setting.waits) < 4 * 10  # four streams, each within its patience, and nobody after them


def test_a_mirror_with_the_same_bytes_serves_and_is_recorded(setting: Setting) -> None:
    served = setting.server.put("/a.bin", some_bytes(3 * MEGABYTE))
    setting.server.put("/mirror/a.bin", served.data, etag='"other"')
    setting.server.put("/wrong/a.bin", some_bytes(3 * MEGABYTE, 1))
    served.faults = [cut_after(2 * MEGABYTE)]
    served.always = status(404)
    first = wanted(setting, "a.bin").source
    at = [
        Source(host(), replace(first.file, locator=setting.server.url(f"/{place}/a.bin"), checksums=sums), place)  # type: ignore[arg-type]
        for place, sums in (("wrong", {"sha256": "0" * 64}), ("wrong", {}), ("mirror", first.file.checksums))
    ]
    report = fetch_all([Wanted(first, tuple(at))], setting.folder, setting.web())
    (got,) = report.fetched
    assert got.ref == "test:mirror" and got.path.read_bytes() == served.data
    assert read_lock(setting.folder)["a.bin"].ref == "test:mirror"
    assert not setting.server.files["/wrong/a.bin"].asked
    assert setting.starts(setting.server.files["/mirror/a.bin"])[0] > MEGABYTE  # it went on where the first ended


def test_the_lock_file_vouches_where_the_host_does_not(setting: Setting) -> None:
    served = setting.server.put("/a.bin", some_bytes(9000))
    files = [wanted(setting, "a.bin", checksums=False)]
    (first,) = fetch_all(files, setting.folder, setting.web()).fetched
    assert first.strength == "size"
    first.path.unlink()
    served.data = some_bytes(9000, 1)
    (failure,) = fetch_all(files, setting.folder, setting.web()).failures
    assert isinstance(failure.error, NotWhole) and first.sha256 in str(failure.error)
    (again,) = fetch_all(files, setting.folder, setting.web(), existing="replace").fetched
    assert again.sha256 == served.sha256 == read_lock(setting.folder)["a.bin"].sha256


def test_no_credential_is_written(setting: Setting) -> None:
    setting.server.put("/a.bin", some_bytes(3 * MEGABYTE), always=cut_after(2 * MEGABYTE))
    url = setting.server.url("/a.bin") + "?token=s3cret&X-Amz-Signature=s3cret"
    by = host()
    by.address = lambda file, ref, web: Address(url, {"Authorization": "s3cret"})
    file = HostFile("a.bin", url, 3 * MEGABYTE)
    setting.server.files["/a.bin"].faults = [cut_after(2 * MEGABYTE), status(404)]
    report = fetch_all([Wanted(Source(by, file, url))], setting.folder, setting.web())  # type: ignore[arg-type]
    assert "s3cret" not in str(report.failures[0].error) + report.failures[0].ref
    note = (setting.folder / "a.bin.part.json").read_text()
    assert "s3cret" not in note and '"etag"' in note
    fetch_all([Wanted(Source(by, file, url))], setting.folder, setting.web())  # type: ignore[arg-type]
    assert "s3cret" not in (setting.folder / LOCK_NAME).read_text()
    assert (setting.folder / "a.bin").exists()


def test_a_host_bears_no_more_streams_and_requests_than_it_says(setting: Setting) -> None:
    now, most, lock = 0, 0, threading.Lock()

    def counting(handler: object, served: object) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.06)
        with lock:
            now -= 1
        serve(handler, served)  # type: ignore[arg-type]

    put_all(setting)
    for one in setting.server.files.values():
        one.always = counting
    by = host()
    by.LIMITS = Limits(parallel=2, per_second=40)
    begun = time.monotonic()
    web = setting.web()
    web.sleep = time.sleep
    fetch_all([wanted(setting, name, by=by) for name in NAMES], setting.folder, web, jobs=16)
    assert most == 2
    assert time.monotonic() - begun >= (len(NAMES) - 1) / 40


def test_a_host_that_lets_wait_gets_all_the_streams_that_it_bears(setting: Setting) -> None:
    now, most, lock = 0, 0, threading.Lock()

    def waiting(handler: object, served: object) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.3)
        with lock:
            now -= 1
        serve(handler, served)  # type: ignore[arg-type]

    files = put_all(setting)
    for one in setting.server.files.values():
        one.always = waiting
    report = fetch_all([replace(one, source=replace(one.source, host=host(parallel=4))) for one in files],
                       setting.folder, setting.web(stall_s=5))  # type: ignore[arg-type]  # fmt: skip
    assert len(report.fetched) == len(NAMES) and most == 4


@pytest.mark.parametrize(
    ("busy", "n_threads", "more"),
    [(0.1, 2, True), (0.7, 4, True), (1.0, 2, False), (1.2, 4, False), (1.9, 2, True), (1.9, 4, False), (3.8, 4, True)],
)
def test_more_threads_help_who_waits_for_hosts_or_hashes_and_nobody_else(
    busy: float, n_threads: int, more: bool
) -> None:
    assert helps(busy, n_threads) is more


def test_spans_of_several_files_share_the_streams_of_their_host(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medshelf.access.download.fill.SPAN_BYTES", 400_000)
    now, most, lock = 0, 0, threading.Lock()

    def counting(handler: object, served: object) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.03)
        with lock:
            now -= 1
        serve(handler, served)  # type: ignore[arg-type]

    for n in range(3):
        setting.server.put(f"/{n}.bin", some_bytes(2 * MEGABYTE, n), always=counting)
    by = host(split_from=MEGABYTE, parallel=3)
    report = fetch_all([wanted(setting, f"{n}.bin", by=by) for n in range(3)], setting.folder, setting.web())
    assert len(report.fetched) == 3
    assert asked(setting) == 15
    assert most == 3


def test_a_limit_holds_for_all_streams_together(setting: Setting) -> None:
    for n in range(3):
        setting.server.put(f"/{n}.bin", some_bytes(MEGABYTE, n))
    web = setting.web()
    web.sleep = time.sleep
    begun = time.monotonic()
    report = fetch_all([wanted(setting, f"{n}.bin") for n in range(3)], setting.folder, web, limit_bytes_per_s=4e6)
    assert len(report.fetched) == 3
    assert 0.6 <= time.monotonic() - begun < 3


def test_progress_is_told_one_call_at_a_time(setting: Setting) -> None:
    inside, told = [0], []

    def progress(there: int, size: int | None, name: str) -> None:
        inside[0] += 1
        assert inside[0] == 1
        told.append((there, size, name))
        time.sleep(0.001)
        inside[0] -= 1

    fetch_all(put_all(setting), setting.folder, setting.web(), progress=progress)
    for name in NAMES:
        size = len(setting.server.files[f"/{name}"].data)
        assert (size, size, name) in told


def test_disk_and_inodes_are_asked_first(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    files = put_all(setting)
    gigabyte = 1 << 30
    usage = SimpleNamespace(total=100 * gigabyte, used=0, free=2 * gigabyte + 50_000)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage)
    with pytest.raises(DiskFull, match="stay free"):
        fetch_all(files, setting.folder, setting.web())
    usage.free += 50_000
    monkeypatch.setattr("medshelf.access.download.room._files_left", lambda folder: len(NAMES) - 1)
    with pytest.raises(DiskFull, match="inodes"):
        fetch_all(files, setting.folder, setting.web())
    assert asked(setting) == 0
    monkeypatch.setattr("medshelf.access.download.room._files_left", lambda folder: len(NAMES))
    assert not fetch_all(files, setting.folder, setting.web()).failures


def test_a_full_disk_ends_the_rest(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def full(target: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("medshelf.access.download.spool.put_small", full)
    by = host(parallel=1)
    put_all(setting)
    report = fetch_all([wanted(setting, name, by=by) for name in NAMES], setting.folder, setting.web())
    assert all(isinstance(one.error, DiskFull) for one in report.failures) and len(report.failures) == len(NAMES)
    assert asked(setting) == 1


def test_what_killed_processes_left_is_swept(setting: Setting) -> None:
    import os

    files = put_all(setting)
    folder = (setting.folder / NAMES[0]).parent
    folder.mkdir()
    stray, young, theirs = (folder / name for name in (".0a.medshelf-new", ".0b.medshelf-new", "x.part.json"))
    for one in (stray, young, theirs):
        one.write_text("{}")
    os.utime(stray, (0, 0))
    fetch_all(files, setting.folder, setting.web())
    assert not stray.exists() and young.exists() and theirs.exists()


def test_a_damaged_lock_file_is_an_error_and_stays(setting: Setting) -> None:
    (setting.folder / LOCK_NAME).write_text('{"format": 1, "files": {"a"')
    with pytest.raises(AccessError, match="lock file"):
        fetch_all(put_all(setting), setting.folder, setting.web())
    (setting.folder / LOCK_NAME).write_text(json.dumps({"format": 9, "files": {}}))
    with pytest.raises(AccessError, match="another version"):
        fetch_all(put_all(setting), setting.folder, setting.web())
    assert json.loads((setting.folder / LOCK_NAME).read_text())["format"] == 9


def test_nothing_wanted_is_nothing_done(setting: Setting) -> None:
    assert fetch_all([], setting.folder, setting.web()) == Report((), ())
