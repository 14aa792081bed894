"""A real web server: nginx where it is installed, else the standard library's; each says which it is."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from tests.access.faults.server import FaultServer, no_ranges
from tests.programs import found, needed, program

_CONF = """
daemon off; worker_processes 1; pid {tmp}/pid; error_log {tmp}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; root {tmp}/www; keepalive_requests 1000000;
  client_body_temp_path {tmp}/b; proxy_temp_path {tmp}/p; fastcgi_temp_path {tmp}/f; uwsgi_temp_path {tmp}/u;
  scgi_temp_path {tmp}/s;
  server {{
    listen 127.0.0.1:{port}; listen 127.0.0.1:{tls} ssl;
    ssl_certificate {tmp}/chain.pem; ssl_certificate_key {tmp}/key.pem;
    location /slow/ {{ alias {tmp}/www/; limit_rate 20m; }}
    location /whole/ {{ alias {tmp}/www/; max_ranges 0; }}
    location /api/ {{ default_type application/json; }}
    location ~ ^/datasets/[^/]+/[^/]+/resolve/([0-9a-f]+)/(.*)$ {{
      alias {tmp}/www/$2; add_header X-Repo-Commit $1;
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Real:
    """A server: ``/`` as it is, ``/slow/`` limits each stream to 20 MB/s, ``/whole/`` knows no ranges.

    nginx also serves ``/`` as a repository of Hugging Face, below ``/datasets/OWNER/NAME/resolve/COMMIT/``.
    """

    name: str
    url: str
    tls_url: str
    authority: Path
    put: Callable[[str, bytes], None]
    get: Callable[[str], bytes]


@contextmanager
def real_server(tmp: Path) -> Iterator[Real]:
    """Run it."""
    tmp.mkdir(exist_ok=True)
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(tmp / "ca.pem")
    certificate.private_key_pem.write_to_path(tmp / "key.pem")
    for n, pem in enumerate(certificate.cert_chain_pems):
        pem.write_to_path(tmp / "chain.pem", append=n > 0)
    nginx = program("nginx") if needed() else found("nginx")
    with _nginx(nginx, tmp) if nginx else _standard_library(tmp) as server:
        yield server


@contextmanager
def _nginx(program: str, tmp: Path) -> Iterator[Real]:
    port, tls = _free_port(), _free_port()
    (tmp / "www").mkdir()
    tmp.chmod(0o755)
    (tmp / "nginx.conf").write_text(_CONF.format(tmp=tmp, port=port, tls=tls))
    command = [program, "-c", str(tmp / "nginx.conf"), "-g", f"user {_me()};" if _is_root() else ""]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def put(name: str, data: bytes) -> None:
        place = tmp / "www" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_name(f".{place.name}")
        fresh.write_bytes(data)
        fresh.replace(place)

    def get(name: str) -> bytes:
        return (tmp / "www" / name).read_bytes()

    try:
        _wait_for(port)
        version = subprocess.run([program, "-v"], capture_output=True, text=True).stderr.strip().rpartition("/")[2]
        yield Real(f"nginx {version}", f"http://127.0.0.1:{port}", f"https://127.0.0.1:{tls}", tmp / "ca.pem", put, get)
    finally:
        server.terminate()
        server.wait(10)


@contextmanager
def _standard_library(tmp: Path) -> Iterator[Real]:
    plain, secure = FaultServer(), FaultServer()
    secure.files = plain.files
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp / "chain.pem", tmp / "key.pem")
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    for one in (plain, secure):
        threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def put(name: str, data: bytes) -> None:
        etag = f'"{hash(data)}"'
        plain.put(f"/{name}", data, etag=etag)
        plain.put(f"/slow/{name}", data, etag=etag, rate_bytes_per_s=20e6)
        plain.put(f"/whole/{name}", data, etag=etag, always=no_ranges)

    def get(name: str) -> bytes:
        return plain.files[f"/{name}"].data

    try:
        url = secure.url("").replace("http:", "https:")
        yield Real("http.server", plain.url(""), url, tmp / "ca.pem", put, get)
    finally:
        for one in (plain, secure):
            one.shutdown()
            one.server_close()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _is_root() -> bool:
    import os

    return hasattr(os, "geteuid") and os.geteuid() == 0


def _me() -> str:
    import getpass

    return getpass.getuser()


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server does not begin")
