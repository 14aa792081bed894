"""OpenNeuro: its interface for the number of the newest snapshot, and its bucket."""

from __future__ import annotations

import json

from tests.access.hosts import s3
from tests.access.hosts.fake import Ask, FakeHost, Reply, in_json


class Host(FakeHost):
    NAME = "openneuro"
    REF = "ds000114"
    CHECKSUM = "md5"
    LOCATOR = "ds000114/readme.txt"
    TAG = "1.0.2"
    ADDRESSES = {
        "https://openneuro.org/datasets/ds000114": "ds000114",
        "https://openneuro.org/datasets/ds000114/versions/1.0.2": "ds000114@1.0.2",
        "https://openneuro.org/datasets/ds000114/versions/1.0.2/download": "ds000114@1.0.2",
        "https://www.openneuro.org/datasets/ds000114/": "ds000114",
        "https://openneuro.org/crn/datasets/ds000114/snapshots/1.0.2/files/README": "ds000114@1.0.2",
        "https://openneuro.org/git/0/ds000114": "ds000114",
        "https://doi.org/10.18112/openneuro.ds000114.v1.0.2": "ds000114@1.0.2",
        "10.18112/openneuro.ds004186.v2.0.0": "ds004186@2.0.0",
        "s3://openneuro.org/ds000114/": "ds000114",
        "s3://openneuro.org/ds000114": "ds000114",
        "https://s3.amazonaws.com/openneuro.org/ds000114/": "ds000114",
    }
    NOT_MINE = (
        "https://openneuro.org/",
        "https://openneuro.org/search",
        "https://docs.openneuro.org/",
        "https://openneuro.org/datasets/x",
    )

    @property
    def keys(self) -> dict[str, bytes]:
        return {**{f"ds000114/{name}": data for name, data in self.files.items()}, "ds0001140/x": b"x"}

    def reply(self, ask: Ask) -> Reply | None:
        if ask.where == "openneuro.org/crn/graphql" and ask.method == "POST":
            known = json.loads(ask.body)["variables"]["id"] == "ds000114"
            found = {"latestSnapshot": {"tag": self.TAG}} if known else None
            return in_json({"data": {"dataset": found}})
        if ask.origin != "https://s3.us-east-1.amazonaws.com" or not ask.path.startswith("/openneuro.org/"):
            return None
        if "list-type" in ask.query:
            return s3.listed("openneuro.org", self.keys, ask)
        return s3.served(self.keys, ask.path.removeprefix("/openneuro.org/"), ask)
