"""Any server: a file at an address."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import quote

from tests.access.hosts.fake import FILES, Ask, FakeHost, Reply, in_bytes

NAMED = {"images/case 1/ct.nii.gz".replace("/", "_"): FILES["images/case 1/ct.nii.gz"]}


class Host(FakeHost):
    NAME = "http"
    REF = "https://data.example.org/get?id=7"
    LOCATOR = "https://data.example.org/a"
    CHECKSUM = "md5"
    ONE_FILE = True
    FLAT = True
    ANY_BODY = True
    ADDRESSES = {
        url: url
        for url in (
            "https://data.broadinstitute.org/bbbc/BBBC010/BBBC010_v2_images.zip",
            "https://data.broadinstitute.org/bbbc/BBBC020/BBBC020_v1_images.zip",
            "https://data.broadinstitute.org/bbbc/BBBC004/BBBC004_v1_000_images.zip",
            "https://datasets.simula.no/downloads/kvasir-seg.zip",
            "https://stanfordaimi.blob.core.windows.net/x/Task09_Spleen.tar",
            "http://www.ia.unc.edu/dataset/x.zip",
            "https://www.fmridata.org/a.nii.gz",
            "http://10.0.0.1:8080/a",
            "https://zenodo.org/api/files/0e3b0b2e/a.zip",
            "https://data.mendeley.com/public-files/datasets/tt3yj2pf38/files/cb128460/file_downloaded",
        )
    }
    NOT_MINE = ("ftp://x.org/a", "file:///etc/passwd", "javascript:1", "/etc/passwd", "https:///a")
    no_head = False

    def reply(self, ask: Ask) -> Reply | None:
        if ask.where != "data.example.org/get":
            return None
        if ask.method == "HEAD" and self.no_head:
            return Reply(405)
        name, data = next(iter(self.files.items()))
        told = {"Content-Disposition": f"attachment; filename=\"a\"; filename*=UTF-8''{quote(name, errors='replace')}"}
        if ask.method == "HEAD":
            md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
            return Reply(
                200, b"", {**told, "Content-Length": str(len(data)), "x-goog-hash": f"crc32c=AAAAAA==, md5={md5}"}
            )
        return in_bytes(data, ask, **told)
