"""Google Cloud Storage: a bucket that everybody may list."""

from __future__ import annotations

import base64
import hashlib

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes, in_json


class Host(FakeHost):
    NAME = "gcs"
    REF = "some_data/folder 1/"
    CHECKSUM = "md5"
    PAGED = True
    SMALL_PAGES = {"_PAGE": 2}
    LOCATOR = "folder 1/readme.txt"
    ADDRESSES = {
        "gs://idc-open-data/530a443b-2233-499f-8ba2-b9ad43658974/": "idc-open-data/530a443b-2233-499f-8ba2-b9ad43658974/",
        "gs://gcs-public-data--healthcare-nih-chest-xray": "gcs-public-data--healthcare-nih-chest-xray/",
        "https://storage.googleapis.com/some_data/a/b%20c.zip": "some_data/a/b c.zip",
        "http://storage.googleapis.com/some_data/a.zip": "some_data/a.zip",
        "https://some-data.storage.googleapis.com/a.zip": "some-data/a.zip",
        "https://storage.cloud.google.com/some-data/a.zip": "some-data/a.zip",
        "https://console.cloud.google.com/storage/browser/some-data/folder;tab=objects": "some-data/folder",
        "https://console.cloud.google.com/storage/browser/_details/some-data/a.zip": "some-data/a.zip",
        "https://storage.googleapis.com/storage/v1/b/some-data/o/folder%2Fa.zip?alt=media": "some-data/folder/a.zip",
        "https://www.googleapis.com/storage/v1/b/some-data/o": "some-data/",
        "https://storage.googleapis.com/download/storage/v1/b/some-data/o/a.zip?alt=media": "some-data/a.zip",
    }
    NOT_MINE = (
        "https://storage.googleapis.com/some-data/a?X-Goog-Signature=abc", "https://storage.googleapis.com/", "gs://", "gs://A/b",
        "https://console.cloud.google.com/storage", "https://www.googleapis.com/drive/v3/files/1",
    )  # fmt: skip

    @property
    def keys(self) -> dict[str, bytes]:
        return {
            "folder 1/": b"",
            **{f"folder 1/{name}": data for name, data in self.files.items()},
            "folder 10/x": b"x",
        }

    def reply(self, ask: Ask) -> Reply | None:
        if ask.origin != "https://storage.googleapis.com":
            return None
        place = "/storage/v1/b/some_data/o"
        if ask.path == place:
            return self.listed(ask)
        if ask.path.startswith(f"{place}/"):
            key = ask.path[len(place) + 1 :]
            return in_json(self.entry(key)) if key in self.keys else in_json({"error": {"code": 404}}, 404)
        key = ask.path.removeprefix("/some_data/")
        return in_bytes(self.keys[key], ask) if key in self.keys else None

    def listed(self, ask: Ask) -> Reply:
        found = sorted(key for key in self.keys if key.startswith(ask.query["prefix"]))
        start, most = int(ask.query.get("pageToken", "t0")[1:]), int(ask.query["maxResults"])
        page = {"items": [self.entry(key) for key in found[start : start + most]]}
        return in_json(page | ({"nextPageToken": f"t{start + most}"} if start + most < len(found) else {}))

    def entry(self, key: str) -> dict[str, str]:
        md5 = base64.b64encode(hashlib.md5(self.keys[key], usedforsecurity=False).digest()).decode()
        return {"name": key, "size": str(len(self.keys[key])), "md5Hash": md5, "crc32c": "AAAAAA=="}
