"""Hugging Face, GitHub and Kaggle: what each has of its own."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from medshelf.access.hosts import HostFile, _git_lfs, github, huggingface, kaggle, physionet
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded, NotFound
from tests.access.hosts import github as fake_github
from tests.access.hosts import huggingface as fake_huggingface
from tests.access.hosts import kaggle as fake_kaggle
from tests.access.hosts.fake import FILES, Ask, Reply, in_json


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from medshelf.access.credentials import SERVICES

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    for service in SERVICES.values():
        for names in service.variables:
            for variable in names.values():
                monkeypatch.delenv(variable, raising=False)


def read(module: Any, file: HostFile, ref: str, web: Web) -> bytes:
    at = module.address(file, ref, web)
    with web.open(at.url, headers=at.headers) as answer:
        assert answer.status == 200
        return answer.read()


@pytest.mark.parametrize("module", [huggingface, github, kaggle, physionet])
@pytest.mark.parametrize("locator", ["", "..", "a", "datasets/a/b/resolve/" + "0" * 40 + "/../../x", "https://evil.example/a/b/c"])
def test_locators_of_another_form_are_refused(module: Any, locator: str) -> None:
    with pytest.raises(AccessError, match="no file of the host"):
        module.address(HostFile("x", locator), "a/b", Web(offline=True))


# --- Hugging Face ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "names"),
    [("readme.txt", ["readme.txt"]), ("images", [n for n in FILES if n.startswith("images/")]),
     ("images/case 1", [n for n in FILES if n.startswith("images/case 1/")])],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["", "models/"])
def test_huggingface_lists_a_file_or_folder(path: str, names: list[str], kind: str) -> None:
    fake = fake_huggingface.Host()
    with fake.serve() as web:
        ref = f"{kind}{fake.REF}@main/{path}"
        found = huggingface.list_files(ref, web)
        assert [one.name for one in found.files] == names
        assert found.ref == f"huggingface:{kind}{fake.REF}@{fake_huggingface.COMMIT}/{path}"
        assert read(huggingface, found.files[0], ref, web) == fake.files[names[0]]
        with pytest.raises(NotFound):
            huggingface.list_files(f"{fake.REF}@main/no/such", web)
        with pytest.raises(NotFound, match="owner/images@old"):
            huggingface.list_files(f"{fake.REF}@old", web)


def test_huggingface_states_the_sums_that_git_and_lfs_have() -> None:
    fake = fake_huggingface.Host()
    with fake.serve() as web:
        found = huggingface.list_files(fake.REF, web)
    for one in found.files:
        data = fake.files[one.name]
        large = len(data) >= fake_huggingface.LARGE_BYTES
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
        assert one.checksums == ({"sha256": hashlib.sha256(data).hexdigest()} if large else {"git-blob": blob})


@pytest.mark.parametrize(
    ("gate", "kind"), [("auto", "click-through"), ("manual", "application"), (False, "click-through")]
)
def test_huggingface_tells_how_a_gate_is_opened(gate: Any, kind: str) -> None:
    fake = fake_huggingface.Host()
    fake.gate = gate
    with fake.serve() as web:
        need = huggingface.needs(fake.GATED, web)
        assert need is not None and need.kind == kind
        assert "https://huggingface.co/datasets/owner/gated" in need.steps[0]
        with pytest.raises(AccessNeeded, match="HF_TOKEN"):
            huggingface.list_files("owner/private", web)


@pytest.mark.parametrize("told", ["cc-by-4.0", ["mit", "cc0-1.0"], None, 7, {}])
def test_huggingface_licences_are_texts(told: object) -> None:
    fake = fake_huggingface.Host()
    fake.own_licence = told
    with fake.serve() as web:
        found = huggingface.list_files(fake.REF, web).licence
    assert found == {str: told, list: "mit, cc0-1.0"}.get(type(told))


def test_huggingface_pages_stay_at_the_host() -> None:
    fake = fake_huggingface.Host()

    def elsewhere(ask: Ask, reply: Reply) -> Reply:
        headers = {name: value.replace("huggingface.co", "evil.example") for name, value in reply.headers.items()}
        return Reply(reply.status, reply.body, headers)

    fake.fault = elsewhere
    with fake.serve() as web, pytest.raises(AccessError, match="another place"):
        huggingface.list_files(fake.REF, web)
    assert not any("evil" in ask.origin for ask in fake.asked)


def test_huggingface_pages_do_not_go_in_a_circle() -> None:
    fake = fake_huggingface.Host()
    fake.circle = True
    with fake.serve() as web, pytest.raises(AccessError, match="do not end"):
        huggingface.list_files(fake.REF, web)


def test_huggingface_at_another_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://hf-mirror.com/")
    assert huggingface.ref_of("https://hf-mirror.com/datasets/a/b") == "a/b"
    assert huggingface.address(HostFile("x", f"datasets/a/b/resolve/{fake_huggingface.COMMIT}/x"), "a/b", Web()).url.startswith("https://hf-mirror.com/d")


# --- GitHub ------------------------------------------------------------------------------------


def test_github_resolves_pointers_of_lfs(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_github.Host()
    with fake.serve() as web:
        found = github.list_files(fake.REF, web)
        by_name = {one.name: one for one in found.files}
        assert set(by_name) == set(fake.files)
        large = by_name["images/case 1/ct.nii.gz"]
        data = fake.files[large.name]
        assert (large.size_bytes, large.checksums) == (len(data), {"sha256": hashlib.sha256(data).hexdigest()})
        assert read(github, large, fake.REF, web) == data
        assert "git-blob" in by_name["readme.txt"].checksums
        fake.over_quota = True
        with pytest.raises(AccessError, match="used up its transfers") as caught:
            github.address(large, fake.REF, web)
        assert not isinstance(caught.value, AccessNeeded)
        fake.over_quota = False
        fake.files.pop("images/case 1/ct.nii.gz")
        with pytest.raises(NotFound, match="Object does not exist"):
            github.address(large, fake.REF, web)
        for bad in ("lfs:", "lfs:a/b:xyz:1", "lfs:a/b:" + "0" * 64 + ":x"):
            with pytest.raises(AccessError):
                github.address(HostFile("x", bad), fake.REF, web)
    monkeypatch.setenv("GITHUB_TOKEN", fake.SECRET["GITHUB_TOKEN"])
    fake = fake_github.Host()
    with fake.serve() as web:
        github.address(large, fake.REF, web)
    assert fake.asked[-1].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("attributes", [".gitattributes", "images/.gitattributes", "images/case 1/.gitattributes"])
def test_github_finds_attributes_above_a_folder(attributes: str) -> None:
    fake = fake_github.Host()
    fake.attributes = attributes
    with fake.serve() as web:
        found = {one.name: one for one in github.list_files(f"{fake.REPO}@main/images/case 1", web).files}
        assert "sha256" in found["images/case 1/ct.nii.gz"].checksums
        (one,) = github.list_files(f"{fake.REPO}@main/images/case 1/ct.nii.gz", web).files
        assert one == found[one.name]


def test_pointers_of_lfs_are_told_from_other_files() -> None:
    data = b"x" * 5000
    pointer = fake_github.pointer(data)
    assert _git_lfs.pointer_of(pointer) == _git_lfs.Pointer(hashlib.sha256(data).hexdigest(), 5000)
    extended = pointer.replace(b"oid ", b"ext-0-foo sha256:%s\noid " % (b"0" * 64))
    assert _git_lfs.pointer_of(extended) == _git_lfs.pointer_of(pointer)
    for bad in (b"", pointer[:-8], pointer + b"more", pointer.replace(b"sha256", b"md5"), b"version 1\n" + pointer):
        assert _git_lfs.pointer_of(bad) is None
    told = _git_lfs.patterns("# *.a filter=lfs\n*.nii.gz filter=lfs -text\n/top/*.h5 filter=lfs\n*.c text", "")
    inside, outside = ("x.nii.gz", "a/b/x.nii.gz", "top/x.h5"), ("a/top/x.h5", "x.c", "x.a")
    for path, may in [*((p, True) for p in inside), *((p, False) for p in outside)]:
        assert _git_lfs.may_be_pointer(path, len(pointer), told) is may, path
        assert not _git_lfs.may_be_pointer(path, 5000, told) and not _git_lfs.may_be_pointer(path, None, told)
    assert _git_lfs.patterns('"a[[:space:]]b" filter=lfs', "") == ["a b", "*/a b"]
    below = _git_lfs.patterns("*.h5 filter=lfs", "data")
    assert [_git_lfs.may_be_pointer(p, 130, below) for p in ("data/a.h5", "data/x/a.h5", "a.h5")] == [True, True, False]


@pytest.mark.parametrize("cut", [False, True])
def test_github_walks_trees_that_are_cut(cut: bool) -> None:
    fake = fake_github.Host()
    fake.lfs, fake.cut = False, cut
    with fake.serve() as web:
        found = github.list_files(f"{fake.REPO}@main", web)
        assert {one.name: one.size_bytes for one in found.files} == {at: len(data) for at, data in fake.files.items()}
        assert found.ref == f"github:{fake.REPO}@{fake_github.COMMIT}"
        inner = github.list_files(f"{fake.REPO}@main/images/case 1", web)
        assert [one.name for one in inner.files] == ["images/case 1/ct.nii.gz", "images/case 1/mask.nii.gz"]
        (one,) = github.list_files(f"{fake.REPO}@feature%2Fx/images/case 1/ct.nii.gz", web).files
        assert read(github, one, fake.REF, web) == fake.files[one.name]
        for missing in ("images/no", "readme.txt/x", "no", "module"):
            with pytest.raises(NotFound):
                github.list_files(f"{fake.REPO}@main/{missing}", web)
        with pytest.raises(NotFound, match="no such revision"):
            github.list_files(f"{fake.REPO}@nowhere", web)


def test_github_lists_releases_and_archives() -> None:
    fake = fake_github.Host({"a.zip": b"PK\3\4", "b c.h5": b"\x89HDF"})
    with fake.serve() as web:
        found = github.list_files(f"{fake.REPO}/releases/latest", web)
        assert found.ref == f"github:{fake.REPO}/releases/v1.0" and found.version == "v1.0"
        for one in found.files:
            assert one.checksums == {"sha256": hashlib.sha256(fake.files[one.name]).hexdigest()}
            assert read(github, one, fake.REF, web) == fake.files[one.name]
        fake.digests = False
        (one,) = github.list_files(f"{fake.REPO}/releases/v1.0/b c.h5", web).files
        assert (one.name, one.checksums) == ("b c.h5", {})
        with pytest.raises(NotFound, match="it has a.zip"):
            github.list_files(f"{fake.REPO}/releases/v1.0/x.zip", web)
        made = github.list_files(f"{fake.REPO}/archive/main.tar.gz", web)
        assert made.ref == f"github:{fake.REPO}/archive/{fake_github.COMMIT}.tar.gz"
        assert made.files[0].checksums == {} and made.files[0].size_bytes is None
        assert read(github, made.files[0], fake.REF, web).startswith(b"\x1f\x8b")
        with pytest.raises(AccessError, match=r"\.zip and \.tar\.gz"):
            github.list_files(f"{fake.REPO}/archive/main.rar", web)


def test_github_says_that_a_token_allows_more() -> None:
    fake = fake_github.Host()
    fake.fault = lambda ask, reply: in_json({"message": "API rate limit exceeded for 192.0.2.1."}, 403)
    with fake.serve() as web, pytest.raises(AccessNeeded, match="GITHUB_TOKEN") as caught:
        github.list_files(fake.REF, web)
    assert "rate limit" in str(caught.value)


# --- Kaggle ------------------------------------------------------------------------------------


def test_kaggle_means_the_archive_unless_files_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_kaggle.Host()
    with fake.serve() as web:
        whole = kaggle.list_files(fake.DATASET, web)
        assert (whole.ref, whole.version, whole.licence) == (f"kaggle:{fake.DATASET}@3", "3", "CC BY-NC-SA 4.0")
        (one,) = whole.files
        assert read(kaggle, one, fake.DATASET, web) == fake.archive()
        (one,) = kaggle.list_files(f"{fake.DATASET}@3/images/case 1/ct.nii.gz", web).files
        assert one.size_bytes == len(FILES[one.name]) and read(kaggle, one, fake.DATASET, web) == FILES[one.name]
        assert "raw=true" in kaggle.address(one, fake.DATASET, web).url
        inside = kaggle.list_files(f"{fake.DATASET}@3/images/", web)
        assert [one.name for one in inside.files] == [name for name in FILES if name.startswith("images/")]
        with pytest.raises(NotFound):
            kaggle.list_files(f"{fake.DATASET}@3/no/such", web)
    monkeypatch.setenv("KAGGLE_API_TOKEN", fake.SECRET["KAGGLE_API_TOKEN"])
    with fake.serve() as web:
        files = kaggle.list_files(f"competitions/{fake.COMPETITION}/", web).files
        assert len(files) == len(FILES) and all(one.size_bytes is None for one in files), "they may come zipped"


@pytest.mark.parametrize("place", ["variables", "kaggle.json", "a file with a token", "access_token"])
def test_kaggle_takes_what_its_tools_take(place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = fake_kaggle.Host()
    token = fake.SECRET["KAGGLE_API_TOKEN"]
    (tmp_path / ".kaggle").mkdir()
    if place == "variables":
        monkeypatch.setenv("KAGGLE_USERNAME", "me")
        monkeypatch.setenv("KAGGLE_KEY", "0123key")
    elif place == "kaggle.json":
        (tmp_path / ".kaggle/kaggle.json").write_text(json.dumps({"username": "me", "key": "0123key"}))
    elif place == "access_token":
        (tmp_path / ".kaggle/access_token").write_text(f"{token}\n")
    else:
        (tmp_path / "token").write_text(f"{token}\n")
        monkeypatch.setenv("KAGGLE_API_TOKEN", str(tmp_path / "token"))
    with fake.serve() as web:
        assert kaggle.needs(f"competitions/{fake.COMPETITION}", web) is None
        (one,) = kaggle.list_files(f"competitions/{fake.COMPETITION}", web).files
        assert read(kaggle, one, f"competitions/{fake.COMPETITION}", web) == fake.archive()


def test_kaggle_asks_to_accept_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_kaggle.Host()
    fake.accepted = False
    ref = f"competitions/{fake.COMPETITION}"
    with fake.serve() as web:
        need = kaggle.needs(ref, web)
        assert need is not None and need.kind == "account"
        monkeypatch.setenv("KAGGLE_API_TOKEN", fake.SECRET["KAGGLE_API_TOKEN"])
        need = kaggle.needs(ref, web)
        assert need is not None and need.kind == "click-through" and f"/{ref}/rules" in need.steps[0]
        with pytest.raises(AccessNeeded, match="rules") as caught:
            kaggle.list_files(ref, web)
        assert caught.value.steps == need.steps and "must accept" in str(caught.value)
