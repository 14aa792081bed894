"""Dryad: datasets, versions and pages of files; bytes for those with a token only, at signed addresses elsewhere."""

from __future__ import annotations

import hashlib
import json
import re

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes, in_json, to

STORAGE = "https://dryad-assetstore-merritt-west.s3.us-west-2.amazonaws.com"
TOKEN = "dt-made-of-id-and-secret"
PAGE = 2


class Host(FakeHost):
    NAME = "dryad"
    REF = "10.5061/dryad.9s4mw6mc9"
    CHECKSUM = "sha256"
    SECRET = {"DRYAD_CLIENT_ID": "dryad-client-1f2e", "DRYAD_CLIENT_SECRET": "dryad-secret-88aa"}
    SEES_SECRET = ("https://datadryad.org",)
    RESTRICTED = REF
    NEED = "account"
    ALWAYS_NEEDS = True
    LOCATOR = "/api/v2/files/1/download"
    PAGED = True
    ADDRESSES = {
        "https://datadryad.org/stash/dataset/doi:10.5061/dryad.mj76c": "10.5061/dryad.mj76c",
        "https://datadryad.org/dataset/doi:10.5061/dryad.9s4mw6mc9": "10.5061/dryad.9s4mw6mc9",
        "https://datadryad.org/stash/dataset/doi%3A10.5061%2Fdryad.9s4mw6mc9": "10.5061/dryad.9s4mw6mc9",
        "http://datadryad.org/stash/landing/show/doi:10.5061/dryad.mj76c": "10.5061/dryad.mj76c",
        "https://datadryad.org/api/v2/datasets/doi%3A10.5061%2Fdryad.mj76c": "10.5061/dryad.mj76c",
        "https://datadryad.org/api/v2/datasets/doi%3A10.5061%2Fdryad.mj76c/download": "10.5061/dryad.mj76c",
        "https://datadryad.org/stash/dataset/doi:10.7280/D1V07K": "10.7280/d1v07k",
        "http://datadryad.org/resource/doi:10.5061/dryad.q5j65/1": "10.5061/dryad.q5j65",
        "https://datadryad.org/stash/landing/show?id=doi%3A10.5061%2Fdryad.mj76c": "10.5061/dryad.mj76c",
        "https://doi.org/10.5061/dryad.q5j65/1": "10.5061/dryad.q5j65",
        "https://doi.org/10.5061/dryad.mj76c": "10.5061/dryad.mj76c",
        "http://dx.doi.org/10.5061/DRYAD.MJ76C": "10.5061/dryad.mj76c",
        "doi:10.5061/dryad.mj76c": "10.5061/dryad.mj76c",
    }
    NOT_MINE = ("https://datadryad.org/", "https://datadryad.org/search?q=x")

    def reply(self, ask: Ask) -> Reply | None:
        names = list(self.files)
        if ask.origin == STORAGE:
            return in_bytes(self.files[names[int(ask.path.rpartition("/")[2])]], ask)
        if ask.origin != "https://datadryad.org":
            return None
        if ask.path == "/oauth/token":
            sent = json.loads(ask.body)
            good = [sent.get("client_id"), sent.get("client_secret")] == list(self.SECRET.values())
            return in_json({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 36000} if good else {"error": "invalid_client"}, 200 if good else 401)  # fmt: skip
        if ask.path == f"/api/v2/datasets/doi:{self.REF}":
            licence = "https://spdx.org/licenses/CC0-1.0.html"
            return in_json({"identifier": f"doi:{self.REF}", "license": licence, "_links": {"stash:version": {"href": "/api/v2/versions/126667"}}})  # fmt: skip
        if ask.path == "/api/v2/versions/126667/files":
            return in_json(self.page(int(ask.query.get("page", 1))))
        found = re.fullmatch(r"/api/v2/files/(\d+)/download", ask.path)
        if found and int(found[1]) < len(names):
            if ask.headers.get("authorization") != f"Bearer {TOKEN}":
                return in_json({"error": "must have current bearer token"}, 401)
            return to(f"{STORAGE}/v3/{found[1]}?X-Amz-Signature=s")
        return None

    def page(self, number: int) -> dict[str, object]:
        chosen = list(enumerate(self.files.items()))[PAGE * (number - 1) : PAGE * number]
        files = [
            {
                "path": name, "size": len(data), "mimeType": "text/plain", "status": "copied",
                "digest": hashlib.sha256(data).hexdigest(), "digestType": "sha-256",
                "_links": {"self": {"href": f"/api/v2/files/{n}"}, "stash:download": {"href": f"/api/v2/files/{n}/download"}},
            }
            for n, (name, data) in chosen
        ]  # fmt: skip
        files.append({"path": "old.csv", "size": 3, "status": "deleted", "_links": {}})
        onward = 1 if self.circle else number + 1 if number * PAGE < len(self.files) else None
        links = {"next": {"href": f"/api/v2/versions/126667/files?page={onward}"}} if onward else {}
        return {"count": len(files), "total": len(self.files), "_links": links, "_embedded": {"stash:files": files}}
