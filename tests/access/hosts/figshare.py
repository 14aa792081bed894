"""Figshare: articles that name ten of their files, lists of files in pages, bytes at signed addresses elsewhere."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes, in_json, to

STORAGE = "https://s3-eu-west-1.amazonaws.com"


class Host(FakeHost):
    NAME = "figshare"
    REF = "11857698"
    FLAT = True
    CHECKSUM = "md5"
    SECRET = {"FIGSHARE_TOKEN": "fs-0c55e6a1b9"}
    SEES_SECRET = ("https://api.figshare.com",)
    RESTRICTED = "856713"
    LOCATOR = "500"
    PAGED = True
    SMALL_PAGES = {"_PAGE": 2}
    ADDRESSES = {
        "https://figshare.com/articles/dataset/LES-AV_dataset/11857698": "11857698",
        "https://figshare.com/articles/dataset/LES-AV_dataset/11857698/1": "11857698.v1",
        "https://figshare.com/articles/LES-AV_dataset/11857698": "11857698",
        "https://figshare.com/articles/dataset/Segmented_anisotropic_ssTEM_dataset_of_neural_tissue/856713": "856713",
        "https://figshare.com/collections/FUMPE/4107803/1": "c.4107803.v1",
        "https://springernature.figshare.com/ndownloader/files/37786152": "file.37786152",
        "https://figshare.com/ndownloader/files/30950971": "file.30950971",
        "https://ndownloader.figshare.com/files/30950914": "file.30950914",
        "https://figshare.com/ndownloader/articles/14806362/versions/1": "14806362.v1",
        "https://api.figshare.com/v2/articles/14806362/versions/2": "14806362.v2",
        "https://api.figshare.com/v2/file/download/30950821": "file.30950821",
        "https://doi.org/10.6084/m9.figshare.14806362.v1": "14806362.v1",
        "https://doi.org/10.6084/m9.figshare.c.4107803": "c.4107803",
        "https://doi.org/10.5522/04/9996158.v1": "9996158.v1",
        "https://rdr.ucl.ac.uk/articles/dataset/Some_title/9996158/1": "9996158.v1",
    }
    NOT_MINE = ("https://figshare.com/s/d6fb591f1beb4f8efa6f", "https://figshare.com/", "https://x.org/articles/2020/title/17")  # fmt: skip

    def reply(self, ask: Ask) -> Reply | None:
        if ask.origin == STORAGE:
            return in_bytes(list(self.files.values())[int(ask.path.split("/")[2])], ask)
        if ask.origin != "https://api.figshare.com":
            return Reply(202, b"", {"x-amzn-waf-action": "challenge"})
        found = re.fullmatch(r"/v2/file/download/(\d+)", ask.path)
        if found:
            number = int(found[1]) - 500
            name = list(self.files)[number] if 0 <= number < len(self.files) else ""
            return to(f"{STORAGE}/pfigshare/{number}/{number}?X-Amz-Signature=s") if name else None
        found = re.fullmatch(r"/v2/articles/(\d+)(?:/versions/(\d+))?(/files)?", ask.path)
        if found and found[1] in (self.REF, self.RESTRICTED) and found[2] in (None, "3"):
            hidden = found[1] == self.RESTRICTED and not self.authorised(ask)
            listed = [] if hidden else [self.entry(n, *one) for n, one in enumerate(self.files.items())]
            if found[3]:
                return self.page(listed, ask)
            return in_json(self.article(int(found[1]), listed[:10], hidden))
        if ask.path == "/v2/collections/4107803":
            return in_json({"id": 4107803, "version": 2, "title": "c"})
        if ask.path == "/v2/collections/4107803/articles":
            return self.page([{"id": int(self.REF), "title": "t"}], ask)
        return None

    def page(self, listed: list[Any], ask: Ask) -> Reply:
        count, number = int(ask.query["page_size"]), int(ask.query["page"])
        return in_json(listed[count * (number - 1) : count * number])

    def article(self, number: int, files: list[Any], hidden: bool) -> dict[str, Any]:
        return {
            "id": number, "title": "t", "version": 3, "files": files, "license": {"value": 1, "name": "CC BY 4.0"},
            "is_embargoed": hidden, "embargo_date": "2031-01-01", "figshare_url": f"https://figshare.com/articles/t/{number}",
        }  # fmt: skip

    def entry(self, number: int, name: str, data: bytes) -> dict[str, Any]:
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        return {
            "id": 500 + number, "name": name, "size": len(data), "is_link_only": False, "supplied_md5": md5,
            "computed_md5": md5, "download_url": f"https://figshare.com/ndownloader/files/{500 + number}",
        }  # fmt: skip
