"""A share of a Nextcloud, at its new place or, for a share of an older server, at the old one."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import quote

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes

OPEN, CLOSED = "aRhphk35H23De2s", "JN3z7EynBiwYyjy"


class Host(FakeHost):
    NAME = "nextcloud"
    REF = f"oc.embl.de/{OPEN}"
    CHECKSUM = "sha1"
    IN_XML = True
    PASSWORD = f"oc.embl.de/{CLOSED}"
    """A share that nobody can open with a program alone."""
    ADDRESSES = {
        "https://oc.embl.de/index.php/s/aRhphk35H23De2s/download": "oc.embl.de/aRhphk35H23De2s",
        "https://oc.embl.de/index.php/s/43iMotlXPyAB39z/download": "oc.embl.de/43iMotlXPyAB39z",
        "https://cloud.ircad.fr/index.php/s/JN3z7EynBiwYyjy/download": "cloud.ircad.fr/JN3z7EynBiwYyjy",
        "https://cloud.ircad.fr/index.php/s/JN3z7EynBiwYyjy": "cloud.ircad.fr/JN3z7EynBiwYyjy",
        "https://cloud.ircad.fr/s/JN3z7EynBiwYyjy": "cloud.ircad.fr/JN3z7EynBiwYyjy",
        "https://cloud.ircad.fr/s/JN3z7EynBiwYyjy/": "cloud.ircad.fr/JN3z7EynBiwYyjy",
        "https://cloud.ircad.fr/s/JN3z7EynBiwYyjy/download?path=%2F&files=a.zip": "cloud.ircad.fr/JN3z7EynBiwYyjy?path=/a.zip",
        "https://cloud.ircad.fr/s/JN3z7EynBiwYyjy/download?path=%2Fa&files=%5B%22x%22%5D": "cloud.ircad.fr/JN3z7EynBiwYyjy?path=/a",
        "https://cloud.ircad.fr/s/JN3z7EynBiwYyjy?path=%2Fa%20b%2Fc%2F": "cloud.ircad.fr/JN3z7EynBiwYyjy?path=/a b/c",
        "https://cloud.ircad.fr/s/JN3z7EynBiwYyjy?path=/../x": "cloud.ircad.fr/JN3z7EynBiwYyjy",
        "https://cloud.ircad.fr/s/JN3z7EynBiwYyjy?dir=/a": "cloud.ircad.fr/JN3z7EynBiwYyjy?path=/a",
        "https://site.org/nextcloud/index.php/s/JN3z7EynBiwYyjy/download/a.zip": "site.org/nextcloud/JN3z7EynBiwYyjy",
        "http://site.org:8080/s/JN3z7EynBiwYyjy": "site.org:8080/JN3z7EynBiwYyjy",
    }
    NOT_MINE = (
        "https://www.dropbox.com/s/k88qukc20ljnbuo/PH2Dataset.rar", "https://www.dropbox.com/s/k88qukc20ljnbuo",
        "https://figshare.com/s/d6fb591f1beb4f8efa6f", "https://cloud.ircad.fr/index.php/apps/files", "https://x.org/s/short",
    )  # fmt: skip
    old = False
    single = False

    def reply(self, ask: Ask) -> Reply | None:
        if ask.origin != "https://oc.embl.de":
            return None
        user, base = "", "/public.php/webdav"
        if ask.headers.get("authorization", "").startswith("Basic "):
            user = base64.b64decode(ask.headers["authorization"][6:]).decode().partition(":")[0]
        token = user
        if ask.path.startswith("/public.php/dav/files/") and not self.old:
            token = ask.path.split("/")[4]
            base = f"/public.php/dav/files/{token}"
        elif not ask.path.startswith(base):
            return None
        if token != OPEN:
            return Reply(401 if token in (CLOSED, "") else 404, b"<?xml version='1.0'?><d:error xmlns:d='DAV:'/>")
        path = ask.path[len(base) :].strip("/") if not self.raw else ask.path[len(base) + 1 :]
        at = next(iter(self.files.values())) if self.single else self.at(path)
        if ask.method == "PROPFIND":
            return None if at is None else self.listed(base, path, at, ask.headers["depth"])
        return in_bytes(at, ask) if isinstance(at, bytes) else None

    def at(self, path: str) -> Any:
        found: Any = self.tree()
        for part in [path] if self.raw and path else [one for one in path.split("/") if one]:
            found = found.get(part) if isinstance(found, dict) else None
        return found

    def listed(self, base: str, path: str, at: Any, depth: str) -> Reply:
        entries = [self.entry(base, path, at)]
        if depth == "1" and isinstance(at, dict):
            entries += [
                self.entry(base, f"{path}/{name}".lstrip("/") if path else name, one) for name, one in at.items()
            ]
        body = '<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns">' + "".join(
            entries
        )
        return Reply(207, (body + "</d:multistatus>").encode(), {"Content-Type": "application/xml; charset=utf-8"})

    def entry(self, base: str, path: str, one: Any) -> str:
        href = quote(f"{base}/{path}") + ("/" if isinstance(one, dict) and path else "")
        if isinstance(one, dict):
            about = "<d:resourcetype><d:collection/></d:resourcetype>"
        else:
            sha1 = hashlib.sha1(one, usedforsecurity=False).hexdigest()
            about = (
                f"<d:resourcetype/><d:getcontentlength>{len(one)}</d:getcontentlength>"
                f"<oc:checksums><oc:checksum>SHA1:{sha1} ADLER32:{0:08x}</oc:checksum></oc:checksums>"
            )
        return (
            f"<d:response><d:href>{href}</d:href><d:propstat><d:prop>{about}</d:prop>"
            "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
        )
