"""OneDrive and SharePoint: shares that serve a file, or ask who is there."""

from __future__ import annotations

import base64
from urllib.parse import quote

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes, in_json, to

STORAGE = "https://public.dm.files.1drv.com"
POINT = "https://site.sharepoint.com"


class Host(FakeHost):
    NAME = "onedrive"
    REF = "1drv.ms/u/s!AmTestsOwnLink"
    ONE_FILE = True
    ANY_BODY = True
    ADDRESSES = {
        "https://1drv.ms/u/s!AtG8wWcNFYJ8gQ": "1drv.ms/u/s!AtG8wWcNFYJ8gQ",
        "https://1drv.ms/u/s!AtG8wWcNFYJ8gQ?e=abc": "1drv.ms/u/s!AtG8wWcNFYJ8gQ?e=abc",
        "https://1drv.ms/f/s!AtG8wWcNFYJ8gQ": "1drv.ms/f/s!AtG8wWcNFYJ8gQ",
        "https://1drv.ms/x/c/0123/EaBc-d": "1drv.ms/x/c/0123/EaBc-d",
        "https://onedrive.live.com/?authkey=%21AKx&cid=7C8&id=7C8%21129": "onedrive.live.com/?authkey=%21AKx&cid=7C8&id=7C8%21129",
        "https://onedrive.live.com/download?cid=7C8&resid=7C8%21129": "onedrive.live.com/download?cid=7C8&resid=7C8%21129",
        "https://onedrive.live.com/redir?resid=7C8%21129&v=3": "onedrive.live.com/redir?resid=7C8%21129",
        "https://site.sharepoint.com/:u:/g/personal/x_y_org/EfAbC?e=k1": "site.sharepoint.com/:u:/g/personal/x_y_org/EfAbC?e=k1",
        "https://site.sharepoint.com/:f:/g/personal/x_y_org/EfAbC": "site.sharepoint.com/:f:/g/personal/x_y_org/EfAbC",
        "https://site-my.sharepoint.com/:u:/s/team/EfAbC?e=k1&download=1": "site-my.sharepoint.com/:u:/s/team/EfAbC?e=k1",
    }
    NOT_MINE = ("https://onedrive.live.com/", "https://site.sharepoint.com/sites/x", "https://1drv.ms/", "https://www.microsoft.com/onedrive")

    def reply(self, ask: Ask) -> Reply | None:
        name, data = next(iter(self.files.items()))
        told = {"Content-Disposition": f"attachment; filename=\"x\"; filename*=UTF-8''{quote(name, safe='')}"}
        if ask.origin == STORAGE:
            return in_bytes(data, ask, **told)
        coded = base64.urlsafe_b64encode(f"https://{self.REF}".encode()).decode().rstrip("=")
        if ask.where == "/".join(("api.onedrive.com/v1.0/shares", f"u!{coded}", "root", "content")):
            return to(f"{STORAGE}/y4m/file?psid=1")
        if ask.origin == "https://api.onedrive.com":
            return in_json({"error": {"code": "unauthenticated", "message": "The caller is not authenticated."}}, 401)
        if ask.origin == POINT and ask.path.endswith("/EfAbC") and ask.query == {"e": "k1", "download": "1"}:
            return in_bytes(data, ask, **told)
        return None
