"""The ISIC Archive: its search by cursor, and files at addresses that are signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tests.access.hosts.fake import FILES, Ask, FakeHost, Reply, in_bytes, in_json

_API = "https://api.isic-archive.com/api/v2"
_CONTENT = "https://content.isic-archive.com"


class Host(FakeHost):
    NAME = "isic"
    REF = "collection/65"
    PAGED = True
    SMALL_PAGES = {"_PAGE": 2}
    LOCATOR = "ISIC_0000000"
    ADDRESSES = {
        "https://api.isic-archive.com/collections/65/": "collection/65",
        "https://api.isic-archive.com/collections/65": "collection/65",
        "https://api.isic-archive.com/api/v2/collections/249/attribution/": "collection/249",
        "https://api.isic-archive.com/images/ISIC_0000000/": "image/ISIC_0000000",
        "https://api.isic-archive.com/api/v2/images/ISIC_0052349/": "image/ISIC_0052349",
        "https://www.isic-archive.com/images/ISIC_0000000": "image/ISIC_0000000",
        "https://api.isic-archive.com/api/v2/images/search/?query=sex%3Amale+AND+age_approx%3A55": "search/sex:male AND age_approx:55",
        "https://api.isic-archive.com/api/v2/images/search/?limit=5&collections=66": "collection/66",
        "https://isic-archive.s3.us-east-1.amazonaws.com/snapshots/ISIC_images.zip": "snapshot",
        "https://isic-archive.s3.amazonaws.com/snapshots/ISIC_images.zip": "snapshot",
    }
    NOT_MINE = (
        "https://www.isic-archive.com/", "https://challenge.isic-archive.com/data/#2018", "https://api.isic-archive.com/api/docs/swagger/",
        "https://api.isic-archive.com/images/x", "https://isic-archive.s3.amazonaws.com/other.zip",
    )  # fmt: skip

    def __init__(self, files: Mapping[str, bytes] = FILES, *, raw: bool = False) -> None:
        super().__init__({f"ISIC_{n:07d}.jpg": data for n, data in enumerate(files.values())}, raw=raw)
        self.signed = 0

    def reply(self, ask: Ask) -> Reply | None:
        if ask.origin == _CONTENT:
            name = ask.path.rpartition("/")[2]
            return in_bytes(self.files[name], ask) if name in self.files and ask.query.get("Signature") else None
        if ask.origin + ask.path == f"{_API}/images/search/":
            start, most = int(ask.query.get("cursor", 0)), int(ask.query["limit"])
            names = list(self.files)
            more = (
                f"{_API}/images/search/?collections=65&limit={most}&cursor={start + most}"
                if start + most < len(names)
                else None
            )
            return in_json(
                {
                    "count": len(names),
                    "next": more,
                    "previous": None,
                    "results": [self.entry(n) for n in names[start : start + most]],
                }
            )
        name = f"{ask.path.rstrip('/').rpartition('/')[2]}.jpg"
        if f"{ask.origin}{ask.path}".startswith(f"{_API}/images/ISIC_") and name in self.files:
            return in_json(self.entry(name))
        return None

    def entry(self, name: str) -> dict[str, Any]:
        self.signed += 1
        url = f"{_CONTENT}/{quote(name)}?Expires=1&Signature=made{self.signed}"
        return {
            "isic_id": name[:12], "copyright_license": "CC-BY-NC", "attribution": "Somebody", "public": True,
            "files": {"full": {"url": url, "size": len(self.files[name])}, "thumbnail_256": {"url": url, "size": 1}},
            "metadata": {"acquisition": {"pixels_x": 1, "pixels_y": 1}, "clinical": {}},
        }  # fmt: skip
