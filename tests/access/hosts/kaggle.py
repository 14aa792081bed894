"""Kaggle: datasets and competitions, by the REST form of its interface and by the one that its packages call (RPC)."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from typing import Any
from urllib.parse import quote

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes, in_json, to

SITE = "https://www.kaggle.com"
STORAGE = "https://storage.googleapis.com"
PAGE = 2


class Host(FakeHost):
    NAME = "kaggle"
    DATASET = "owner/chest-images"
    COMPETITION = "kidney-2020"
    REF = f"{DATASET}/"
    RESTRICTED = f"competitions/{COMPETITION}/"
    NEED = "account"
    SECRET = {"KAGGLE_API_TOKEN": "KGAT_tokenOfTheTests42"}
    SEES_SECRET = (SITE,)
    PAGED = True
    ADDRESSES = {
        "https://www.kaggle.com/datasets/xiaoweixumedicalai/imagecas": "xiaoweixumedicalai/imagecas",
        "https://www.kaggle.com/datasets/xiaoweixumedicalai/imagecas/versions/2": "xiaoweixumedicalai/imagecas@2",
        "https://www.kaggle.com/datasets/mateuszbuda/lgg-mri-segmentation?resource=download": "mateuszbuda/lgg-mri-segmentation",
        "https://www.kaggle.com/datasets/a/b/data?select=x.csv": "a/b",
        "https://www.kaggle.com/paultimothymooney/chest-xray-pneumonia": "paultimothymooney/chest-xray-pneumonia",
        "https://www.kaggle.com/a/b/version/3": "a/b@3",
        "https://www.kaggle.com/api/v1/datasets/download/a/b?datasetVersionNumber=4": "a/b@4",
        "https://www.kaggle.com/api/v1/competitions/data/download-all/kidney-2020": "competitions/kidney-2020",
        "https://www.kaggle.com/c/diabetic-retinopathy-detection": "competitions/diabetic-retinopathy-detection",
        "https://www.kaggle.com/c/diabetic-retinopathy-detection/data": "competitions/diabetic-retinopathy-detection",
        "https://kaggle.com/competitions/hubmap-kidney-segmentation/overview": "competitions/hubmap-kidney-segmentation",
        "http://www.kaggle.com/competitions/uw-madison-gi-tract-image-segmentation/data": "competitions/uw-madison-gi-tract-image-segmentation",
    }  # fmt: skip
    NOT_MINE = (
        "https://www.kaggle.com/", "https://www.kaggle.com/datasets", "https://www.kaggle.com/owner", "https://www.kaggle.com/ds/2744937",
        "https://www.kaggle.com/owner/datasets", "https://www.kaggle.com/owner/code", "https://www.kaggle.com/code/a/b", "https://www.kaggle.com/discussions/general/1", "https://www.kaggle.com/models/a/b",
    )  # fmt: skip
    accepted = True
    """Whether the rules of the competition are accepted."""
    base = STORAGE
    """Where downloads are led to; a client that knows nothing of this server needs another."""

    def authorised(self, ask: Ask) -> bool:
        sent = ask.headers.get("authorization", "")
        pair = base64.b64encode(b"me:0123key").decode()
        return sent == f"Bearer {self.SECRET['KAGGLE_API_TOKEN']}" or sent == f"Basic {pair}"

    def reply(self, ask: Ask) -> Reply | None:
        if ask.origin == STORAGE:
            return self.storage(ask)
        if ask.origin != SITE or not ask.path.startswith("/api/v1/"):
            return None
        if "ApiService/" in ask.path:
            return self.rpc(ask)
        rest = ask.path.removeprefix("/api/v1/")
        if rest == f"datasets/view/{self.DATASET}":
            return in_json(self.about())
        if rest == f"datasets/list/{self.DATASET}":
            return in_json(self.listed("datasetFiles", ask.query.get("pageToken")))
        if rest == f"datasets/download/{self.DATASET}":
            return self.led("archive.zip", ask)
        if rest.startswith(f"datasets/download/{self.DATASET}/"):
            return self.single(rest.removeprefix(f"datasets/download/{self.DATASET}/"), ask)
        if rest.startswith("competitions/"):
            return self.competition(rest.removeprefix("competitions/"), ask)
        return in_json({"code": 404, "message": "Not found"}, 404)

    def competition(self, rest: str, ask: Ask) -> Reply:
        if not self.authorised(ask):
            return in_json({"code": 401, "message": "Unauthorized"}, 401)
        if rest == f"data/list/{self.COMPETITION}":
            return in_json(self.listed("files", ask.query.get("pageToken")))
        if rest.startswith(("data/download/", "data/download-all/")) and not self.accepted:
            words = "You must accept this competition's rules before you'll be able to download files."
            return in_json({"code": 403, "message": words}, 403)
        if rest == f"data/download-all/{self.COMPETITION}":
            return self.led("archive.zip", ask)
        if rest.startswith(f"data/download/{self.COMPETITION}/"):
            return self.single(rest.removeprefix(f"data/download/{self.COMPETITION}/"), ask)
        return in_json({"code": 404, "message": "Not found"}, 404)

    def about(self) -> dict[str, Any]:
        return {
            "id": 1, "ref": self.DATASET, "title": "Chest images", "totalBytes": sum(map(len, self.files.values())),
            "licenseName": "CC BY-NC-SA 4.0", "currentVersionNumber": 3, "isPrivate": False,
        }  # fmt: skip

    def listed(self, what: str, token: str | None) -> dict[str, Any]:
        names = list(self.files)
        start = int(token or 0)
        found = [
            {"name": name, "totalBytes": len(self.files[name]), "creationDate": "2023-01-02T03:04:05Z"}
            for name in names[start : start + PAGE]
        ]
        onward = 0 if self.circle else start + PAGE
        return {what: found, **({"nextPageToken": str(onward)} if onward < len(names) else {})}

    def single(self, name: str, ask: Ask) -> Reply:
        return self.led(f"files/{name}", ask) if name in self.files else in_json({"code": 404, "message": "Not found"}, 404)

    def led(self, name: str, ask: Ask) -> Reply:
        """The way to the storage."""
        return to(f"{self.base}/kaggle-data-sets/{quote(name)}?X-Goog-Signature=s")

    def storage(self, ask: Ask) -> Reply | None:
        if "authorization" in ask.headers and self.base == STORAGE:
            return Reply(400, b"<Error><Code>InvalidArgument</Code></Error>", {"Content-Type": "application/xml"})
        name = ask.path.removeprefix("/kaggle-data-sets/")
        if name == "archive.zip":
            data = self.archive()
            md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
            return in_bytes(data, ask, **{"x-goog-hash": f"crc32c=AAAAAA==,md5={md5}", "Accept-Ranges": "bytes"})
        name = name.removeprefix("files/")
        return in_bytes(self.files[name], ask) if name in self.files else None

    def archive(self) -> bytes:
        """The whole as one zip, the same at each call."""
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            for name, data in self.files.items():
                archive.writestr(zipfile.ZipInfo(name, (2023, 1, 2, 3, 4, 4)), data)
        return made.getvalue()

    def rpc(self, ask: Ask) -> Reply | None:
        """Answer the calls of kagglehub: the same documents, asked for by POST."""
        sent = json.loads(ask.body or b"{}")
        service = ask.path.removeprefix("/api/v1/")
        if service == "datasets.DatasetApiService/GetDataset":
            return in_json(self.about())
        if service == "datasets.DatasetApiService/ListDatasetFiles":
            return in_json(self.listed("datasetFiles", sent.get("pageToken")))
        if service == "datasets.DatasetApiService/DownloadDataset":
            name = sent.get("fileName")
            return self.single(name, ask) if name else self.led("archive.zip", ask)
        if service == "competitions.CompetitionApiService/DownloadDataFiles":
            return self.competition(f"data/download-all/{sent['competitionName']}", ask)
        return None
