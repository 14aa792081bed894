"""Mendeley Data: versions, a flat list of folders, and the files of each folder."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes, in_json


class Host(FakeHost):
    NAME = "mendeley"
    REF = "rscbjbr9sj"
    LOCATOR = "https://data.example.org/a"
    CHECKSUM = "sha256"
    ADDRESSES = {
        "https://data.mendeley.com/datasets/rscbjbr9sj/2": "rscbjbr9sj/2",
        "https://data.mendeley.com/datasets/zr7vgbcyr2/1": "zr7vgbcyr2/1",
        "https://data.mendeley.com/datasets/zr7vgbcyr2": "zr7vgbcyr2",
        "https://data.mendeley.com/datasets/9xxm58dvs3/2/files/1c2d": "9xxm58dvs3/2",
        "http://data.mendeley.com/datasets/hxt48yk462/2/": "hxt48yk462/2",
        "https://data.mendeley.com/datasets/jctsfj2sfn/1?x=1#folder": "jctsfj2sfn/1",
        "https://data.mendeley.com/public-api/datasets/pc4mb3h8hz/files?folder_id=root&version=1": "pc4mb3h8hz",
        "https://doi.org/10.17632/tt3yj2pf38.3": "tt3yj2pf38/3",
        "http://dx.doi.org/10.17632/tt3yj2pf38": "tt3yj2pf38",
        "doi:10.17632/cd2rtzm23r.1": "cd2rtzm23r/1",
    }
    NOT_MINE = (
        "https://data.mendeley.com/",
        "https://data.mendeley.com/research-data/?search=ct",
        "https://data.mendeley.com/public-files/datasets/tt3yj2pf38/files/cb128460-9945-43a1-a88b-7233276d5fde/file_downloaded",
    )

    def reply(self, ask: Ask) -> Reply | None:
        if ask.origin != "https://data.mendeley.com":
            return None
        found = re.fullmatch(r"/public-files/datasets/\w+/files/(\d+)/file_downloaded", ask.path)
        if found:
            return in_bytes(list(self.files.values())[int(found[1])], ask)
        if not ask.path.startswith(f"/public-api/datasets/{self.REF}/"):
            return None
        what = ask.path.split("/", 4)[4]
        if what == "versions":
            return in_json([{"version": 1}, {"version": 2}])
        folders = sorted({name.rpartition("/")[0] for name in self.files} if not self.raw else {""})
        every = sorted({"/".join(one.split("/")[: n + 1]) for one in folders if one for n in range(one.count("/") + 1)})
        if what == "folders/2":
            return in_json([self.folder(one, every) for one in every])
        if what == "files" and ask.query.get("version") == "2":
            wanted = "" if ask.query["folder_id"] == "root" else every[int(ask.query["folder_id"].removeprefix("f"))]
            listed = [self.entry(n, name, wanted) for n, name in enumerate(self.files)]
            return in_json([one for one in listed if one])
        return None

    def folder(self, one: str, every: list[str]) -> dict[str, Any]:
        above, _, name = one.rpartition("/")
        parent = {"parent_id": f"f{every.index(above)}"} if above else {}
        return {"id": f"f{every.index(one)}", "name": name, **parent}

    def entry(self, number: int, name: str, folder: str) -> dict[str, Any] | None:
        within, _, last = ("", "", name) if self.raw else name.rpartition("/")
        data = self.files[name]
        link = f"https://data.mendeley.com/public-files/datasets/{self.REF}/files/{number}/file_downloaded"
        details = {"id": "c", "sha256_hash": hashlib.sha256(data).hexdigest(), "size": len(data), "download_url": link}
        return (
            {"id": str(number), "filename": last, "size": len(data), "content_details": details}
            if within == folder
            else None
        )
