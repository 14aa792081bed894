"""A Girder: a collection with folders, items, and files; an API key that is changed for a token."""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import parse_qsl

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes, in_json

SITE = "humanheart-project.creatis.insa-lyon.fr/database"
OPEN, CLOSED = "637218c173e9f0047faa00fb", "6373703d73e9f0047faa1bc8"
TOKEN = "girder-token-of-this-session"


class Host(FakeHost):
    NAME = "girder"
    REF = f"{SITE}/collection/{OPEN}"
    CHECKSUM = "sha512"
    SECRET = {"GIRDER_API_KEY": "gk-93b1c0ffee", "GIRDER_API_URL": f"https://{SITE}/api/v1"}
    SEES_SECRET = ("https://humanheart-project.creatis.insa-lyon.fr",)
    RESTRICTED = f"{SITE}/collection/{CLOSED}"
    NEED = "account"
    PAGED = True
    SMALL_PAGES = {"_PAGE": 2}
    ADDRESSES = {
        f"https://{SITE}/#collection/{OPEN}": f"{SITE}/collection/{OPEN}",
        f"https://{SITE}/#collection/{CLOSED}": f"{SITE}/collection/{CLOSED}",
        f"https://{SITE}#collection/{CLOSED}/folder/63fde55f73e9f004868fb7ac": f"{SITE}/folder/63fde55f73e9f004868fb7ac",
        f"https://{SITE}/#folder/63fde55f73e9f004868fb7ac?dialog=x": f"{SITE}/folder/63fde55f73e9f004868fb7ac",
        f"https://{SITE}/#item/63fde55f73e9f004868fb7ac": f"{SITE}/item/63fde55f73e9f004868fb7ac",
        f"https://{SITE}/api/v1/folder/63fde55f73e9f004868fb7ac/download": f"{SITE}/folder/63fde55f73e9f004868fb7ac",
        f"https://{SITE}/api/v1/collection/{OPEN}/download": f"{SITE}/collection/{OPEN}",
        f"https://{SITE}/api/v1/item/{OPEN}/download?contentDisposition=inline": f"{SITE}/item/{OPEN}",
        "https://data.kitware.com/api/v1/file/5b843d468d777f06857c1dcb/download": "data.kitware.com/file/5b843d468d777f06857c1dcb",
        "https://data.kitware.com/#item/5b843d468d777f06857c1dcb": "data.kitware.com/item/5b843d468d777f06857c1dcb",
    }
    NOT_MINE = (f"https://{SITE}/", f"https://{SITE}/#collections", "https://www.creatis.insa-lyon.fr/Challenge/acdc/")

    def reply(self, ask: Ask) -> Reply | None:
        root, found, what = ask.where.partition("/api/v1/")
        if root != SITE or not found:
            return None
        if what == "api_key/token":
            good = (
                ask.method == "POST" and dict(parse_qsl(ask.body.decode())).get("key") == self.SECRET["GIRDER_API_KEY"]
            )
            return in_json(
                {"authToken": {"token": TOKEN}} if good else {"message": "Invalid API key."}, 200 if good else 400
            )
        hidden = ask.headers.get("girder-token") != TOKEN
        here = re.fullmatch(r"(collection|folder|item|file)/(\w+)(?:/(files|download))?", what)
        if here and here[3] == "download":
            return in_bytes(list(self.files.values())[int(here[2], 16) - 1], ask) if here[1] == "file" else None
        if here and here[1] == "collection":
            if here[2] not in (OPEN, CLOSED):
                return in_json({"message": "Invalid collection id", "type": "rest"}, 400)
            if here[2] == CLOSED and hidden:
                return in_json({"message": "Read access denied for collection (user None).", "type": "access"}, 401)
            return in_json({"_id": here[2], "name": "ACDC", "public": True, "size": 1})
        if what == "folder":
            return self.page(self.folders(ask.query["parentType"], ask.query["parentId"]), ask)
        if what == "item":
            return self.page(self.items(self.path(ask.query["folderId"])), ask)
        if here and here[1] == "item" and here[3] == "files":
            return self.page([self.entry(int(here[2], 16))], ask)
        return None

    def page(self, listed: list[Any], ask: Ask) -> Reply:
        start = int(ask.query["offset"])
        return in_json(listed[start : start + int(ask.query["limit"])])

    def every(self) -> list[str]:
        """All folders; files at the top lie in one, since a collection holds folders only."""
        found = {"top"} if self.raw else {f"top/{name}".rpartition("/")[0] for name in self.files}
        return sorted({"/".join(one.split("/")[: n + 1]) for one in found for n in range(one.count("/") + 1)})

    def path(self, number: str) -> str:
        return self.every()[int(number, 16) - 4096]

    def folders(self, kind: str, parent: str) -> list[dict[str, Any]]:
        above = "" if kind == "collection" else self.path(parent)
        return [
            {"_id": f"{4096 + n:024x}", "name": one.rpartition("/")[2], "parentCollection": kind}
            for n, one in enumerate(self.every())
            if one.rpartition("/")[0] == above
        ]

    def items(self, folder: str) -> list[dict[str, Any]]:
        return [
            {"_id": f"{n + 1:024x}", "name": self.last(name), "size": 1}
            for n, name in enumerate(self.files)
            if (self.raw and folder == "top") or (not self.raw and f"top/{name}".rpartition("/")[0] == folder)
        ]

    def last(self, name: str) -> str:
        return name if self.raw else name.rpartition("/")[2]

    def entry(self, number: int) -> dict[str, Any]:
        name, data = list(self.files.items())[number - 1]
        return {
            "_id": f"{number:024x}",
            "name": self.last(name),
            "size": len(data),
            "sha512": hashlib.sha512(data).hexdigest(),
        }
