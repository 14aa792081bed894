"""A server that does what servers do wrong, as told: each request takes the next fault from the file's list."""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Fault = Callable[["Handler", "Served"], None]


@dataclass
class Served:
    """One file of the server."""

    data: bytes
    etag: str | None = '"one"'
    modified: str | None = None
    faults: list[Fault] = field(default_factory=list)
    """Taken one by one; when none is left, the file is served as it should be."""
    always: Fault | None = None
    rate_bytes_per_s: float | None = None
    type: str = "application/octet-stream"
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Address and headers (lower case) of each request."""
    sent_bytes: int = 0

    @property
    def sha256(self) -> str:
        return sha256(self.data).hexdigest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultServer

    def do_GET(self) -> None:
        served = self.server.files.get(urlsplit(self.path).path)
        if served is None:
            self.answer(404, b"no such thing")
            return
        with self.server.lock:
            served.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            fault = served.faults.pop(0) if served.faults else served.always
        (fault or serve)(self, served)

    do_HEAD = do_GET

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(body)

    def hang_up(self, *, rudely: bool = False) -> None:
        """Close the connection; rudely with a reset, so that what is under way is lost."""
        self.close_connection = True
        with suppress(OSError):
            self.wfile.flush()
            if rudely:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *args: object) -> None:
        pass


class FaultServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, Served] = {}
        self.lock = threading.Lock()

    def put(self, path: str, data: bytes, **how: object) -> Served:
        """Serve bytes at a path."""
        self.files[path] = Served(data, **how)  # type: ignore[arg-type]
        return self.files[path]

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def handle_error(self, *args: object) -> None:
        pass


@contextmanager
def running() -> Iterator[FaultServer]:
    """Run a server in a thread."""
    server = FaultServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


# --- as it should be ---------------------------------------------------------------------------


def serve(handler: Handler, served: Served, most: int | None = None, *, ranges: bool = True) -> bool:
    """Serve a file or a span of it; at most `most` bytes of the body. Return whether all were sent."""
    start, stop, status = 0, len(served.data), 200
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", handler.headers.get("Range", ""))
    condition = handler.headers.get("If-Range")
    if found and ranges and condition in (None, served.etag, served.modified):
        start = int(found[1])
        stop = min(stop, int(found[2]) + 1) if found[2] else stop
        status = 206
        if start >= len(served.data):
            handler.answer(416, Content_Range=f"bytes */{len(served.data)}")
            return True
    handler.send_response(status)
    if status == 206:
        handler.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(served.data)}")
    head(handler, served, stop - start)
    return send(handler, served, served.data[start:stop], most)


def head(handler: Handler, served: Served, length: int | None) -> None:
    """Send the headers of a file and end them."""
    for name, value in (("ETag", served.etag), ("Last-Modified", served.modified), ("Content-Type", served.type)):
        if value:
            handler.send_header(name, value)
    if length is not None:
        handler.send_header("Content-Length", str(length))
    handler.end_headers()


def send(handler: Handler, served: Served, body: bytes, most: int | None = None) -> bool:
    """Send a body, at the file's rate; return whether all of it was sent."""
    wanted = body if most is None else body[:most]
    step = 16 << 10 if served.rate_bytes_per_s else 256 << 10
    with suppress(OSError):
        for at in range(0, len(wanted), step):
            handler.wfile.write(wanted[at : at + step])
            served.sent_bytes += len(wanted[at : at + step])
            if served.rate_bytes_per_s:
                time.sleep(step / served.rate_bytes_per_s)
    return len(wanted) == len(body)


# --- faults ------------------------------------------------------------------------------------


def cut_after(n_bytes: int, *, rudely: bool = False) -> Fault:
    """The connection ends after so many bytes of the body."""

    def fault(handler: Handler, served: Served) -> None:
        if not serve(handler, served, n_bytes):
            handler.hang_up(rudely=rudely)

    return fault


def stall_after(n_bytes: int, seconds: float) -> Fault:
    """Nothing comes any more after so many bytes."""

    def fault(handler: Handler, served: Served) -> None:
        serve(handler, served, n_bytes)
        time.sleep(seconds)
        handler.hang_up()

    return fault


def status(code: int, body: bytes = b"not now", **headers: str) -> Fault:
    """An answer of this status."""
    return lambda handler, served: handler.answer(code, body, **headers)


def shifted_range(handler: Handler, served: Served) -> None:
    """206 with bytes from elsewhere, said so in Content-Range."""
    if "Range" not in handler.headers:
        serve(handler, served)
        return
    start = int(handler.headers["Range"].removeprefix("bytes=").split("-")[0]) // 2
    handler.send_response(206)
    handler.send_header("Content-Range", f"bytes {start}-{len(served.data) - 1}/{len(served.data)}")
    head(handler, served, len(served.data) - start)
    send(handler, served, served.data[start:])


def no_ranges(handler: Handler, served: Served) -> None:
    """The whole file, whatever was asked."""
    serve(handler, served, ranges=False)


def chunked(*, cut_at: int | None = None) -> Fault:
    """A body in chunks without a length; cut: the last chunk never comes."""

    def fault(handler: Handler, served: Served) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        head(handler, served, None)
        body = served.data if cut_at is None else served.data[:cut_at]
        with suppress(OSError):
            for at in range(0, len(body), 50_000):
                piece = body[at : at + 50_000]
                handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            if cut_at is None:
                handler.wfile.write(b"0\r\n\r\n")
        if cut_at is not None:
            handler.hang_up()

    return fault


def until_close(n_bytes: int | None = None) -> Fault:
    """A body that ends with the connection, as HTTP/1.0 has it; short: and nobody can tell."""

    def fault(handler: Handler, served: Served) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        head(handler, served, None)
        send(handler, served, served.data, n_bytes)
        handler.hang_up()

    return fault


def changed_to(data: bytes, etag: str | None, then: Fault) -> Fault:
    """From this request on the file is another one."""

    def fault(handler: Handler, served: Served) -> None:
        served.data, served.etag = data, etag
        then(handler, served)

    return fault
