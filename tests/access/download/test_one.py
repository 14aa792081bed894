"""One file: proofs, hosts that speak something else than HTTP, what lies in the way."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from medshelf.access.download import Fetched, fetch_file
from medshelf.access.download.job import Job
from medshelf.access.hosts import HostFile
from medshelf.errors import AccessError, Offline
from tests.access.faults.cases import whole
from tests.access.faults.server import cut_after
from tests.access.faults.setting import MEGABYTE, Setting, host, some_bytes

SIZES = (3000, 3 * MEGABYTE)


def git_blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("algorithm", ["sha512", "sha256", "sha1", "md5", "git-blob"])
def test_every_checksum_is_compared_and_recorded(setting: Setting, algorithm: str, size: int) -> None:
    data = some_bytes(size)
    right = git_blob(data) if algorithm == "git-blob" else hashlib.new(algorithm, data).hexdigest()
    setting.server.put("/a.bin", data).faults = [cut_after(size // 2)]
    got = whole(setting.get("/a.bin", checksums={algorithm: right.upper(), "crc32c": "00"}))
    assert got.strength == algorithm


def test_git_blob_of_a_file_whose_size_nobody_tells(setting: Setting) -> None:
    from tests.access.faults.server import chunked

    for size in SIZES:
        data = some_bytes(size)
        setting.server.put(f"/{size}.bin", data, always=chunked())
        got = whole(setting.get(f"/{size}.bin", size=False, checksums={"git-blob": git_blob(data)}))
        assert got.strength == "git-blob"


def test_an_empty_file_that_the_host_states_as_empty(setting: Setting) -> None:
    setting.server.put("/a.txt", b"")
    assert whole(setting.get("/a.txt", checksums={})).size_bytes == 0


def test_the_hash_that_google_sends_with_the_bytes(setting: Setting) -> None:
    import base64

    data = some_bytes(3 * MEGABYTE)
    md5 = base64.b64encode(hashlib.md5(data).digest()).decode()
    sent = {"x_goog_hash": f"crc32c=AAAAAA==,md5={md5}", "x_goog_stored_content_encoding": "identity"}
    served = setting.server.put("/a.bin", data, always=lambda h, served: h.answer(200, data, **sent))
    assert whole(setting.get("/a.bin", checksums={})).strength == "md5"
    (setting.folder / "a.bin").unlink()
    damaged = b"?" + data[1:]
    served.always = lambda h, served: h.answer(200, damaged, **sent)
    assert "md5" in str(setting.get("/a.bin", checksums={}))


class Other:
    """A host that is asked for a stream from a byte on; the stream breaks."""

    def __init__(self, data: bytes, most: int) -> None:
        self.data, self.most, self.starts = data, most, list[int]()

    def host(self) -> SimpleNamespace:
        made = host()
        made.open_at = self.open_at
        return made

    def open_at(self, file: HostFile, ref: str, start: int, web: object) -> io.BufferedIOBase:
        self.starts.append(start)
        if len(self.starts) == 2:
            raise ConnectionResetError
        return io.BytesIO(self.data[start : start + self.most])


def test_a_host_that_does_not_speak_http(setting: Setting) -> None:
    other = Other(some_bytes(3 * MEGABYTE), MEGABYTE)
    file = HostFile("a.bin", "path", len(other.data))
    got = fetch_file(other.host(), file, "it", setting.folder / "a.bin", setting.web())  # type: ignore[arg-type]
    assert got.path.read_bytes() == other.data and got.strength == "size"
    assert other.starts == [0, MEGABYTE, MEGABYTE, 2 * MEGABYTE]


def test_a_part_of_somebody_else_is_not_touched(setting: Setting) -> None:
    setting.server.put("/a.bin", some_bytes(3 * MEGABYTE))
    theirs = setting.folder / "a.bin.part"
    theirs.write_text("mine")
    error = setting.get("/a.bin")
    assert isinstance(error, AccessError) and "in the way" in str(error)
    assert theirs.read_text() == "mine"


def test_a_note_that_is_damaged_costs_the_part_and_nothing_else(setting: Setting) -> None:
    setting.server.put("/a.bin", some_bytes(3 * MEGABYTE))
    (setting.folder / "a.bin.part").write_bytes(b"x" * 5000)
    for note in ("", "[]", "{}", '{"done": 3}', '{"done": [[0, -5]], "format": 1}'):
        (setting.folder / "a.bin").unlink(missing_ok=True)
        (setting.folder / "a.bin.part").write_bytes(b"x" * 5000)
        (setting.folder / "a.bin.part.json").write_text(note)
        whole(setting.get("/a.bin", checksums={}))


def test_a_note_that_promises_more_than_is_there(setting: Setting) -> None:
    served = setting.server.put("/a.bin", some_bytes(3 * MEGABYTE))
    served.faults = [cut_after(2 * MEGABYTE), *[lambda h, s: h.answer(404)]]
    assert not isinstance(setting.get("/a.bin", checksums={}), Fetched)
    part = setting.folder / "a.bin.part"
    with open(part, "r+b") as stream:
        stream.truncate(100)
    whole(setting.get("/a.bin", checksums={}))


def test_without_a_validator_and_a_checksum_nothing_is_continued(setting: Setting) -> None:
    served = setting.server.put("/a.bin", some_bytes(3 * MEGABYTE), etag=None)
    served.faults = [cut_after(2 * MEGABYTE), *[lambda h, s: h.answer(404)]]
    assert not isinstance(setting.get("/a.bin", checksums={}), Fetched)
    served.data = some_bytes(3 * MEGABYTE, 1)  # of the same size: nothing would tell
    whole(setting.get("/a.bin", checksums={}))
    assert setting.starts(served)[-1] == 0


def test_offline_asks_nothing(setting: Setting) -> None:
    from medshelf.access.web import Web

    served = setting.server.put("/a.bin", b"x")
    assert isinstance(setting.get("/a.bin", web=Web(offline=True)), Offline)
    assert not served.asked


def test_a_file_that_is_here_is_replaced_only_by_a_whole_one(setting: Setting) -> None:
    served = setting.server.put("/a.bin", some_bytes(3000))
    (setting.folder / "a.bin").write_bytes(b"old")
    served.always = lambda h, s: h.answer(404)
    assert not isinstance(setting.get("/a.bin"), Fetched)  # and `get` has seen that the old one is still there
    served.always = None
    whole(setting.get("/a.bin"))


def test_bytes_that_the_disk_lost_are_not_published(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system tells of lost bytes once, to the note; the file must not get its name afterwards."""
    import errno

    from medshelf.access.download import place
    from medshelf.access.download.job import Saver

    synced = []
    real = place._sync_data

    def sync(handle: int) -> None:
        synced.append(handle)
        if len(synced) == 1:
            raise OSError(errno.EIO, "Input/output error")
        real(handle)

    monkeypatch.setattr(place, "_sync_data", sync)
    monkeypatch.setattr(Saver, "EVERY_S", 0.02)
    setting.server.put("/a.bin", some_bytes(3 * MEGABYTE), rate_bytes_per_s=20e6)
    error = setting.get("/a.bin")
    assert isinstance(error, AccessError) and "Input/output" in str(error)
    assert len(synced) == 1
    whole(setting.get("/a.bin"))


def test_a_part_that_another_fills_is_left_alone(setting: Setting) -> None:
    from medshelf.access.download.owner import Owner

    setting.server.put("/a.bin", some_bytes(3 * MEGABYTE))
    other = Owner(setting.folder / "a.bin.part.owner")
    other.take()
    error = setting.get("/a.bin")
    assert isinstance(error, AccessError) and "something else is being fetched" in str(error)
    assert setting.left("a.bin") == ["a.bin.part.owner"]
    other.release()
    whole(setting.get("/a.bin"))


def test_a_part_that_somebody_shortens_is_an_error(setting: Setting) -> None:
    setting.server.put("/a.bin", some_bytes(6 * MEGABYTE), rate_bytes_per_s=20e6)

    def shorten(there: int, size: int | None, name: str) -> None:
        if there >= 3 * MEGABYTE:
            os.truncate(setting.folder / "a.bin.part", 10)

    assert not isinstance(setting.get("/a.bin", progress=shorten), Fetched)


@pytest.mark.parametrize(
    "change", [os.truncate, lambda path, n_bytes: path.write_bytes(b"?" * n_bytes), lambda path, _: path.unlink()]
)
def test_a_part_that_is_changed_at_the_last_moment_gets_no_name(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path, int], object]
) -> None:
    from medshelf.access.download import one

    setting.server.put("/a.bin", some_bytes(3 * MEGABYTE))
    real = one.prove

    def prove(job: Job) -> tuple[str, str]:
        proved = real(job)
        change(job.part.path, 5000)
        return proved

    monkeypatch.setattr(one, "prove", prove)
    error = setting.get("/a.bin")
    assert isinstance(error, AccessError), error
    monkeypatch.undo()
    whole(setting.get("/a.bin"))
