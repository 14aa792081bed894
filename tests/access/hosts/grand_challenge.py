"""Grand Challenge: an archive with items, whose values are files, images and sets of DICOM files."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import quote

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes, in_json

SITE = "https://grand-challenge.org"
STORAGE = "https://grand-challenge-cases.s3.amazonaws.com"
PAGE = 2
ARCHIVE = "6d7b4b0c-3a4e-4b5f-9a0e-1f2d3c4b5a69"


def number_of(text: str) -> str:
    """An id for anything."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, text.encode("utf-8", "replace").hex()))


class Host(FakeHost):
    NAME = "grand_challenge"
    SLUG = "chest-archive"
    REF = f"archives/{SLUG}"
    RESTRICTED = REF
    ALWAYS_NEEDS = True
    SECRET = {"GRAND_CHALLENGE_AUTHORIZATION": "Bearer 77tokenOfTheTests"}
    SEES_SECRET = (SITE,)
    PAGED = True
    SMALL_PAGES = {"_PAGE": PAGE}
    ADDRESSES = {
        "https://grand-challenge.org/archives/chest-archive/": "archives/chest-archive",
        "https://grand-challenge.org/archives/i-am-an-archive/items/": "archives/i-am-an-archive",
        "https://www.grand-challenge.org/archives/x": "archives/x",
        "http://grand-challenge.org/archives/x/": "archives/x",
        "https://grand-challenge.org/archives/x/#items": "archives/x",
        "https://grand-challenge.org/archives/x/?page=2": "archives/x",
        "https://grand-challenge.org/archives/X_1-y/cases/": "archives/X_1-y",
        "https://grand-challenge.org/archives/x/permission-requests/create/": "archives/x",
        "https://grand-challenge.org/api/v1/archives/?slug=x": "archives/x",
        "https://grand-challenge.org/api/v1/archives?slug=chest-archive&limit=1": "archives/chest-archive",
    }
    NOT_MINE = (
        "https://grand-challenge.org/", "https://grand-challenge.org/challenges/", "https://grand-challenge.org/algorithms/x/",
        "https://grand-challenge.org/archives/", "https://amos22.grand-challenge.org/", "https://drive.grand-challenge.org/archives/x/",
    )  # fmt: skip
    dicom = False
    """Images are sets of DICOM files."""
    calls = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bytes_of = dict(self.files)
        if not self.raw:  # each item has a folder of its own
            self.files = {f"{number_of(name)}/{self.socket(name)}/{self.last(name)}": data for name, data in self.files.items()}

    def last(self, name: str) -> str:
        return number_of(name) + ".dcm" if self.dicom else name.rpartition("/")[2]

    def socket(self, name: str) -> str:
        return "report" if name.endswith(".csv") else "generic-medical-image"

    def authorised(self, ask: Ask) -> bool:
        return ask.headers.get("authorization") == "Bearer 77tokenOfTheTests"

    def reply(self, ask: Ask) -> Reply | None:
        if ask.origin == STORAGE:
            return Reply(400) if "authorization" in ask.headers else self.bytes(ask)
        if ask.origin != SITE:
            return None
        if ask.path.startswith("/media/"):
            return self.bytes(ask) if self.authorised(ask) else Reply(403)
        rest = ask.path.removeprefix("/api/v1/")
        if rest == "archives/":
            shown = [{"pk": ARCHIVE, "title": "Chest", "url": f"{SITE}/archives/{self.SLUG}/"}] if self.authorised(ask) else []
            return in_json(self.paged([one for one in shown if ask.query.get("slug") in (self.SLUG, "unfiltered")], ask))
        if not self.authorised(ask):
            return in_json({"detail": "Authentication credentials were not provided."}, 401)
        if rest == "archives/items/":
            return in_json(self.paged([self.item(name) for name in self.bytes_of], ask))
        for name in self.bytes_of:
            if rest == f"archives/items/{number_of(name)}/":
                return in_json(self.item(name))
            if rest == f"cases/images/{number_of(name)}/":
                return in_json(self.image(name))
            if rest == f"cases/images/{number_of(name)}/dicom/instances/":
                return in_json({"instances": [self.instance(name)]})
        return in_json({"detail": "Not found."}, 404)

    def paged(self, listed: list[Any], ask: Ask) -> dict[str, Any]:
        start, most = int(ask.query.get("offset", 0)), int(ask.query.get("limit", 100))
        onward = f"{SITE}/api/v1/archives/items/?offset={start + most}" if start + most < len(listed) else None
        return {"count": len(listed), "next": onward, "previous": None, "results": listed[start : start + most]}

    def item(self, name: str) -> dict[str, Any]:
        socket: dict[str, Any] = {"slug": self.socket(name), "kind": "Image", "pk": 1}
        value: dict[str, Any] = {"interface": socket, "socket": socket, "value": None, "file": None, "image": None, "pk": 42}
        if self.socket(name) == "report":
            value["file"] = f"{SITE}/media/{quote(name, safe='/')}"
        else:
            value["image"] = f"{SITE}/api/v1/cases/images/{number_of(name)}/"
        text: dict[str, Any] = {"interface": {"slug": "age"}, "value": 61, "file": None, "image": None, "pk": 43}
        return {"pk": number_of(name), "archive": ARCHIVE, "values": [text, value], "title": ""}

    def image(self, name: str) -> dict[str, Any]:
        self.calls += 1
        files = [{"pk": number_of(name), "image_type": "MHD", "file": f"{STORAGE}/{quote(name, safe='/')}?X-Amz-Signature={self.calls}"}]
        told = {"pk": number_of(name), "name": name, "files": [] if self.dicom else files}
        return {**told, "dicom_image_set": {"image_set_id": "a" * 32} if self.dicom else None}

    def instance(self, name: str) -> dict[str, Any]:
        get = {"method": "GET", "url": f"{STORAGE}/{quote(name, safe='/')}", "headers": {"x-amz-date": "20260101T000000Z"}}
        return {"sop_instance_uid": number_of(name), "get_instance": get}

    def bytes(self, ask: Ask) -> Reply | None:
        name = ask.path.removeprefix("/media/") if ask.origin == SITE else ask.path[1:]
        return in_bytes(self.bytes_of[name], ask) if name in self.bytes_of else None
