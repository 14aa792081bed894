"""A server of files on loopback that answers ranges, counts what it sends, and can be told to misbehave."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote


class Served:
    """What a server does and has done."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self.requests = 0
        self.bytes = 0
        self.whole = 0
        """Answers with status 200 that a client read beyond their first 64 KiB."""
        self.etag: str | None = "size"
        """``size`` for an ETag of size and time, None for none, or the ETag itself."""
        self.ranges = True
        self.if_range = True
        self.faults: list[str] = []
        """What to do to the next requests: cut, 503, 403, short, gzip, elsewhere, ok."""


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    served = Served(folder)
    handler = type("Handler", (_Handler,), {"served": served})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    served: Served
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None: ...

    def do_GET(self) -> None:
        served = self.served
        served.requests += 1
        fault = served.faults.pop(0) if served.faults else "ok"
        path = served.folder / unquote(self.path.partition("?")[0]).lstrip("/")
        if fault in ("503", "403") or not path.is_file():
            code = int(fault) if fault.isdecimal() else 404
            self._head(code, 0, {"Retry-After": "0"} if code == 503 else {})
            return
        size, found = path.stat().st_size, re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        etag = f'"{size}-{path.stat().st_mtime_ns}"' if served.etag == "size" else served.etag
        about = {"ETag": etag} if etag else {}
        fits = not served.if_range or self.headers.get("If-Range", etag) == etag
        if not served.ranges or not found or not fits:
            self._head(200, size, about)
            self._send(path, 0, size, whole=True)
            return
        first, last = int(found[1]), min(int(found[2] or size), size - 1)
        if first >= size:
            self._head(416, 0, {"Content-Range": f"bytes */{size}"})
            return
        length = last - first + 1
        about["Content-Range"] = f"bytes {first + (fault == 'elsewhere')}-{last}/{size}"
        if fault == "gzip":
            about["Content-Encoding"] = "gzip"
        self._head(206, length - (fault == "short"), about)
        self._send(path, first, length // 2 if fault == "cut" else length - (fault == "short"))
        if fault == "cut":
            self.close_connection = True

    def _head(self, code: int, length: int, about: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in {**about, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, path: Path, start: int, left: int, whole: bool = False) -> None:
        sent = 0
        with open(path, "rb") as stream:
            stream.seek(start)
            try:
                while left > 0 and (data := stream.read(min(left, 1 << 16))):
                    self.wfile.write(data)
                    self.served.bytes += 0 if whole else len(data)
                    left -= len(data)
                    sent += len(data)
            except OSError:
                self.close_connection = True
        self.served.whole += whole and sent > 8 << 20  # what the sockets' buffers take does not count
