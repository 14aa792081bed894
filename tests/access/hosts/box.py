"""Box: direct links, and pages."""

from __future__ import annotations

from urllib.parse import quote

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes, to

STORAGE = "https://public.boxcloud.com"


class Host(FakeHost):
    NAME = "box"
    REF = "nihcc.box.com/shared/static/vfk49d74nhbxq3nqjg0900w5nvkorp5c.gz"
    ONE_FILE = True
    ANY_BODY = True
    ADDRESSES = {
        "https://nihcc.box.com/shared/static/vfk49d74nhbxq3nqjg0900w5nvkorp5c.gz": "nihcc.box.com/shared/static/vfk49d74nhbxq3nqjg0900w5nvkorp5c.gz",
        "https://nihcc.box.com/shared/static/sp5y2k799v4x1x77f7w1aqp26uyfq7qz.zip": "nihcc.box.com/shared/static/sp5y2k799v4x1x77f7w1aqp26uyfq7qz.zip",
        "https://nihcc.app.box.com/v/DeepLesion": "nihcc.app.box.com/v/DeepLesion",
        "https://nihcc.app.box.com/v/ChestXray-NIHCC": "nihcc.app.box.com/v/ChestXray-NIHCC",
        "https://nihcc.app.box.com/v/ChestXray-NIHCC/": "nihcc.app.box.com/v/ChestXray-NIHCC",
        "https://app.box.com/s/r5dj2w1m5fzsuv0vcwfhyqzmctvnx6t2": "app.box.com/s/r5dj2w1m5fzsuv0vcwfhyqzmctvnx6t2",
        "https://app.box.com/s/r5dj2w1m5fzsuv0vcwfhyqzmctvnx6t2?sortColumn=date": "app.box.com/s/r5dj2w1m5fzsuv0vcwfhyqzmctvnx6t2",
        "https://stanford.box.com/s/abc123": "stanford.box.com/s/abc123",
        "https://www.box.com/s/abc123": "box.com/s/abc123",
        "https://nihcc.app.box.com/v/ChestXray-NIHCC/folder/37178474737": "nihcc.app.box.com/v/ChestXray-NIHCC",
        "https://app.box.com/s/abc123/file/220660789610": "app.box.com/s/abc123",
        "http://upenn.box.com/v/images": "upenn.box.com/v/images",
    }  # fmt: skip
    NOT_MINE = ("https://www.box.com/", "https://labelbox.com/s/abc", "https://app.box.com/folder/123", "https://support.box.com/hc/en-us")

    def reply(self, ask: Ask) -> Reply | None:
        name, data = next(iter(self.files.items()))
        if ask.origin == STORAGE:
            return in_bytes(data, ask, **{"Content-Disposition": f"attachment; filename=\"x\"; filename*=UTF-8''{quote(name, safe='')}"})
        if ask.where == self.REF or ask.where == "app.box.com/shared/static/afile":
            return to(f"{STORAGE}/d/1/b1!x/download")
        return None
