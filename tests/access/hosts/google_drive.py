"""Google Drive: the pages for people, with their form, and the interface for those with a key."""

from __future__ import annotations

import hashlib
import re
from html import escape
from typing import Any
from urllib.parse import quote

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes, in_json, to

API = "https://www.googleapis.com"
SITE = "https://drive.google.com"
BYTES = "https://drive.usercontent.google.com"
PAGE = 2
FOLDER = "application/vnd.google-apps.folder"
QUOTA = (
    '<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head><body><div id="uc-text">'
    '<p class="uc-error-caption">Sorry, you can&#39;t view or download this file at this time.</p>'
    '<p class="uc-error-subcaption">Too many users have viewed or downloaded this file recently. Please try accessing '
    "the file again later.</p></div></body></html>"
)


def number_of(path: str) -> str:
    """An id for a file or folder."""
    return "1" + hashlib.sha256(path.encode("utf-8", "replace")).hexdigest()[:32]


class Host(FakeHost):
    NAME = "google_drive"
    REF = "folders/" + number_of("")
    HIDDEN = number_of("not shared")
    SECRET = {"GOOGLE_API_KEY": "AIzaKeyOfTheTests0001"}
    SEES_SECRET = (API,)
    ADDRESSES = {
        "https://drive.google.com/file/d/1ImYUSLk9JbgHXOemfvyiDiirluZHPeQw/view": "1ImYUSLk9JbgHXOemfvyiDiirluZHPeQw",
        "https://drive.google.com/file/d/1ImYUSLk9JbgHXOemfvyiDiirluZHPeQw/view?usp=sharing": "1ImYUSLk9JbgHXOemfvyiDiirluZHPeQw",
        "https://drive.google.com/open?id=15v1x6aQDlZymaHGP7cZJZZYFfeJt2NdS": "15v1x6aQDlZymaHGP7cZJZZYFfeJt2NdS",
        "https://drive.google.com/uc?export=download&id=1NKkSQ5T0ZNQ8aUhh0a8Dt2YKYCQXIViw": "1NKkSQ5T0ZNQ8aUhh0a8Dt2YKYCQXIViw",
        "https://docs.google.com/uc?id=1_-w8kNc2k4ttHTrVnRWaEaLbjGmNWRZD": "1_-w8kNc2k4ttHTrVnRWaEaLbjGmNWRZD",
        "https://drive.google.com/u/0/uc?id=1_-w8kNc2k4ttHTrVnRWaEaLbjGmNWRZD&export=download": "1_-w8kNc2k4ttHTrVnRWaEaLbjGmNWRZD",
        "https://drive.usercontent.google.com/download?id=1_-w8kNc2k4ttHTrVnRWaEaLbjGmNWRZD&confirm=t": "1_-w8kNc2k4ttHTrVnRWaEaLbjGmNWRZD",
        "https://drive.google.com/drive/folders/1HqEgzS8BV2c7xYNrZdEAnrHk7osJJ--2": "folders/1HqEgzS8BV2c7xYNrZdEAnrHk7osJJ--2",
        "https://drive.google.com/drive/u/1/folders/1HqEgzS8BV2c7xYNrZdEAnrHk7osJJ--2?usp=sharing": "folders/1HqEgzS8BV2c7xYNrZdEAnrHk7osJJ--2",
        "https://drive.google.com/drive/folders/0B7EVK8r0v71pWEZsZE9oNnFzTm8?resourcekey=0-5BV16BaM": "folders/0B7EVK8r0v71pWEZsZE9oNnFzTm8~0-5BV16BaM",
        "https://drive.google.com/embeddedfolderview?id=1HqEgzS8BV2c7xYNrZdEAnrHk7osJJ--2#list": "folders/1HqEgzS8BV2c7xYNrZdEAnrHk7osJJ--2",
        "https://docs.google.com/spreadsheets/d/1Qe8VpRvq_1IdF9mVYZ7mPxyXW0XWnq/edit#gid=0": "spreadsheets/1Qe8VpRvq_1IdF9mVYZ7mPxyXW0XWnq",
        "https://docs.google.com/document/d/1Qe8VpRvq_1IdF9mVYZ7mPxyXW0XWnq/edit?usp=sharing": "document/1Qe8VpRvq_1IdF9mVYZ7mPxyXW0XWnq",
    }  # fmt: skip
    NOT_MINE = (
        "https://drive.google.com/", "https://drive.google.com/drive/my-drive", "https://docs.google.com/forms/d/e/1FAIpQLSd_x/viewform",
        "https://scholar.google.com/x?id=1NKkSQ5T0ZNQ8aUhh0a8Dt2YKYCQXIViw",
    )  # fmt: skip
    PAGED = True
    form_from_bytes = 1000
    """Files of this size are served behind the form."""
    quota = False

    def reply(self, ask: Ask) -> Reply | None:
        if ask.origin == API:
            return self.interface(ask)
        if ask.where == "drive.google.com/embeddedfolderview":
            return self.folder_page(ask.query["id"])
        if ask.where == "drive.usercontent.google.com/download":
            return self.download(ask)
        if ask.origin == "https://accounts.google.com":
            return page("<html><head><title>Sign in - Google Accounts</title></head><body><form></form></body></html>")
        if ask.origin == "https://docs.google.com" and "/export" in ask.path:
            told = {"Content-Disposition": "attachment; filename=\"Sheet.xlsx\"; filename*=UTF-8''Sheet%20one.xlsx"}
            return in_bytes(b"PK\3\4 a sheet", ask, **told)
        return None

    # --- pages -------------------------------------------------------------------------------

    def download(self, ask: Ask) -> Reply | None:
        number = ask.query["id"]
        if number == self.HIDDEN:
            return to(f"https://accounts.google.com/ServiceLogin?continue={quote(ask.raw_path)}")
        name = next((name for name in self.files if number_of(name) == number), None)
        if name is None:
            return None
        if self.quota:
            return page(QUOTA)
        data = self.files[name]
        if len(data) >= self.form_from_bytes and "uuid" not in ask.query:
            hidden = {"id": number, "export": "download", "confirm": "t", "uuid": "1c-2d", "at": "APZ&<>"}
            inputs = "".join(f'<input type="hidden" name="{k}" value="{escape(v)}">' for k, v in hidden.items())
            return page(
                "<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body><div>"
                '<p class="uc-warning-caption">Google Drive can\'t scan this file for viruses.</p>'
                f'<form id="download-form" action="{BYTES}/download" method="get">'
                f'<input type="submit" value="Download anyway"/>{inputs}</form></div></body></html>'
            )
        if len(data) >= self.form_from_bytes and ask.query["at"] != "APZ&<>":
            return page("<html><title>no</title></html>")
        last = quote(name.rpartition("/")[2])
        return in_bytes(data, ask, **{"Content-Disposition": f"attachment; filename=\"x\"; filename*=UTF-8''{last}"})

    def folder_page(self, number: str) -> Reply | None:
        if number == self.HIDDEN:
            return to("https://accounts.google.com/ServiceLogin")
        listed = self.within(number)
        if listed is None:
            return None
        rows = "".join(
            f'<div class="flip-entry" id="entry-{at}"><div class="flip-entry-info"><a href="{SITE}/'
            f'{"drive/folders/" + at if folder else "file/d/" + at + "/view?usp=drive_web"}" target="_blank">'
            f'<div class="flip-entry-visual"><img src="x.png"></div><div class="flip-entry-title">{escape(name)}</div></a>'
            '</div><div class="flip-entry-last-modified"><div>1/2/23</div></div></div>'
            for name, at, folder, _ in listed
        )
        form = '<a href="https://docs.google.com/forms/d/1FAIpQLSd_x_is_a_form/edit"><div>A form</div></a>'
        return page(f"<!DOCTYPE html><html><head><title>My data</title></head><body>{rows}{form}</body></html>")

    def within(self, number: str) -> list[tuple[str, str, bool, bytes]] | None:
        """Name, id, whether it is a folder, and bytes of all that lies in a folder."""
        if self.raw:
            return [(name, number_of(name), False, data) for name, data in self.files.items()]
        folders = {number_of(name[:n]): name[: n + 1] for name in self.files for n, c in enumerate(name) if c == "/"}
        above = "" if number == self.REF.removeprefix("folders/") else folders.get(number)
        if above is None:
            return None
        found: dict[str, tuple[str, str, bool, bytes]] = {}
        for name, data in self.files.items():
            head, slash, _ = name.removeprefix(above).partition("/")
            if name.startswith(above):
                found[head] = (head, number_of(above + head), bool(slash), data)
        return list(found.values())

    # --- interface ---------------------------------------------------------------------------

    def interface(self, ask: Ask) -> Reply | None:
        if ask.headers.get("x-goog-api-key") not in self.SECRET.values():
            return in_json({"error": {"code": 403, "message": "The request is missing a valid API key."}}, 403)
        found = re.fullmatch(r"/drive/v3/files/([\w-]+)", ask.path)
        if found:
            name = next((name for name in self.files if number_of(name) == found[1]), None)
            if name is None:
                return in_json({"error": {"code": 404, "message": f"File not found: {found[1]}."}}, 404)
            if ask.query.get("alt") == "media":
                return in_bytes(self.files[name], ask)
            return in_json(self.about(name.rpartition("/")[2], found[1], False, self.files[name]))
        parent = re.match("'([^']+)' in parents", ask.query.get("q", ""))
        listed = self.within(parent[1]) if parent and ask.path == "/drive/v3/files" else None
        if listed is None:
            return in_json({"error": {"code": 404, "message": "File not found: ."}}, 404)
        start = int(ask.query.get("pageToken", 0))
        told: dict[str, Any] = {"files": [self.about(*one) for one in listed[start : start + PAGE]]}
        if start == 0:
            told["files"].append({"id": "1FAIpQLSd_x_is_a_form", "name": "A form", "mimeType": "application/vnd.google-apps.form"})
        onward = 0 if self.circle else start + PAGE
        return in_json({**told, "nextPageToken": str(onward)} if onward < len(listed) else told)

    def about(self, name: str, number: str, folder: bool, data: bytes) -> dict[str, Any]:
        if folder:
            return {"id": number, "name": name, "mimeType": FOLDER}
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        return {"id": number, "name": name, "mimeType": "application/zip", "size": str(len(data)), "md5Checksum": md5}


def page(text: str) -> Reply:
    """A page for people."""
    return Reply(200, text.encode(), {"Content-Type": "text/html; charset=utf-8"})
