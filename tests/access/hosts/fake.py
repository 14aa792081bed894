"""A host on the loopback device: what is common to all of them, so that each brings its shapes only.

A host's file holds a class `Host` below `FakeHost`: real addresses and their references, references to try, credentials,
and `reply`, which answers with the shapes that the host documents. tests/conformance/test_hosts.py does the rest.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from medshelf.access.web import Web
from medshelf.access.web.client import Patience

FILES: Mapping[str, bytes] = {
    "readme.txt": b"words\n",
    "images/case 1/ct.nii.gz": bytes(range(256)) * 40,
    "images/case 1/mask.nii.gz": b"",
    "images/case_2/ct.nii.gz": b"\0" * 5000 + b"end",
    "labels/ümlaut & 影像+1%.csv": b"id,value\n1,2\n",
}
"""What hosts serve unless a test says otherwise."""


@dataclass(frozen=True)
class Ask:
    """A request, with the host that it was meant for."""

    method: str
    origin: str
    """Such as https://zenodo.org."""
    path: str
    """Decoded."""
    raw_path: str
    """As sent."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def where(self) -> str:
        """Host and decoded path, which most hosts look at."""
        return self.origin.partition("//")[2] + self.path

    @property
    def target(self) -> str:
        """All that tells this document from another one."""
        return f"{self.origin}{self.raw_path} {dict(self.query)}"


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    data: Any = None
    """What `body` says, for answers in JSON."""


def in_json(data: Any, status: int = 200, **headers: str) -> Reply:
    """Answer in JSON."""
    return Reply(status, json.dumps(data).encode(), {"Content-Type": "application/json", **headers}, data)


def to(url: str) -> Reply:
    """Redirect."""
    return Reply(302, b"", {"Location": url})


def in_bytes(data: bytes, ask: Ask, **headers: str) -> Reply:
    """Serve a file, or the range of it that is asked for (RFC 9110, 14)."""
    told = {"Content-Type": "application/octet-stream", "ETag": f'"{len(data)}"', **headers}
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", ask.headers.get("range", ""))
    if not found:
        return Reply(200, data, told)
    start, stop = int(found[1]), min(int(found[2] or len(data)) + 1, len(data))
    if start >= len(data):
        return Reply(416, b"", {"Content-Range": f"bytes */{len(data)}"})
    return Reply(206, data[start:stop], {**told, "Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"})


class FakeHost:
    """A host; see the module."""

    NAME: ClassVar[str]
    REF: ClassVar[str]
    """A reference that holds `files`."""
    ADDRESSES: ClassVar[Mapping[str, str]]
    """Real addresses, also of old forms, and the reference of each."""
    NOT_MINE: ClassVar[tuple[str, ...]] = ()
    """Addresses of the host that name nothing that can be fetched."""
    CHECKSUM: ClassVar[str | None] = None
    """The algorithm of the checksums that it states."""
    SECRET: ClassVar[Mapping[str, str]] = {}
    """Variables with credentials, as `medshelf.access.credentials` looks for them."""
    SEES_SECRET: ClassVar[tuple[str, ...]] = ()
    """The origins that may see credentials."""
    RESTRICTED: ClassVar[str | None] = None
    """A reference that needs credentials; with those of `SECRET` it holds `files`."""
    NEED: ClassVar[str] = "application"
    """The kind of the need of `RESTRICTED`."""
    ALWAYS_NEEDS: ClassVar[bool] = False
    """Whether nothing at all can be fetched without credentials."""
    LOCATOR: ClassVar[str] = "1/2"
    """A locator of the host's own form."""
    SMALL_PAGES: ClassVar[Mapping[str, int]] = {}
    """Names of the module to set so that pages are small."""
    PAGED: ClassVar[bool] = False
    """Whether listings come in several pages."""
    ONE_FILE: ClassVar[bool] = False
    """Whether a reference is always one file."""
    FLAT: ClassVar[bool] = False
    """Whether the host knows no folders."""
    ANY_BODY: ClassVar[bool] = False
    """Whether any answer of the host is a file."""
    SPEAKS_HTTP: ClassVar[bool] = True
    IN_XML: ClassVar[bool] = False
    """Whether the host's listings are XML and not JSON."""
    SERVES: ClassVar[bool] = True
    """Whether the host ever lists anything."""

    def __init__(self, files: Mapping[str, bytes] = FILES, *, raw: bool = False) -> None:
        self.files = dict(list(files.items())[:1] if self.ONE_FILE else files)
        self.raw = raw
        """Names stand in the host's answers as they are, with no folders made of them."""
        self.circle = False
        """Pages lead in a circle."""
        self.asked: list[Ask] = []
        self.replied: list[Reply] = []
        self.fault: Callable[[Ask, Reply], Reply] | None = None
        """What becomes of every answer."""
        if self.FLAT and not raw:
            self.files = {name.replace("/", "_"): data for name, data in self.files.items()}

    def reply(self, ask: Ask) -> Reply | None:
        """Answer as the host does; None for what is not there."""
        raise NotImplementedError

    def tree(self) -> dict[str, Any]:
        """The files as folders in folders, names to bytes."""
        top: dict[str, Any] = {}
        for name, data in self.files.items():
            at, parts = top, [name] if self.raw else name.split("/")
            for part in parts[:-1]:
                at = at.setdefault(part, {})
            at[parts[-1]] = data
        return top

    def authorised(self, ask: Ask) -> bool:
        """Whether the request carries the credentials of `SECRET`."""
        values = [value for name, value in self.SECRET.items() if not name.endswith(("SERVER", "URL"))]
        return any(value in header for value in values for header in ask.headers.values())

    @contextmanager
    def serve(self, **options: Any) -> Iterator[Web]:
        """Yield a client for which every address of the web leads here."""
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10
            wbufsize = 1 << 16  # an answer goes out at once, and does not wait for the client's word of its head

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                found = host._answer(self.command, self.path, dict(self.headers), body)
                self.send_response(found.status)
                for name, value in found.headers.items():
                    self.send_header(name, value)
                if not {"Content-Length", "Transfer-Encoding"} & found.headers.keys():
                    self.send_header("Content-Length", str(len(found.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(found.body)

            do_GET = do_HEAD = do_POST = do_PROPFIND = do_PUT = answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # the client went away

        server = Server(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        base = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self.client({"https://": f"{base}/https/", "http://": f"{base}/http/"}, **options)
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def client(self, rewrites: Mapping[str, str], **options: Any) -> Web:
        """A client that does not wait."""
        patience = Patience(connect_s=5, stall_s=5, tries=2)
        return Web(**{"rewrites": rewrites, "patience": patience, "sleep": lambda s: None, "offline": False, **options})

    def _answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        parts = urlsplit(target)
        scheme, host, path = [*parts.path.lstrip("/").split("/", 2), ""][:3]
        ask = Ask(
            method, f"{scheme}://{host}", "/" + unquote(path), f"/{path}", dict(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in headers.items()}, body,
        )  # fmt: skip
        self.asked.append(ask)
        found = self.reply(ask) or Reply(404, b"no such thing")
        found = self.fault(ask, found) if self.fault else found
        self.replied.append(found)
        return found


def pathed(name: str) -> str:
    """A name as a part of an address."""
    return quote(name, safe="")
