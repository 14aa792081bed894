"""GitHub: trees of a commit, releases, archives; raw files, and Git LFS."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any
from urllib.parse import quote

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes, in_json, to
from tests.access.hosts.huggingface import blob_sha1

API = "https://api.github.com"
RAW = "https://raw.githubusercontent.com"
STORAGE = "https://github-cloud.githubusercontent.com"
ASSETS = "https://release-assets.githubusercontent.com"
COMMIT = "0f1e2d3c4b5a69788796a5b4c3d2e1f001122334"
ATTRIBUTES = b"# large ones\n*.nii.gz filter=lfs diff=lfs merge=lfs -text\n*.txt text\n"


def pointer(data: bytes) -> bytes:
    """What stands in a repository for a file of Git LFS."""
    sha256 = hashlib.sha256(data).hexdigest()
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n" % (sha256.encode(), len(data))


class Host(FakeHost):
    NAME = "github"
    REPO = "owner/data.set"
    REF = REPO
    SECRET = {"GITHUB_TOKEN": "ghp_9aTokenOfTheTests77"}
    SEES_SECRET = (API, RAW, "https://codeload.github.com", "https://github.com")
    ADDRESSES = {
        "https://github.com/neheller/kits23": "neheller/kits23",
        "https://github.com/HINTLab/RibSeg/": "HINTLab/RibSeg",
        "https://github.com/Shenggan/BCCD_Dataset.git": "Shenggan/BCCD_Dataset",
        "https://github.com/SlicerRt/SlicerRT/tree/master/Testing/Data": "SlicerRt/SlicerRT@master/Testing/Data",
        "https://github.com/qurit/rt-utils/tree/main/tests": "qurit/rt-utils@main/tests",
        "https://github.com/adalca/medical-datasets/blob/master/neurite-oasis.md": "adalca/medical-datasets@master/neurite-oasis.md",
        "https://github.com/HiLab-git/WORD/raw/main/WORD_V0.1.0_labelsTs.zip": "HiLab-git/WORD@main/WORD_V0.1.0_labelsTs.zip",
        "https://github.com/ari-dasci/OD-covidgr/releases/tag/1.0": "ari-dasci/OD-covidgr/releases/1.0",
        "https://github.com/htem/xpress-challenge-files/releases/download/v1.0/xpress-training-raw.h5":
            "htem/xpress-challenge-files/releases/v1.0/xpress-training-raw.h5",
        "https://github.com/a/b/releases/latest": "a/b/releases/latest",
        "https://github.com/a/b/releases/latest/download/x.zip": "a/b/releases/latest/x.zip",
        "https://github.com/MahmudulAlam/Complete-Blood-Cell-Count-Dataset/archive/master.zip":
            "MahmudulAlam/Complete-Blood-Cell-Count-Dataset/archive/master.zip",
        "https://github.com/unidesigner/groundtruth-drosophila-vnc/archive/refs/heads/master.zip":
            "unidesigner/groundtruth-drosophila-vnc/archive/master.zip",
        "https://codeload.github.com/a/b/tar.gz/refs/tags/v1": "a/b/archive/v1.tar.gz",
        "https://raw.githubusercontent.com/a/b/main/x%20y/z.csv": "a/b@main/x y/z.csv",
        "https://raw.githubusercontent.com/a/b/refs/heads/main/z.csv": "a/b@main/z.csv",
        "https://media.githubusercontent.com/media/a/b/main/z.nii.gz": "a/b@main/z.nii.gz",
    }  # fmt: skip
    NOT_MINE = (
        "https://github.com/", "https://github.com/neheller", "https://github.com/a/b/issues/3", "https://github.com/a/b/wiki",
        "https://github.com/topics/medical", "https://gist.github.com/a/b", "https://a.github.io/b/",
    )  # fmt: skip
    cut = False
    """Trees of more than a few entries are cut when they are asked for at once."""
    over_quota = False
    lfs = True
    attributes = ".gitattributes"
    """Where the attributes lie, which no tree lists here."""
    digests = True

    def reply(self, ask: Ask) -> Reply | None:
        if ask.origin == API and ask.path.startswith(f"/repos/{self.REPO}/"):
            return self.interface(ask, ask.path.removeprefix(f"/repos/{self.REPO}/"))
        if ask.origin == RAW and ask.path.startswith(f"/{self.REPO}/{COMMIT}/"):
            name = ask.path.removeprefix(f"/{self.REPO}/{COMMIT}/")
            stored = {self.attributes: ATTRIBUTES, **self.stored()} if self.lfs else self.stored()
            return in_bytes(stored[name], ask) if name in stored else None
        if ask.origin == "https://github.com" and ask.path == f"/{self.REPO}.git/info/lfs/objects/batch":
            return self.batch(ask)
        if ask.origin == STORAGE:
            found = {hashlib.sha256(data).hexdigest(): data for data in self.files.values()}
            return in_bytes(found[ask.path[1:]], ask) if ask.headers.get("x-from") == "batch" else Reply(403)
        if ask.origin == "https://github.com" and ask.path.startswith(f"/{self.REPO}/releases/download/v1.0/"):
            return to(f"{ASSETS}/{quote(ask.path.rpartition('/')[2])}?sig=s")
        if ask.origin == ASSETS:
            return in_bytes(self.files[ask.path[1:]], ask)
        if ask.origin == "https://codeload.github.com" and ask.path == f"/{self.REPO}/tar.gz/{COMMIT}":
            return Reply(200, b"\x1f\x8bnot the same for ever", {"Content-Type": "application/x-gzip"})
        return None

    def stored(self) -> dict[str, bytes]:
        """What lies in git."""
        if not self.lfs or self.raw:
            return self.files
        return {name: pointer(data) if name.endswith(".nii.gz") and data else data for name, data in self.files.items()}

    def interface(self, ask: Ask, rest: str) -> Reply | None:
        if rest.startswith("commits/"):
            good = rest.removeprefix("commits/") in ("HEAD", "main", "feature/x")
            return Reply(200, COMMIT.encode(), {"Content-Type": "text/plain"}) if good else in_json({"message": "No commit found"}, 422)
        found = re.fullmatch("git/trees/([0-9a-f]{40})", rest)
        if found:
            return self.tree_of(found[1], "recursive" in ask.query)
        if rest in ("releases/latest", "releases/tags/v1.0"):
            return in_json({"id": 1, "tag_name": "v1.0", "assets": [self.asset(name, data) for name, data in self.files.items()]})
        return in_json({"message": "Not Found"}, 404)

    def asset(self, name: str, data: bytes) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}" if self.digests else None
        url = f"https://github.com/{self.REPO}/releases/download/v1.0/{quote(name)}"
        return {"name": name, "size": len(data), "state": "uploaded", "digest": digest, "browser_download_url": url}

    def tree_of(self, sha: str, whole: bool) -> Reply | None:
        at = self.folders().get(sha)
        if at is None:
            return in_json({"message": "Not Found"}, 404)
        below = {n.removeprefix(at): d for n, d in self.stored().items() if n.startswith(at)}
        listed: list[dict[str, Any]] = []
        for name, data in below.items():
            if whole or "/" not in name or self.raw:
                listed.append({"path": name, "mode": "100644", "type": "blob", "sha": blob_sha1(data), "size": len(data)})
        for folder, sha_ in {} if self.raw else {f: s for s, f in self.folders().items() if f != at and f.startswith(at)}.items():
            inner = folder.removeprefix(at).rstrip("/")
            if whole or "/" not in inner:
                listed.append({"path": inner, "mode": "040000", "type": "tree", "sha": sha_})
        if at == "":
            listed.append({"path": "link", "mode": "120000", "type": "blob", "sha": "2" * 40, "size": 5})
            listed.append({"path": "module", "mode": "160000", "type": "commit", "sha": "3" * 40})
        cut = self.cut and whole and at in ("", "images/")
        return in_json({"sha": sha, "tree": listed[:2] if cut else listed, "truncated": cut})

    def folders(self) -> dict[str, str]:
        """Id and path of every folder; the top goes by the commit."""
        paths = {name[: n + 1] for name in ([] if self.raw else self.files) for n, c in enumerate(name) if c == "/"}
        return {COMMIT: "", **{hashlib.sha1(p.encode(), usedforsecurity=False).hexdigest(): p for p in sorted(paths)}}

    def batch(self, ask: Ask) -> Reply:
        if self.over_quota:
            return in_json({"message": "This repository is over its data quota. Account responsible should purchase more"}, 403)
        sent = json.loads(ask.body)
        if ask.headers.get("accept") != "application/vnd.git-lfs+json" or sent["operation"] != "download":
            return in_json({"message": "not acceptable"}, 406)
        found = {hashlib.sha256(data).hexdigest(): data for data in self.files.values()}
        objects: list[dict[str, Any]] = []
        for one in sent["objects"]:
            if one["oid"] in found:
                action = {"href": f"{STORAGE}/{one['oid']}?token=s", "header": {"X-From": "batch"}, "expires_in": 3600}
                objects.append({**one, "authenticated": True, "actions": {"download": action}})
            else:
                objects.append({**one, "error": {"code": 404, "message": "Object does not exist"}})
        return in_json({"transfer": "basic", "objects": objects})
