"""PhysioNet: sums of a version, files, an open project and one for those with an account."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes, to

SITE = "https://physionet.org"


class Host(FakeHost):
    NAME = "physionet"
    REF = "ct-ich/1.3.1"
    CREDENTIALED = "mimic-cxr/2.0.0"
    RESTRICTED = CREDENTIALED
    NEED = "data-use-agreement"
    SECRET = {"PHYSIONET_USERNAME": "reader-of-tests", "PHYSIONET_PASSWORD": "pw-of-the-tests-31"}
    SEES_SECRET = (SITE,)
    ADDRESSES = {
        "https://physionet.org/content/ct-ich/": "ct-ich",
        "https://physionet.org/content/ct-ich/1.3.1/": "ct-ich/1.3.1",
        "https://www.physionet.org/content/vindr-cxr/": "vindr-cxr",
        "https://physionet.org/content/mimic-cxr/2.0.0/": "mimic-cxr/2.0.0",
        "https://physionet.org/content/mimic-cxr": "mimic-cxr",
        "https://alpha.physionet.org/content/ct-ich/1.2.0/Patients_CT/": "ct-ich/1.2.0/Patients_CT",
        "https://physionet.org/files/ct-ich/1.3.1/": "ct-ich/1.3.1",
        "https://physionet.org/files/ct-ich/1.3.1/masks/001.nii?download": "ct-ich/1.3.1/masks/001.nii",
        "https://physionet.org/content/ct-ich/get-zip/1.3.1/": "ct-ich/1.3.1",
        "https://physionet.org/static/published-projects/ct-ich/1.3.1/masks/a%20b.nii": "ct-ich/1.3.1/masks/a b.nii",
    }
    NOT_MINE = (
        "https://physionet.org/", "https://physionet.org/data-sharing/", "https://physionet.org/?page=1&topic=walk",
        "https://physionet.org/content/", "https://archive.physionet.org/pn3/x/",
    )  # fmt: skip
    known_agents: tuple[str, ...] = ("medshelf",)
    """Beginnings of the names of programs that are let in with a password."""

    def authorised(self, ask: Ask) -> bool:
        known = ask.headers.get("user-agent", "").startswith(self.known_agents)
        return known and ask.headers.get("authorization") == f"Basic {':'.join(self.SECRET.values())}"

    def _answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Take credentials out of their coding first, so that they are seen wherever they go."""
        told = {name.lower(): value for name, value in headers.items()}
        if told.get("authorization", "").startswith("Basic "):
            told["authorization"] = f"Basic {base64.b64decode(told['authorization'][6:]).decode()}"
        return super()._answer(method, target, told, body)

    def reply(self, ask: Ask) -> Reply | None:
        if ask.origin != SITE:
            return None
        if ask.path == "/content/ct-ich/":
            return to(f"{SITE}/content/ct-ich/1.3.1/")
        if ask.path == "/content/ct-ich/1.3.1/":
            return Reply(200, b"<html></html>", {"Content-Type": "text/html"})
        for project in (self.REF, self.CREDENTIALED):
            if ask.path.startswith(f"/files/{project}/"):
                if project == self.CREDENTIALED and not self.authorised(ask):
                    return Reply(403, b"<html><title>403 Forbidden</title></html>", {"Content-Type": "text/html"})
                name = ask.path.removeprefix(f"/files/{project}/")
                if name == "SHA256SUMS.txt":
                    return Reply(200, self.sums(), {"Content-Type": "text/plain"}, self.sums().decode())
                return in_bytes(self.files[name], ask) if name in self.files else None
        return None

    def sums(self) -> bytes:
        sums = {name.replace("\n", "\\n"): hashlib.sha256(data).hexdigest() for name, data in self.files.items()}
        return "".join(f"{digits} {name}\n" for name, digits in sums.items()).encode("utf-8", "replace")
