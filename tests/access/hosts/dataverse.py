"""A Dataverse: versions, restricted files, a table that was ingested, a guest book, bytes here or behind a redirect."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes, in_json, to

STORAGE = "https://dvn-cloud.s3.amazonaws.com"


class Host(FakeHost):
    NAME = "dataverse"
    REF = "dataverse.nl/doi:10.34894/AECRSD"
    CHECKSUM = "md5"
    SECRET = {"DATAVERSE_API_TOKEN": "dv-5e0c-11aa-9b", "DATAVERSE_SERVER": "https://dataverse.nl"}
    SEES_SECRET = ("https://dataverse.nl",)
    RESTRICTED = "dataverse.nl/doi:10.34894/CLOSED"
    ADDRESSES = {
        "https://dataverse.nl/dataset.xhtml?persistentId=doi:10.34894/AECRSD": "dataverse.nl/doi:10.34894/AECRSD",
        "https://dataverse.nl/dataset.xhtml?persistentId=doi%3A10.34894%2FAECRSD&version=1.2": "dataverse.nl/doi:10.34894/AECRSD@1.2",
        "https://dataverse.harvard.edu/dataset.xhtml?persistentId=doi:10.7910/DVN/DBW86T": "dataverse.harvard.edu/doi:10.7910/DVN/DBW86T",
        "https://dataverse.harvard.edu/citation?persistentId=doi:10.7910/DVN/DBW86T": "dataverse.harvard.edu/doi:10.7910/DVN/DBW86T",
        "https://dataverse.harvard.edu/dvn/dataset.xhtml?persistentId=hdl:1902.1/21919": "dataverse.harvard.edu/hdl:1902.1/21919",
        "https://dataverse.harvard.edu/file.xhtml?fileId=3172741&version=3.0": "dataverse.harvard.edu/file/3172741",
        "https://dataverse.harvard.edu/file.xhtml?persistentId=doi:10.7910/DVN/DBW86T/J4ODH5&version=3.0": "dataverse.harvard.edu/file/doi:10.7910/DVN/DBW86T/J4ODH5",
        "https://dataverse.harvard.edu/api/access/datafile/:persistentId/?persistentId=doi:10.7910/DVN/DBW86T/J4ODH5": "dataverse.harvard.edu/file/doi:10.7910/DVN/DBW86T/J4ODH5",
        "https://doi.org/10.7910/DVN/DBW86T/J4ODH5": "dataverse.harvard.edu/file/doi:10.7910/DVN/DBW86T/J4ODH5",
        "https://doi.org/10.34894/aecrsd": "dataverse.nl/doi:10.34894/aecrsd",
        "https://dataverse.harvard.edu/api/access/datafile/3172741?format=original": "dataverse.harvard.edu/file/3172741",
        "https://dataverse.nl/api/datasets/:persistentId/versions/:latest/files?persistentId=doi:10.34894/AECRSD": "dataverse.nl/doi:10.34894/AECRSD",
        "https://doi.org/10.7910/DVN/DBW86T": "dataverse.harvard.edu/doi:10.7910/DVN/DBW86T",
        "https://doi.org/10.34894/AECRSD": "dataverse.nl/doi:10.34894/AECRSD",
        "http://dx.doi.org/10.18710/TLA01U": "dataverse.no/doi:10.18710/TLA01U",
        "doi:10.48804/P5Q0OJ": "rdr.kuleuven.be/doi:10.48804/P5Q0OJ",
    }  # fmt: skip
    NOT_MINE = ("https://dataverse.harvard.edu/", "https://dataverse.nl/dataset.xhtml?id=3", "https://x.org/citation?persistentId=../..")  # fmt: skip
    table: str | None = None
    """A file that was ingested: without format=original it is served as tab-separated text."""
    guest_book = False

    def reply(self, ask: Ask) -> Reply | None:
        if ask.origin == STORAGE:
            return in_bytes(list(self.files.values())[int(ask.path.rpartition("/")[2])], ask)
        if ask.origin != "https://dataverse.nl":
            return None
        found = re.fullmatch(r"/api/datasets/:persistentId/versions/(:latest-published|1\.0)", ask.path)
        if found:
            for ref, base in ((self.REF, 0), (self.RESTRICTED, 100)):
                if f"dataverse.nl/{ask.query.get('persistentId')}" == ref:
                    return in_json({"status": "OK", "data": self.version(base)})
        if ask.path == "/api/files/:persistentId" and (at := ask.query["persistentId"].removeprefix("doi:10.34894/AECRSD/")).isdecimal():
            name, data = list(self.files.items())[int(at)]
            return in_json({"status": "OK", "data": self.entry(int(at), name, data, False)})
        found = re.fullmatch(r"/api/access/datafile/(\d+)", ask.path)
        number = int(found[1]) if found else -1
        if not 0 <= number % 100 < len(self.files) or found is None:
            return in_json({"status": "ERROR", "message": "Dataset with Persistent ID not found."}, 404)
        if number >= 100 and not self.authorised(ask):
            return in_json({"status": "ERROR", "message": "You do not have permission to download this file."}, 403)
        if self.guest_book:
            return in_json({"status": "ERROR", "message": "You may not download this file without the required Guestbook response."}, 400)  # fmt: skip
        name = list(self.files)[number % 100]
        if name == self.table and ask.query.get("format") != "original":
            return in_bytes(b"changed\tby\tingest\n", ask)
        return in_bytes(self.files[name], ask) if number % 2 else to(f"{STORAGE}/{number % 100}?X-Amz-Signature=s")

    def version(self, base: int) -> dict[str, Any]:
        return {
            "versionNumber": 1, "versionMinorNumber": 0, "versionState": "RELEASED",
            "license": {"name": "CC0 1.0", "uri": "http://creativecommons.org/publicdomain/zero/1.0"},
            "files": [self.entry(base + n, name, data, base > 0) for n, (name, data) in enumerate(self.files.items())],
        }  # fmt: skip

    def entry(self, number: int, name: str, data: bytes, restricted: bool) -> dict[str, Any]:
        folder, _, last = ("", "", name) if self.raw else name.rpartition("/")
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        about: dict[str, Any] = {
            "id": number, "persistentId": "", "filename": last, "contentType": "application/gzip", "filesize": len(data),
            "md5": md5, "checksum": {"type": "MD5", "value": md5}, "tabularData": False,
        }  # fmt: skip
        label = last
        if name == self.table:
            label = last.rpartition(".")[0] + ".tab"
            about |= {
                "filename": label, "filesize": 17, "tabularData": True, "originalFileFormat": "text/csv",
                "originalFileName": last, "originalFileSize": len(data),
            }  # fmt: skip
        within = {"directoryLabel": folder} if folder else {}
        return {"label": label, **within, "restricted": restricted, "version": 1, "dataFile": about}
