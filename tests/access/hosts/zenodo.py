"""Zenodo, in the shape that it gives to those who ask for plain JSON."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes, in_json, to


class Host(FakeHost):
    NAME = "zenodo"
    NUMBER = "10047292"
    REF = NUMBER
    FLAT = True
    CHECKSUM = "md5"
    SECRET = {"ZENODO_TOKEN": "zt-7f3c9a51d2"}
    SEES_SECRET = ("https://zenodo.org",)
    RESTRICTED = "5903846"
    ADDRESSES = {
        "https://zenodo.org/record/3431873#.Yl_9itpBxaQ": "3431873",
        "https://zenodo.org/record/4588403#.YEyLq_0zaCo": "4588403",
        "https://zenodo.org/records/10047292": "10047292",
        "https://zenodo.org/records/8009680?preview=1": "8009680",
        "http://www.zenodo.org/record/7442914/": "7442914",
        "https://zenodo.org/records/8367088/files/Totalsegmentator_dataset_v2.zip": "8367088/Totalsegmentator_dataset_v2.zip",
        "https://zenodo.org/record/4588403/files/CTPelvic1K_dataset7_mask.tar.gz?download=1": "4588403/CTPelvic1K_dataset7_mask.tar.gz",
        "https://zenodo.org/api/records/7949582/files/TrainBatch1.rar/content": "7949582/TrainBatch1.rar",
        "https://zenodo.org/api/records/22304": "22304",
        "https://zenodo.org/doi/10.5281/zenodo.12775880": "12775880",
        "https://zenodo.org/badge/DOI/10.5281/zenodo.7153326.svg": "7153326",
        "https://doi.org/10.5281/zenodo.6802613": "6802613",
        "http://dx.doi.org/10.5281/ZENODO.7848306": "7848306",
        "https://commons.datacite.org/doi.org/10.5281/zenodo.7741475": "7741475",
        "10.5281/zenodo.7852363": "7852363",
        "doi:10.5281/zenodo.7852363": "7852363",
        "https://zenodo.org/records/1/files/with%20space%2Band%20%C3%BC.zip?download=1": "1/with space+and ü.zip",
    }  # fmt: skip
    NOT_MINE = ("https://zenodo.org/", "https://zenodo.org/communities/x", "https://github.com/zenodo/zenodo", "https://notzenodo.org/records/1")  # fmt: skip
    MOVED = {"6802613": "10047292"}
    """All versions, and the newest."""
    native = False
    plain_checksums = False

    def reply(self, ask: Ask) -> Reply | None:
        parts = ask.where.split("/", 6)
        if parts[:3] != ["zenodo.org", "api", "records"]:
            return None
        number = parts[3]
        if number in self.MOVED:
            return to(f"https://zenodo.org/api/records/{self.MOVED[number]}")
        if number not in (self.NUMBER, self.RESTRICTED):
            return in_json({"status": 404, "message": "The persistent identifier does not exist."}, 404)
        hidden = number == self.RESTRICTED and not self.authorised(ask)
        if len(parts) == 4:
            return in_json(self.record(number, hidden))
        name = "/".join(parts[5:]).removesuffix("/content")
        if hidden:
            return in_json({"status": 403, "message": "Permission denied."}, 403)
        return in_bytes(self.files[name], ask) if name in self.files else None

    def record(self, number: str, hidden: bool) -> dict[str, Any]:
        right = "restricted" if number == self.RESTRICTED else "open"
        files = [] if hidden else [self.entry(number, name, data) for name, data in self.files.items()]
        if self.native:
            listed = {"enabled": True, "count": len(files), "entries": {one["key"]: one for one in files}}
            return {
                "id": number, "metadata": {"title": "t", "version": "2.0.1", "rights": [{"id": "cc-by-4.0"}]},
                "access": {"record": "public", "files": "public" if right == "open" else right, "status": right}, "files": listed,
            }  # fmt: skip
        return {
            "id": int(number), "conceptrecid": "6802613", "doi": f"10.5281/zenodo.{number}",
            "conceptdoi": "10.5281/zenodo.6802613",
            "metadata": {"title": "t", "access_right": right, "license": {"id": "cc-by-4.0"}, "version": "2.0.1"},
            "files": files, "links": {"self": f"https://zenodo.org/api/records/{number}"},
        }  # fmt: skip

    def entry(self, number: str, name: str, data: bytes) -> dict[str, Any]:
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        return {
            "id": "0b1e", ("filename" if self.plain_checksums else "key"): name, "size": len(data),
            "checksum": md5 if self.plain_checksums else f"md5:{md5}",
            "links": {"self": f"https://zenodo.org/api/records/{number}/files/{name}/content"},
        }  # fmt: skip
