"""An FTP server: pyftpdlib, which others wrote."""

from __future__ import annotations

import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from medshelf.access.web import Web
from tests.access.hosts.fake import Ask, FakeHost, Reply


class Host(FakeHost):
    NAME = "ftp"
    REF = ""
    SPEAKS_HTTP = False
    ADDRESSES = {
        "ftp://medical.nema.org/MEDICAL/Dicom/DataSets/": "medical.nema.org/MEDICAL/Dicom/DataSets/",
        "ftp://medical.nema.org/MEDICAL/Dicom/DataSets/DBT/S1.zip": "medical.nema.org/MEDICAL/Dicom/DataSets/DBT/S1.zip",
        "ftp://ftp.ncbi.nlm.nih.gov/pub/lu/": "ftp.ncbi.nlm.nih.gov/pub/lu/",
        "ftp://FTP.Example.org": "ftp.example.org/",
        "ftp://ftp.example.org/": "ftp.example.org/",
        "ftp://ftp.example.org:2121/a%20b.zip": "ftp.example.org:2121/a%20b.zip",
        "ftp://figment.csee.usf.edu/pub/DDSM/cases/": "figment.csee.usf.edu/pub/DDSM/cases/",
        "ftp://ftp.example.org/a;type=i": "ftp.example.org/a;type=i",
        " ftp://ftp.example.org/a ": "ftp.example.org/a",
        "ftp://ftp.example.org/a/../b": "ftp.example.org/a/../b",
    }
    NOT_MINE = (
        "ftp://user:pass@host.org/a",
        "ftp://",
        "sftp://host.org/a",
        "http://ftp.example.org/",
        "ftp://host:0/a",
    )

    def reply(self, ask: Ask) -> Reply | None:
        return None

    @contextmanager
    def serve(self, **options: Any) -> Iterator[Web]:
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # asyncore, on Python 3.11
            from pyftpdlib.authorizers import DummyAuthorizer
            from pyftpdlib.handlers import FTPHandler
            from pyftpdlib.servers import FTPServer

        with tempfile.TemporaryDirectory() as folder:
            for name, data in self.files.items():
                (Path(folder, "data") / name).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder, "data") / name).write_bytes(data)
            authorizer = DummyAuthorizer()
            authorizer.add_anonymous(folder)
            handler = type("Handler", (FTPHandler,), {"authorizer": authorizer, "use_sendfile": False})
            server = FTPServer(("127.0.0.1", 0), handler)
            stop = threading.Event()

            def loop() -> None:
                while not stop.is_set():
                    server.serve_forever(timeout=0.02, blocking=False)

            thread = threading.Thread(target=loop, daemon=True)
            thread.start()
            self.REF = f"127.0.0.1:{server.address[1]}/data/"  # type: ignore[misc]
            try:
                yield self.client({}, **options)
            finally:
                stop.set()
                thread.join()
                server.close_all()
