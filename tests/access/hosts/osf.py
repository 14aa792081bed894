"""OSF: folders in folders, pages, a component; bytes at the storage behind a redirect."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes, in_json, to

API = "https://api.osf.io/v2"
STORAGE = "https://storage.googleapis.com"
PAGE = 2


class Host(FakeHost):
    NAME = "osf"
    REF = "xctdy"
    CHECKSUM = "sha256"
    SECRET = {"OSF_TOKEN": "osf-4d1b22c7e0"}
    SEES_SECRET = ("https://api.osf.io", "https://osf.io", "https://files.osf.io")
    RESTRICTED = "89kps"
    LOCATOR = "https://osf.io/download/id1/"
    PAGED = True
    ADDRESSES = {
        "https://osf.io/xctdy/": "xctdy",
        "https://osf.io/89kps/": "89kps",
        "http://osf.io/dv2ag": "dv2ag",
        "https://osf.io/b2wxj/wiki": "b2wxj",
        "https://osf.io/b2wxj/files/osfstorage": "b2wxj",
        "https://osf.io/download/xrz5f/": "file/xrz5f",
        "https://osf.io/u83ad/download": "file/u83ad",
        "https://osf.io/u83ad/download?version=1": "file/u83ad",
        "https://api.osf.io/v2/nodes/xctdy/": "xctdy",
        "https://api.osf.io/v2/registrations/dv2ag/": "dv2ag",
        "https://api.osf.io/v2/files/2arn4/": "file/2arn4",
        "https://doi.org/10.17605/OSF.IO/B2WXJ": "b2wxj",
    }
    NOT_MINE = ("https://osf.io/", "https://osf.io/login", "https://osf.io/about", "https://osf.io/preprints/psyarxiv")

    def reply(self, ask: Ask) -> Reply | None:
        if ask.origin == STORAGE:
            return in_bytes(list(self.files.values())[int(ask.path.rpartition("/")[2])], ask)
        if ask.origin == "https://osf.io":
            found = re.fullmatch(r"/download/id(\d+)/", ask.path)
            return to(f"{STORAGE}/osf/{found[1]}?X-Goog-Signature=s") if found else None
        if ask.origin != "https://api.osf.io":
            return None
        found = re.fullmatch(r"/v2/(nodes|files)/(\w{5})/(?:(children|files)/(?:osfstorage/(?:(\d+)/)?)?)?", ask.path)
        if found is None or found[2] not in (self.REF, self.RESTRICTED):
            return in_json({"errors": [{"detail": "Not found."}]}, 404)
        if found[2] == self.RESTRICTED and not self.authorised(ask):
            return in_json({"errors": [{"detail": "Authentication credentials were not provided."}]}, 401)
        if found[3] is None:
            return in_json({"data": {"id": found[2], "type": "nodes", "attributes": {"title": "t"}}})
        if found[3] == "children":
            return in_json({"data": [], "links": {"next": None}})
        return in_json(self.page(found[2], int(found[4] or 0), int(ask.query.get("page", 1))))

    def page(self, node: str, number: int, page: int) -> dict[str, Any]:
        """A page of a folder; folders have the number at which they come up."""
        folders: list[tuple[str, dict[str, Any]]] = [("/", self.tree())]
        for path, content in folders:
            folders += [(f"{path}{name}/", one) for name, one in content.items() if isinstance(one, dict)]
        path, content = folders[number]
        entries = [self.entry(node, path, name, one, folders) for name, one in content.items()]
        place = f"{API}/nodes/{node}/files/osfstorage/" + (f"{number}/" if number else "")
        onward = 1 if self.circle else page + 1 if page * PAGE < len(entries) else None
        links = {"first": None, "next": f"{place}?page={onward}&page%5Bsize%5D=100" if onward else None}
        return {"data": entries[PAGE * (page - 1) : PAGE * page], "links": links}

    def entry(self, node: str, path: str, name: str, one: Any, folders: list[tuple[str, Any]]) -> dict[str, Any]:
        if isinstance(one, dict):
            number = [p for p, _ in folders].index(f"{path}{name}/")
            href = f"{API}/nodes/{node}/files/osfstorage/{number}/"
            return {
                "id": f"d{number}", "type": "files", "attributes": {"name": name, "kind": "folder", "size": None},
                "relationships": {"files": {"links": {"related": {"href": href}}}}, "links": {},
            }  # fmt: skip
        number = list(self.files).index(name if self.raw else f"{path}{name}".lstrip("/"))
        hashes = {"md5": hashlib.md5(one, usedforsecurity=False).hexdigest(), "sha256": hashlib.sha256(one).hexdigest()}
        return {
            "id": f"id{number}", "type": "files", "links": {"download": f"https://osf.io/download/id{number}/"},
            "attributes": {"name": name, "kind": "file", "size": len(one), "materialized_path": path + name, "extra": {"hashes": hashes}},
        }  # fmt: skip
