"""Hugging Face: a repository at a commit, its tree in pages, small files in git and others in LFS, gates."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import parse_qs, quote

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes, in_json, to

SITE = "https://huggingface.co"
STORAGE = "https://cas-bridge.xethub.hf.co"
COMMIT = "5f2b7c0d9e8a1b3c4d5e6f708192a3b4c5d6e7f8"
PAGE = 2
LARGE_BYTES = 1000


def blob_sha1(data: bytes) -> str:
    """The id that git gives to a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class Host(FakeHost):
    NAME = "huggingface"
    REF = "owner/images"
    GATED = "owner/gated"
    SECRET = {"HF_TOKEN": "hf_3kf8sT0kenOfTheTests"}
    SEES_SECRET = (SITE,)
    RESTRICTED = GATED
    NEED = "click-through"
    PAGED = True
    ADDRESSES = {
        "https://huggingface.co/datasets/AbdomenAtlas/_AbdomenAtlas1.1Mini": "AbdomenAtlas/_AbdomenAtlas1.1Mini",
        "https://huggingface.co/datasets/WuBiao/BHSD/resolve/main/label_192.zip": "WuBiao/BHSD@main/label_192.zip",
        "https://huggingface.co/datasets/WuBiao/BHSD/resolve/main/a%20b.zip?download=true": "WuBiao/BHSD@main/a b.zip",
        "https://huggingface.co/datasets/MedOtter/FLARE22/discussions": "MedOtter/FLARE22",
        "https://huggingface.co/datasets/Wendy-Fly/BHSD/blob/main/dataset.json": "Wendy-Fly/BHSD@main/dataset.json",
        "https://huggingface.co/datasets/MMMU/MMMU/tree/main/Clinical_Medicine": "MMMU/MMMU@main/Clinical_Medicine",
        "https://huggingface.co/datasets/FOMO25/FOMO60K/tree/main": "FOMO25/FOMO60K@main",
        "https://hf.co/datasets/qiaojin/PubMedQA/": "qiaojin/PubMedQA",
        "https://huggingface.co/datasets/squad": "squad",
        "https://huggingface.co/datasets/a/b/tree/refs%2Fconvert%2Fparquet": "a/b@refs%2Fconvert%2Fparquet",
        "hf://datasets/owner/name": "owner/name",
        "hf://datasets/owner/name@v1/images/a b.zip": "owner/name@v1/images/a b.zip",
        "hf://datasets/owner/name/a.zip": "owner/name@main/a.zip",
        "hf://datasets/owner/name@refs/convert/parquet/x": "owner/name@refs%2Fconvert%2Fparquet/x",
        "hf://wanglab/medsam-vit-base": "models/wanglab/medsam-vit-base",
        "https://huggingface.co/wanglab/medsam-vit-base": "models/wanglab/medsam-vit-base",
        "https://huggingface.co/wanglab/medsam-vit-base/raw/main/config.json": "models/wanglab/medsam-vit-base@main/config.json",
    }  # fmt: skip
    NOT_MINE = (
        "https://huggingface.co/", "https://huggingface.co/datasets", "https://huggingface.co/papers/2208.07167",
        "https://huggingface.co/docs/hub/datasets-gated", "https://huggingface.co/spaces/a/b", "https://huggingface.co/wanglab",
        "hf://spaces/a/b", "hf://buckets/a/b/c", "hf://",
    )  # fmt: skip
    gate: str | bool = "auto"
    own_licence: object = "cc-by-4.0"
    base = SITE
    storage_base = STORAGE
    """What links begin with; a client that knows nothing of this server needs others."""

    def reply(self, ask: Ask) -> Reply | None:
        if ask.origin == STORAGE:
            return in_bytes(self.files[ask.query["name"]], ask)
        if ask.origin != SITE:
            return None
        for kind, repo in ((k, r) for k in ("datasets", "models") for r in (self.REF, self.GATED)):
            if ask.path.startswith(f"/api/{kind}/{repo}"):
                return self.interface(ask, repo, ask.path.removeprefix(f"/api/{kind}/{repo}").strip("/"))
            place = f"/{'datasets/' if kind == 'datasets' else ''}{repo}/resolve/"
            if ask.path.startswith(place):
                return self.resolve(ask, repo, ask.path.removeprefix(place))
        told = {"X-Error-Code": "RepoNotFound"}
        return in_json({"error": "Repository not found"}, 404 if self.authorised(ask) else 401, **told)

    def closed(self, ask: Ask, repo: str) -> Reply | None:
        if repo != self.GATED or self.authorised(ask):
            return None
        words = f"Access to dataset {repo} is restricted. You must be authenticated to access it."
        return in_json({"error": words}, 401, **{"X-Error-Code": "GatedRepo", "X-Error-Message": words})

    def interface(self, ask: Ask, repo: str, rest: str) -> Reply | None:
        if rest in ("", "revision/main", f"revision/{COMMIT}"):
            gated = self.gate if repo == self.GATED else False
            told = {"id": repo, "sha": COMMIT, "gated": gated, "private": False, "cardData": {"license": self.own_licence}}
            return in_json({**told, "siblings": [{"rfilename": name} for name in self.files], "tags": []})
        if rest == "auth-check":
            return self.closed(ask, repo) or Reply(200, b"OK")
        what, _, rest = rest.partition("/")
        commit, _, folder = rest.partition("/")
        if commit not in (COMMIT, "main"):
            return in_json({"error": "Invalid rev id"}, 404, **{"X-Error-Code": "RevisionNotFound"})
        if what == "paths-info" and ask.method == "POST":
            form = ask.headers["content-type"] == "application/x-www-form-urlencoded"
            wanted = parse_qs(ask.body.decode())["paths"] if form else json.loads(ask.body)["paths"]
            return in_json([one for path in wanted for one in self.at(path)])
        return self.page(ask, folder) if what == "tree" else None

    def at(self, path: str) -> list[dict[str, object]]:
        if path in self.files:
            return [self.entry(path)]
        inside = any(name.startswith(f"{path}/") for name in self.files)
        return [{"type": "directory", "oid": "0" * 40, "size": 0, "path": path}] if inside else []

    def page(self, ask: Ask, folder: str) -> Reply:
        names = [name for name in self.files if not folder or name.startswith(f"{folder}/")]
        start = int(ask.query.get("cursor", 0))
        listed: list[dict[str, object]] = [self.entry(name) for name in names[start : start + PAGE]]
        if start == 0 and not self.raw:
            listed.insert(0, {"type": "directory", "oid": "1" * 40, "size": 0, "path": "images"})
        onward = 0 if self.circle else start + PAGE
        link = f'<{self.base}{quote(ask.path)}?recursive=true&expand=false&cursor={onward}>; rel="next"'
        return in_json(listed, **({"Link": link} if onward < len(names) else {}))

    def entry(self, name: str) -> dict[str, object]:
        data = self.files[name]
        told: dict[str, object] = {"type": "file", "oid": blob_sha1(data), "size": len(data), "path": name}
        if len(data) < LARGE_BYTES:
            return told
        large = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        return {**told, "oid": blob_sha1(b"pointer"), "lfs": large, "xetHash": "a" * 64}

    def resolve(self, ask: Ask, repo: str, rest: str) -> Reply | None:
        commit, _, name = rest.partition("/")
        if name not in self.files or commit not in (COMMIT, "main"):
            return in_json({"error": "Entry not found"}, 404, **{"X-Error-Code": "EntryNotFound"})
        data = self.files[name]
        told = {"X-Repo-Commit": COMMIT, "ETag": f'"{blob_sha1(data)}"'}
        if len(data) >= LARGE_BYTES:
            sha256 = hashlib.sha256(data).hexdigest()
            told = {**told, "X-Linked-Size": str(len(data)), "X-Linked-Etag": f'"{sha256}"'}
            led = to(self.storage(name))
            return self.closed(ask, repo) or Reply(302, b"", {**led.headers, **told})
        return self.closed(ask, repo) or in_bytes(data, ask, **told)

    def storage(self, name: str) -> str:
        """Where a large file lies."""
        return f"{self.storage_base}/xet?name={quote(name)}&X-Amz-Signature=s"
