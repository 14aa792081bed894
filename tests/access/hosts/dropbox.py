"""Dropbox: links that show a page, and with dl=1 lead to the file or a zip of the folder."""

from __future__ import annotations

from urllib.parse import quote

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes, to

STORAGE = "https://uc123.dl.dropboxusercontent.com"
PAGE = Reply(200, b"<!DOCTYPE html><html><head><title>Dropbox</title></head></html>", {"Content-Type": "text/html; charset=utf-8"})


class Host(FakeHost):
    NAME = "dropbox"
    REF = "scl/fi/bqk780hn794gep6upfrge/file?rlkey=gjiiz731us18p9u7iouhin3gw"
    ONE_FILE = True
    ANY_BODY = True
    ADDRESSES = {
        "https://www.dropbox.com/s/6vp6o8tydb8waby/13_AbdomenCT-12organ.tar.gz": "s/6vp6o8tydb8waby/13_AbdomenCT-12organ.tar.gz",
        "https://www.dropbox.com/s/k88qukc20ljnbuo/PH2Dataset.rar?dl=0": "s/k88qukc20ljnbuo/PH2Dataset.rar",
        "https://dl.dropbox.com/s/k88qukc20ljnbuo/PH2Dataset.rar": "s/k88qukc20ljnbuo/PH2Dataset.rar",
        "https://dl.dropboxusercontent.com/s/k88qukc20ljnbuo/PH2Dataset.rar": "s/k88qukc20ljnbuo/PH2Dataset.rar",
        "https://www.dropbox.com/s/k88qukc20ljnbuo/a%20b.rar?raw=1": "s/k88qukc20ljnbuo/a b.rar",
        "https://www.dropbox.com/scl/fi/bqk780hn794gep6upfrge/AbdomenAtlas1.0Mini.tar.gz?rlkey=gjiiz731us18p9u7iouhin3gw&dl=0":
            "scl/fi/bqk780hn794gep6upfrge/AbdomenAtlas1.0Mini.tar.gz?rlkey=gjiiz731us18p9u7iouhin3gw",
        "https://www.dropbox.com/scl/fi/bqk780hn794gep6upfrge/x.zip?rlkey=gj&st=a1b2&dl=0": "scl/fi/bqk780hn794gep6upfrge/x.zip?rlkey=gj",
        "https://www.dropbox.com/sh/o8q84e2eg54ay3d/AADiAkNr6bFQDoFaKeEjpYtra?dl=0": "sh/o8q84e2eg54ay3d/AADiAkNr6bFQDoFaKeEjpYtra",
        "https://www.dropbox.com/scl/fo/abc123/AAA?rlkey=xyz&e=1&dl=0": "scl/fo/abc123/AAA?rlkey=xyz",
        "https://dropbox.com/sh/o8q84e2eg54ay3d/": "sh/o8q84e2eg54ay3d",
    }  # fmt: skip
    NOT_MINE = ("https://www.dropbox.com/", "https://www.dropbox.com/home", "https://help.dropbox.com/s/a/b", "https://www.dropbox.com/l/scl/x")
    too_large = False

    def reply(self, ask: Ask) -> Reply | None:
        name, data = next(iter(self.files.items()))
        if ask.origin == STORAGE:
            told = f"attachment; filename=\"x\"; filename*=UTF-8''{quote(name, safe='')}"
            if ask.path == "/zip":
                return Reply(200, b"PK\3\4 made on the fly", {"Content-Type": "application/zip", "Content-Disposition": "attachment; filename=all.zip"})
            return in_bytes(data, ask, **{"Content-Disposition": told})
        if ask.origin != "https://www.dropbox.com":
            return None
        if ask.path == "/" + self.REF.partition("?")[0] and ask.query.get("rlkey") == self.REF.rpartition("=")[2]:
            return to(f"{STORAGE}/cd/0/get/x/file?dl=1") if ask.query.get("dl") == "1" else PAGE
        if ask.path == "/sh/folder1/AAkey":
            return to(f"{STORAGE}/zip") if ask.query.get("dl") == "1" and not self.too_large else PAGE
        return None
