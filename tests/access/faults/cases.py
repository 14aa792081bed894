"""The faults, each a function that provokes it, checks what became of the file and returns a remark for the table."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from itertools import count
from types import SimpleNamespace

from medshelf.access.download import Fetched
from medshelf.access.hosts import Address, HostFile, Limits, Need
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded, MedshelfError, NotFound, NotWhole
from tests.access.faults.server import (
    changed_to,
    chunked,
    cut_after,
    no_ranges,
    serve,
    shifted_range,
    stall_after,
    status,
    until_close,
)  # fmt: skip
from tests.access.faults.setting import MEGABYTE, Setting, host, some_bytes

Case = Callable[[Setting], str]
DATA = some_bytes(3 * MEGABYTE)
OTHER = some_bytes(3 * MEGABYTE, seed=1)
PAGE = b"<!DOCTYPE html><html><title>Quota exceeded</title>" + b" " * 3000


def cut_at_random(s: Setting) -> str:
    """connection cut at random bytes, every time"""
    draw = random.Random(5)
    for n in range(20):
        served = s.server.put(f"/{n}.bin", DATA)
        served.faults = [cut_after(draw.randrange(MEGABYTE), rudely=bool(n % 2)) for _ in range(draw.randrange(1, 8))]
        whole(s.get(f"/{n}.bin"))
        assert served.sent_bytes < 2 * len(DATA) or n % 2, "it began anew instead of going on"
    return "20 files, whole, continued where they broke"


def cut_in_spans(s: Setting) -> str:
    """connection cut at random bytes, in parallel spans"""
    data = some_bytes(40 * MEGABYTE, seed=2)
    served = s.server.put("/big.bin", data)
    draw = random.Random(6)
    served.faults = [cut_after(draw.randrange(3 * MEGABYTE)) for _ in range(12)]
    whole(s.get("/big.bin", by=host(split_from=MEGABYTE)))
    assert len(s.starts(served)) >= 8
    assert served.sent_bytes < 1.6 * len(data)
    return f"whole, {len(served.asked)} requests"


def breaks_500_times(s: Setting) -> str:
    """connection cut 500 times, a little further each time"""
    served = s.server.put("/a.bin", DATA)
    served.faults = [cut_after(5_500) for _ in range(500)]
    whole(s.get("/a.bin"))
    assert len(served.asked) > 500
    return f"whole after {len(served.asked)} requests"


def wrong_range(s: Setting) -> str:
    """206 with another range than asked for"""
    served = s.server.put("/a.bin", DATA)
    served.faults = [cut_after(2 * MEGABYTE), shifted_range, shifted_range]
    whole(s.get("/a.bin", checksums={}))
    return "whole, fetched anew without ranges"


def wrong_range_in_spans(s: Setting) -> str:
    """206 with another range, in parallel spans"""
    served = s.server.put("/a.bin", some_bytes(40 * MEGABYTE, seed=2), always=shifted_range)
    whole(s.get("/a.bin", checksums={}, by=host(split_from=MEGABYTE)))
    assert s.starts(served)[-1] == 0 and "range" not in served.asked[-1][1]
    return "whole, fetched anew in one stream"


def ranges_ignored(s: Setting) -> str:
    """200 to a range request on resume"""
    served = s.server.put("/a.bin", DATA, etag=None)
    served.faults = [cut_after(2 * MEGABYTE), no_ranges]
    whole(s.get("/a.bin"))
    assert s.starts(served)[1] > 0
    return "whole, begun anew, nothing appended"


def ranges_ignored_and_changed(s: Setting) -> str:
    """200 to a range request, another state of the same size, cut; no ETag"""
    served = s.server.put("/a.bin", DATA, etag=None)

    def whole_but_cut(handler: object, served: object) -> None:
        del handler.headers["Range"]  # type: ignore[attr-defined]
        cut_after(MEGABYTE)(handler, served)  # type: ignore[arg-type]

    served.faults = [cut_after(2 * MEGABYTE), changed_to(OTHER, None, whole_but_cut)]
    whole(s.get("/a.bin", checksums={}))
    assert s.starts(served)[2] <= MEGABYTE
    return "whole, all of it the new state"


def earlier_range_in_spans(s: Setting) -> str:
    """206 with as many bytes as asked for, from the beginning, in parallel spans"""

    def earlier(handler: object, served: object) -> None:
        asked = handler.headers.get("Range")  # type: ignore[attr-defined]
        if asked:
            start, stop = (int(part) for part in asked.removeprefix("bytes=").split("-"))
            handler.headers.replace_header("Range", f"bytes=0-{stop - start}")  # type: ignore[attr-defined]
        serve(handler, served)  # type: ignore[arg-type]

    s.server.put("/a.bin", some_bytes(48 << 20, seed=2), always=earlier)
    whole(s.get("/a.bin", checksums={}, by=host(split_from=MEGABYTE)))
    return "whole, fetched anew in one stream"


def ranges_ignored_in_spans(s: Setting) -> str:
    """200 to a range request, in parallel spans"""
    s.server.put("/a.bin", some_bytes(40 * MEGABYTE, seed=2), always=no_ranges)
    whole(s.get("/a.bin", by=host(split_from=MEGABYTE)))
    return "whole, in one stream"


def changed_while_resumed(s: Setting) -> str:
    """file changed before the resume (If-Range: 200)"""
    served = s.server.put("/a.bin", DATA)
    served.faults = [cut_after(2 * MEGABYTE), changed_to(OTHER, '"two"', serve)]
    whole(s.get("/a.bin", checksums={}))
    assert served.asked[1][1]["if-range"] == '"one"'
    return "whole, all of it the new state"


def changed_and_if_range_ignored(s: Setting) -> str:
    """file changed, server ignores If-Range (206, other ETag)"""

    def careless(handler: object, served: object) -> None:
        del handler.headers["If-Range"]  # type: ignore[attr-defined]
        serve(handler, served)  # type: ignore[arg-type]

    served = s.server.put("/a.bin", DATA)
    served.faults = [cut_after(2 * MEGABYTE), changed_to(OTHER, '"two"', careless)]
    whole(s.get("/a.bin", checksums={}))
    return "whole, all of it the new state"


def changed_size(s: Setting) -> str:
    """file changed to another size, no ETag"""
    served = s.server.put("/a.bin", DATA, etag=None)
    served.faults = [cut_after(2 * MEGABYTE), changed_to(OTHER[:-1000], None, serve)]
    whole(s.get("/a.bin", size=False, checksums={}))
    return "whole, all of it the new state"


def changes_for_ever(s: Setting) -> str:
    """file changes at every request"""
    numbers = count()

    def another(handler: object, served: object) -> None:
        n = next(numbers)
        changed_to(some_bytes(3 * MEGABYTE, n), f'"{n}"', cut_after(2 * MEGABYTE))(handler, served)  # type: ignore[arg-type]

    served = s.server.put("/a.bin", DATA, always=another)
    failed(s.get("/a.bin", checksums={}), AccessError)
    return f"absent: an error after {len(served.asked)} requests"


def busy_with_time(s: Setting) -> str:
    """429 with Retry-After in seconds"""
    s.server.put("/a.bin", DATA).faults = [status(429, Retry_After="7")]
    whole(s.get("/a.bin"))
    assert sum(s.waits) >= 6.9
    return "whole, waited as long as asked"


def busy_with_date(s: Setting) -> str:
    """429 with Retry-After as a date"""
    s.server.put("/a.bin", DATA).faults = [status(429, Retry_After=formatdate(time.time() + 9, usegmt=True))]
    whole(s.get("/a.bin"))
    assert 7 <= sum(s.waits) <= 25
    return "whole, waited as long as asked"


def busy_without_time(s: Setting) -> str:
    """429 without Retry-After, five times"""
    s.server.put("/a.bin", DATA).faults = [status(429)] * 5
    whole(s.get("/a.bin"))
    assert s.waits
    return "whole, waited at random, ever longer"


def busy_for_ever(s: Setting) -> str:
    """429 for ever, Retry-After: 3600"""
    served = s.server.put("/a.bin", DATA, always=status(429, Retry_After="3600"))
    error = failed(s.get("/a.bin"), AccessError)
    assert "429" in str(error) and "3600 s" in str(error) and len(served.asked) == 1
    return f"absent: an error after {len(served.asked)} requests"


def server_error(s: Setting) -> str:
    """500, then 503, in the middle"""
    s.server.put("/a.bin", DATA).faults = [cut_after(MEGABYTE), status(500), status(503), status(502)]
    whole(s.get("/a.bin"))
    return "whole"


def server_error_for_ever(s: Setting) -> str:
    """500 for ever"""
    s.server.put("/a.bin", DATA, always=status(500))
    error = failed(s.get("/a.bin"), AccessError)
    assert "500" in str(error)
    return "absent: an error with the status"


def stalled(s: Setting) -> str:
    """stalled stream"""
    served = s.server.put("/a.bin", DATA)
    served.faults = [stall_after(MEGABYTE, 30.0)]
    begun = time.monotonic()
    whole(s.get("/a.bin"))
    assert time.monotonic() - begun < 10
    assert s.starts(served)[1] > 0
    return "whole, given up after the stall, continued"


def page_instead(s: Setting) -> str:
    """a web page with status 200"""
    for name in ("a.zip", "a.nii.gz", "a.csv", "a.dcm", "a.json", "a.h5"):
        s.server.put(f"/{name}", PAGE, type="text/html")
        error = failed(s.get(f"/{name}", size=False, checksums={}), NotWhole)
        assert "web page" in str(error)
    return "absent: the error says that a page came"


def page_on_resume(s: Setting) -> str:
    """a web page with status 200 to a resume"""
    served = s.server.put("/a.zip", DATA)
    served.faults = [cut_after(2 * MEGABYTE), status(200, PAGE), status(200, PAGE)]
    failed(s.get("/a.zip"), NotWhole)
    assert s.left("a.zip") == ["a.zip.part", "a.zip.part.json"]
    whole(s.get("/a.zip"))
    assert s.starts(served)[-1] > MEGABYTE
    return "absent, what came is kept; whole the next time"


def messages_instead(s: Setting) -> str:
    """XML, JSON, LFS pointer, 0 bytes, wrong kind with status 200"""
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12\n"
    wrong = {
        "a.zip": b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "b.nii.gz": b'{"message": "no"}',
        "c.txt": pointer, "d.zip": b"", "e.png": b"%PDF-1.4 " * 99, "f.7z": b"\0" * 5000, "g.rar": b"\1" * 5000,
        "h.dcm": b"x" * 5000, "i.nii": b"x" * 5000, "j.h5": b"x" * 5000, "k.zip": b"x" * 5000, "l.pdf": b"x" * 5000,
        "m.gz": b"x" * 5000, "n.jpg": b"x" * 5000,
    }  # fmt: skip
    for name, body in wrong.items():
        s.server.put(f"/{name}", body)
        failed(s.get(f"/{name}", size=False, checksums={}), NotWhole)
    return f"absent: {len(wrong)} errors that say what came"


def not_ready(s: Setting) -> str:
    """202, and a guard against robots"""
    s.server.put("/a.bin", DATA).faults = [status(202, b""), status(202, b"")]
    whole(s.get("/a.bin"))
    s.server.put("/b.bin", DATA, always=status(202, b"", x_amzn_waf_action="challenge"))
    error = failed(s.get("/b.bin"), NotWhole)
    assert "robots" in str(error)
    return "202: whole later; guard: absent, an error"


def encoded(s: Setting) -> str:
    """Content-Encoding over the file"""
    s.server.put("/a.csv", DATA, always=status(200, DATA, Content_Encoding="gzip"))
    failed(s.get("/a.csv", size=False, checksums={}), NotWhole)
    return "absent: an error"


def wrong_checksum(s: Setting) -> str:
    """wrong checksum, always"""
    for n, algorithm in enumerate(("sha256", "sha512", "sha1", "md5", "git-blob")):
        served = s.server.put(f"/{n}.bin", DATA)
        error = failed(s.get(f"/{n}.bin", checksums={algorithm: "0" * 40}), NotWhole)
        assert len(served.asked) == 2 and "expected 000" in str(error)
        assert s.left(f"{n}.bin") == []
    return "absent: fetched anew once, then expected and found"


def wrong_once(s: Setting) -> str:
    """bytes damaged on the way, once"""
    right = s.server.put("/a.bin", DATA)
    damaged = DATA[:9000] + b"?" + DATA[9001:]

    def damage(handler: object, served: object) -> None:
        handler.answer(200, damaged)  # type: ignore[attr-defined]

    right.faults = [damage]
    whole(s.get("/a.bin"))
    return "whole, fetched anew once"


def chunks_cut(s: Setting) -> str:
    """chunked body, cut"""
    served = s.server.put("/a.bin", DATA)
    served.faults = [chunked(cut_at=2 * MEGABYTE), chunked(cut_at=100_000)]
    whole(s.get("/a.bin", size=False, checksums={}))
    return "whole"


def chunks_whole(s: Setting) -> str:
    """chunked body without a size, twice broken"""
    s.server.put("/a.bin", DATA, always=chunked())
    got = whole(s.get("/a.bin", size=False, checksums={}))
    assert got.strength == "none"
    return "whole, strength none"


def ends_with_connection(s: Setting) -> str:
    """zip without a length, cut: only its structure tells"""
    from io import BytesIO
    from zipfile import ZipFile

    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.writestr("a", DATA)
    s.server.put("/a.zip", buffer.getvalue(), always=until_close(2 * MEGABYTE))
    failed(s.get("/a.zip", size=False, checksums={}), NotWhole)
    s.server.files["/a.zip"].always = until_close()
    assert whole(s.get("/a.zip", size=False, checksums={})).strength == "structural"
    return "absent while cut; whole: strength structural"


def size_is_wrong(s: Setting) -> str:
    """another size than the host's list states"""
    served = s.server.put("/a.bin", DATA, always=lambda handler, served: handler.answer(200, DATA[:-7]))
    error = failed(s.get("/a.bin"), NotWhole)
    assert f"{len(DATA)}" in str(error)
    served.always = lambda handler, served: chunked()(handler, type(served)(DATA + b"more"))
    failed(s.get("/a.bin", checksums={}), NotWhole)
    return "absent: expected and found"


def signature_expires(s: Setting) -> str:
    """signature runs out, again and again"""
    served = s.server.put("/a.bin", DATA)
    signed = Signed(s.server.url("/a.bin"), uses=2)

    def guarded(handler: object, served: object) -> None:
        if not signed.is_good(handler.path):  # type: ignore[attr-defined]
            status(403, b"<Error><Message>Request has expired</Message></Error>")(handler, served)  # type: ignore[arg-type]
        else:
            cut_after(400_000)(handler, served)  # type: ignore[arg-type]

    served.always = guarded
    whole(s.get("/a.bin", by=signed.host()))
    assert signed.n_signed >= 4
    for _, sent in served.asked:
        assert "authorization" not in sent
    return f"whole, signed anew {signed.n_signed - 1} times"


def refused(s: Setting) -> str:
    """403 for ever: a person has to do something"""
    served = s.server.put("/a.bin", DATA, always=status(403))
    need = Need("data-use-agreement", "The agreement is not signed", ("Open the page", "Sign it"))
    error = failed(s.get("/a.bin", by=host(need=need)), AccessNeeded)
    assert "1. Open the page" in str(error) and len(served.asked) == 2
    failed(s.get("/a.bin"), AccessError)
    return "absent: the steps are told"


def gone(s: Setting) -> str:
    """404 and 410"""
    for code in (404, 410):
        served = s.server.put("/a.bin", DATA, always=status(code))
        failed(s.get("/a.bin"), NotFound)
        assert len(served.asked) == 1
    return "absent: not found, asked once"


def beyond_the_end(s: Setting) -> str:
    """416: the file became shorter"""
    served = s.server.put("/a.bin", DATA, etag=None, modified="Mon, 01 Jan 2024 00:00:00 GMT")
    served.faults = [chunked(cut_at=2 * MEGABYTE)]
    shorter = DATA[:MEGABYTE]
    served.faults.append(changed_to(shorter, None, serve))
    whole(s.get("/a.bin", size=False, checksums={}))
    assert len(served.asked) == 3
    return "whole, begun anew"


def unreachable(s: Setting) -> str:
    """nobody listens"""
    from medshelf.access.download import fetch_file

    target = s.folder / "a.bin"
    with suppress(MedshelfError):
        fetch_file(host(), HostFile("a.bin", "http://127.0.0.1:9/a.bin", 5), "it", target, s.web())  # type: ignore[arg-type]
        raise AssertionError("fetched from nobody")
    assert not target.exists() and sum(s.waits) < 10
    return "absent: an error"


def credentials_on_redirect(s: Setting) -> str:
    """redirect to another origin: credentials stay behind"""
    from tests.access.faults.server import running

    with running() as other:
        there = other.put("/b.bin", DATA)
        here = s.server.put("/a.bin", DATA, always=lambda h, served: h.answer(302, Location=other.url("/b.bin")))
        by = host()
        by.address = lambda file, ref, web: Address(
            file.locator, {"Authorization": "Bearer s3cret", "X-Odd-Token": "s3cret"}
        )
        there.faults = [cut_after(MEGABYTE)]
        whole(s.get("/a.bin", by=by))
        assert all(sent["authorization"] == "Bearer s3cret" for _, sent in here.asked)
        assert all("s3cret" not in str(sent) for _, sent in there.asked)
        assert len(there.asked) == 2 and len(here.asked) == 2
    return "whole; the other origin saw none"


def two_threads(s: Setting) -> str:
    """two threads at once"""
    s.server.put("/a.bin", DATA, rate_bytes_per_s=6e6)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(s_get_quietly(s, "/a.bin"))) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    n_whole = sum(isinstance(one, Fetched) for one in found)
    assert n_whole >= 1 and len(found) == 2
    assert (s.folder / "a.bin").read_bytes() == DATA
    return f"whole; {2 - n_whole} was told that another fetches it"


def s_get_quietly(s: Setting, path: str) -> object:
    from medshelf.access.download import fetch_file

    served = s.server.files[path]
    file = HostFile("a.bin", s.server.url(path), len(served.data), {"sha256": served.sha256})
    try:
        return fetch_file(host(), file, "it", s.folder / "a.bin", s.web())  # type: ignore[arg-type]
    except MedshelfError as error:
        return error


class Signed:
    """A host that signs addresses, each good for a few requests."""

    def __init__(self, url: str, uses: int) -> None:
        self.url = url
        self.uses = uses
        self.n_signed = 0
        self.left: dict[str, int] = {}

    def host(self) -> SimpleNamespace:
        return SimpleNamespace(NAME="test", LIMITS=Limits(), address=self.address, needs=lambda ref, web: None)

    def address(self, file: HostFile, ref: str, web: Web) -> Address:
        self.n_signed += 1
        self.left[f"{self.n_signed}"] = self.uses
        return Address(f"{self.url}?X-Amz-Signature={self.n_signed}")

    def is_good(self, path: str) -> bool:
        number = path.rpartition("=")[2]
        self.left[number] -= 1
        return self.left[number] >= 0


def whole(got: Fetched | MedshelfError) -> Fetched:
    assert isinstance(got, Fetched), f"not fetched: {got!r}"
    return got


def failed(got: Fetched | MedshelfError, kind: type[MedshelfError]) -> MedshelfError:
    assert isinstance(got, kind), f"expected {kind.__name__}, got {got!r}"
    return got


CASES: tuple[Case, ...] = (
    cut_at_random, cut_in_spans, breaks_500_times, wrong_range, wrong_range_in_spans, ranges_ignored,
    ranges_ignored_and_changed, ranges_ignored_in_spans, earlier_range_in_spans, changed_while_resumed,
    changed_and_if_range_ignored, changed_size, changes_for_ever, busy_with_time, busy_with_date, busy_without_time,
    busy_for_ever, server_error, server_error_for_ever, stalled, page_instead, page_on_resume, messages_instead,
    not_ready, encoded, wrong_checksum, wrong_once, chunks_cut, chunks_whole, ends_with_connection, size_is_wrong,
    signature_expires, refused, gone, beyond_the_end, unreachable, credentials_on_redirect, two_threads,
)  # fmt: skip
