"""Synapse: bundles, children in pages, signed addresses; anybody may look, those with a token may fetch."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes, in_json

REPO = "https://repo-prod.prod.sagebase.org"
FILES_AT = "https://file-prod.prod.sagebase.org"
STORAGE = "https://s3.amazonaws.com"
PAGE = 2
TYPE = "org.sagebionetworks.repo.model."


class Host(FakeHost):
    NAME = "synapse"
    REF = "syn100"
    RESTRICTED = REF
    NEED = "account"
    ALWAYS_NEEDS = True
    CHECKSUM = "md5"
    SECRET = {"SYNAPSE_AUTH_TOKEN": "eyJ0eXAi.tokenOfTheTests.sig"}
    SEES_SECRET = (REPO, FILES_AT)
    PAGED = True
    ADDRESSES = {
        "https://www.synapse.org/#!Synapse:syn3193805/wiki/89480": "syn3193805",
        "https://www.synapse.org/#!Synapse:syn25829067": "syn25829067",
        "https://www.synapse.org/Synapse:syn51156910/wiki/622353": "syn51156910",
        "https://www.synapse.org/Synapse:syn51514105": "syn51514105",
        "https://www.synapse.org/Synapse:syn51514132.3": "syn51514132.3",
        "https://www.synapse.org/Synapse:syn51514132/version/3": "syn51514132.3",
        "https://www.synapse.org/Synapse:syn28546456/files/": "syn28546456",
        "https://synapse.org/Synapse:Syn3378972?x=1": "syn3378972",
        "https://www.synapse.org/Portal/Synapse:syn3193805": "syn3193805",
        "https://www.synapse.org/syn3193805": "syn3193805",
        "syn51514105": "syn51514105",
        "https://doi.org/10.7303/syn3193805": "syn3193805",
        "https://doi.org/10.7303/syn51514132.3": "syn51514132.3",
    }
    NOT_MINE = (
        "https://www.synapse.org/", "https://www.synapse.org/shiny_icarus", "https://www.synapse.org/#!Profile:123",
        "https://synapsesocial.com/papers/W7158356582", "https://www.synapse.org/Challenges:DREAM",
    )  # fmt: skip
    level, unmet, may = "OPEN", False, True
    signed = 0

    def entities(self) -> dict[str, dict[str, Any]]:
        """All entities by id: folders and files, with the id of what they lie in."""
        found: dict[str, dict[str, Any]] = {"syn100": {"name": "Project", "type": "Project", "parent": "syn1", "path": ""}}
        ids = {"": "syn100"}
        for number, (name, data) in enumerate(self.files.items(), 1):
            parts = [name] if self.raw else name.split("/")
            for depth in range(1, len(parts)):
                path = "/".join(parts[:depth])
                if path not in ids:
                    ids[path] = f"syn{200 + len(ids)}"
                    above = ids["/".join(parts[: depth - 1])]
                    found[ids[path]] = {"name": parts[depth - 1], "type": "Folder", "parent": above}
            above = ids["/".join(parts[:-1])]
            found[f"syn{1000 + number}"] = {"name": parts[-1], "type": "FileEntity", "parent": above, "data": data}
        return found

    def reply(self, ask: Ask) -> Reply | None:
        if ask.origin == STORAGE:
            return Reply(400) if "authorization" in ask.headers else in_bytes(self.entities()[ask.path[1:]]["data"], ask)
        if ask.origin == FILES_AT and ask.path == "/file/v1/fileHandle/batch":
            return self.batch(ask)
        if ask.origin != REPO:
            return None
        if ask.path == "/repo/v1/entity/children":
            return self.children(json.loads(ask.body))
        found = re.fullmatch(r"/repo/v1/entity/(syn\d+)(?:/version/(\d+))?/bundle2", ask.path)
        if found is None or found[1] not in self.entities():
            return in_json({"reason": "Entity is not found"}, 404)
        return in_json(self.bundle(found[1], json.loads(ask.body)))

    def bundle(self, number: str, wanted: dict[str, bool]) -> dict[str, Any]:
        one = self.entities()[number]
        kind = one["type"] if one["type"] != "FileEntity" else "FileEntity"
        told: dict[str, Any] = {"entityType": kind.lower()}
        if wanted.get("includeEntity"):
            entity = {"id": number, "name": one["name"], "concreteType": TYPE + kind, "parentId": one["parent"]}
            told["entity"] = {**entity, "versionNumber": 3, "dataFileHandleId": f"9{number[3:]}"} if "data" in one else entity
        if wanted.get("includeFileHandles"):
            told["fileHandles"] = self.handles(number, one) if "data" in one else []
        if wanted.get("includeRestrictionInformation"):
            told["restrictionInformation"] = {"restrictionLevel": self.level, "hasUnmetAccessRequirement": self.unmet}
        if wanted.get("includePermissions"):
            told["permissions"] = {"canView": True, "canDownload": self.may}
        return told

    def handles(self, number: str, one: dict[str, Any]) -> list[dict[str, Any]]:
        md5 = hashlib.md5(one["data"], usedforsecurity=False).hexdigest()
        data = {
            "id": f"9{number[3:]}", "fileName": one["name"], "contentSize": len(one["data"]), "contentMd5": md5,
            "concreteType": f"{TYPE}file.S3FileHandle", "isPreview": False,
        }  # fmt: skip
        preview = {"id": f"8{number[3:]}", "fileName": "preview.csv", "contentSize": 5, "isPreview": True}
        return [preview, data]

    def children(self, sent: dict[str, Any]) -> Reply:
        inside = [(n, one) for n, one in self.entities().items() if one["parent"] == sent["parentId"]]
        start = int(sent.get("nextPageToken") or 0)
        page = [
            {"id": n, "name": one["name"], "type": TYPE + one["type"], "versionNumber": 3} for n, one in inside[start : start + PAGE]
        ]
        onward = 0 if self.circle else start + PAGE
        return in_json({"page": page, "nextPageToken": str(onward) if onward < len(inside) or self.circle else None})

    def batch(self, ask: Ask) -> Reply:
        if not self.authorised(ask):
            return in_json({"reason": "No valid authentication token"}, 401)
        one = json.loads(ask.body)["requestedFiles"][0]
        if self.unmet or not self.may:
            return in_json({"requestedFiles": [{"fileHandleId": one["fileHandleId"], "failureCode": "UNAUTHORIZED"}]})
        if f"9{one['associateObjectId'][3:]}" != one["fileHandleId"] or one["associateObjectId"] not in self.entities():
            return in_json({"requestedFiles": [{"fileHandleId": one["fileHandleId"], "failureCode": "NOT_FOUND"}]})
        self.signed += 1
        place = f"{STORAGE}/{one['associateObjectId']}?X-Amz-Date=1&X-Amz-Expires=900&X-Amz-Signature=s{self.signed}"
        return in_json({"requestedFiles": [{"fileHandleId": one["fileHandleId"], "preSignedURL": place}]})
