"""Lists for other programs, given to those programs; what they fetched is proved by `medshelf.add`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

import medshelf
from medshelf.access.web import Web
from medshelf.catalogue import shelf
from medshelf.fetch.manifest import Manifest, manifest
from medshelf.model.dataset import Access, Record, RemoteFile
from tests.access.faults.real import real_server
from tests.access.test_hosts_buckets import Moto
from tests.fetch.hosts import Zenodo, serving
from tests.programs import program

FILES: Mapping[str, bytes] = {
    "readme.txt": b"words\n",
    "images/case 1/ct scan.nii.gz": b"\x1f\x8b" + bytes(range(256)) * 4000,
    "images/case_2/ümlaut & 影像+1%.bin": b"\0" * 5000 + b"end",
    "it's [1] #2; $HOME.csv": b"id,value\n1,2\n",
    "-rf": b"dash\n",
    "~root/x=1,2.txt": b"tilde\n",
    " blank first.txt": b"blank\n",
    "empty.txt": b"",
}
OFFLINE = Web(offline=True, rewrites={})


def as_list(record: Record, form: str, folder: Path, web: Web = OFFLINE, source: str | None = None) -> Manifest:
    planned = medshelf.plan(record, folder, web=web, source=source)
    made = manifest(planned, form, web)
    assert not made.notes
    (folder.parent / "list.txt").write_text(made.text, encoding="utf-8")
    return made


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, env={**plain, "LC_ALL": "C.UTF-8"}
    )


def there(folder: Path) -> dict[str, bytes]:
    ours = (".medshelf", "medshelf")
    found = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(ours))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


# --- aria2 -------------------------------------------------------------------------------------


SHELVED = shelf.load("sts2d-2023")
NUMBER = "10597292"
REF = f"zenodo:{NUMBER}"


def led_here(place: Path, web: Web) -> None:
    """Change the addresses in a list to those of the server of the test."""
    text = place.read_text(encoding="utf-8")
    assert text.count("https://zenodo.org/") == len(FILES)
    place.write_text(text.replace("https://zenodo", web.rewrites["https://"] + "zenodo"), encoding="utf-8")


def test_aria2_fetches_what_the_list_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aria2, folder, host = program("aria2c"), tmp_path / "data", Zenodo(NUMBER, FILES)
    with serving(host, monkeypatch) as web:
        as_list(SHELVED, "aria2", folder, web, REF)
        led_here(tmp_path / "list.txt", web)
        host.asked.clear()
        done = run(folder, aria2, "--no-conf", "-i", str(tmp_path / "list.txt"))
        assert done.returncode == 0, done.stdout
        assert {ask.headers["user-agent"] for ask in host.asked} == {web.agent}  # Zenodo turns aria2's own away
        assert there(folder) == FILES
        added = medshelf.add(SHELVED, folder, web=web, source=REF, force=True)
        assert {one.name: one.strength for one in added.files} == dict.fromkeys(FILES, "md5")
        assert not [one for one in added.doubts if one.name in FILES]
        again = medshelf.plan(SHELVED, folder, web=web, source=REF)
        assert again.n_to_fetch == 0 and manifest(again, "aria2", web).text == ""


def test_aria2_and_add_refuse_a_wrong_checksum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aria2, folder, host = program("aria2c"), tmp_path / "data", Zenodo(NUMBER, FILES)
    wrong = "images/case 1/ct scan.nii.gz"
    with serving(host, monkeypatch) as web:
        as_list(SHELVED, "aria2", folder, web, REF)
        led_here(tmp_path / "list.txt", web)
        planned = medshelf.plan(SHELVED, folder, web=web, source=REF)
        host.files[wrong] = b"other bytes, as many or not"
        done = run(folder, aria2, "--no-conf", "-i", str(tmp_path / "list.txt"))
        assert done.returncode == 32, done.stdout  # checksum validation failed (aria2c(1), Exit Status)
        host.files[wrong] = FILES[wrong]
        assert planned.n_to_fetch == len(FILES)
        added = medshelf.add(SHELVED, folder, web=web, source=REF, force=True)
    assert {one.name for one in added.files if one.strength == "md5"} == set(FILES) - {wrong}
    assert wrong in {doubt.name for doubt in added.doubts}


def test_a_list_of_addresses_is_one_for_every_program(tmp_path: Path) -> None:
    nginx, folder = program("nginx"), tmp_path / "data"
    flat = {name: data for name, data in FILES.items() if "/" not in name and data}
    assert nginx
    with real_server(tmp_path / "site") as site:
        for name, data in flat.items():
            (tmp_path / "site" / "www" / name).write_bytes(data)
        files = tuple(RemoteFile(name, f"{site.url}/{quote(name)}", len(data)) for name, data in flat.items())
        record = replace(SHELVED, access=Access("open", files=files))
        made = as_list(record, "urls", folder)
        assert made.text.count("\n") == len(flat) and made.text.isascii()
        list_ = str(tmp_path / "list.txt")
        for name, command in {
            "aria2": (program("aria2c"), "--no-conf", "-i", list_),
            "wget": (program("wget"), "-q", "--no-config", "-i", list_),
        }.items():
            done = run(tmp_path / name, *command)
            assert done.returncode == 0, done.stdout + done.stderr
            assert there(tmp_path / name) == flat


# --- s5cmd -------------------------------------------------------------------------------------

ODD = {
    "plain.txt": b"1",
    "folder/a b  c.txt": b"2",
    "folder/it's \"quoted\".txt": b"3",
    "folder/all*.txt": b"4",
    "folder/all-others.txt": b"5",
    "folder/any?.txt": b"6",
    "folder/any1.txt": b"7",
    "folder/set[ab].txt": b"8",
    "folder/seta.txt": b"9",
    "folder/$HOME `id` \\n;&|#.txt": b"10",
    "folder/ümlaut 影像+1%2B.txt": b"11",
    "-rf": b"12",
}
"""Keys that a shell or s5cmd would take for something else; those with wildcards are found among others."""


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    found = Moto()
    yield found
    found.server.stop()


def test_s5cmd_fetches_what_the_list_says(moto: Moto, tmp_path: Path) -> None:
    s5cmd, folder = program("s5cmd"), tmp_path / "data"
    moto.put("odd-keys", {f"top/{key}": data for key, data in ODD.items()})
    web, record = moto.web("odd-keys"), SHELVED
    as_list(record, "s5cmd", folder, web, "s3:odd-keys@us-east-1/top/")
    done = run(folder, s5cmd, "--endpoint-url", moto.base, "--no-sign-request", "run", str(tmp_path / "list.txt"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(there(folder).values()) == sorted(ODD.values())
    planned = {one.wanted.source.file.locator: one.name for one in medshelf.plan(
        record, tmp_path / "new", web=web, source="s3:odd-keys@us-east-1/top/").files}  # fmt: skip
    assert there(folder) == {planned[f"top/{key}"]: data for key, data in ODD.items()}
    added = medshelf.add(record, folder, web=web, source="s3:odd-keys@us-east-1/top/", force=True)
    assert {one.name: one.strength for one in added.files} == dict.fromkeys(planned.values(), "md5")


def test_s5cmd_and_add_notice_what_is_not_there(moto: Moto, tmp_path: Path) -> None:
    s5cmd, folder = program("s5cmd"), tmp_path / "data"
    moto.put("one-goes", {"a.txt": b"a", "b.txt": b"b"})
    web, record = moto.web("one-goes"), SHELVED
    as_list(record, "s5cmd", folder, web, "s3:one-goes@us-east-1/")
    moto.client().delete_object(Bucket="one-goes", Key="a.txt")
    moto.client().put_object(Bucket="one-goes", Key="b.txt", Body=b"c", ACL="public-read")
    planned = medshelf.plan(record, folder, web=web, source="s3:one-goes@us-east-1/")
    assert [one.name for one in planned.files] == ["b.txt"]
    done = run(folder, s5cmd, "--endpoint-url", moto.base, "--no-sign-request", "run", str(tmp_path / "list.txt"))
    assert done.returncode != 0 and "a.txt" in done.stderr
    moto.client().put_object(Bucket="one-goes", Key="b.txt", Body=b"d", ACL="public-read")
    added = medshelf.add(record, folder, web=web, source="s3:one-goes@us-east-1/", force=True)
    assert ("b.txt", "changed") in {(doubt.name, doubt.kind) for doubt in added.doubts}
