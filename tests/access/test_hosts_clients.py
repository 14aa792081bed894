"""The servers of the tests, asked by the hosts' own clients: what those take for a listing, ours is made of."""

from __future__ import annotations

import hashlib
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import huggingface_hub
import kagglehub
import pytest
from gdown.download import get_url_from_gdrive_confirmation
from gdown.exceptions import FileURLRetrievalError
from kagglehub.exceptions import KaggleApiHTTPError

from medshelf.access.hosts import _google_pages, huggingface, kaggle
from medshelf.access.web import Web
from tests.access.hosts import google_drive as fake_google
from tests.access.hosts import huggingface as fake_huggingface
from tests.access.hosts import kaggle as fake_kaggle


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A server of Hugging Face whose links lead to itself, a client of ours and the place."""
    fake = fake_huggingface.Host()
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_ENDPOINT", "HF_TOKEN_PATH", "HF_HOME"):
        monkeypatch.delenv(name, raising=False)
    with fake.serve() as web:
        local = web.rewrites["https://"]
        fake.base = f"{local}huggingface.co"
        elsewhere = local.replace("127.0.0.1", "localhost")
        fake.storage_base = f"{elsewhere}cas-bridge.xethub.hf.co"
        monkeypatch.setenv("HF_ENDPOINT", fake.base)
        yield fake, Web(patience=web.patience, offline=False), fake.base


def test_the_client_of_hugging_face_sees_what_we_list(hub: Any, tmp_path: Path) -> None:
    fake, web, endpoint = hub
    api = huggingface_hub.HfApi(endpoint=endpoint, token=False)
    theirs = {
        one.path: (one.size, one.lfs.sha256 if one.lfs else one.blob_id)
        for one in api.list_repo_tree(fake.REF, repo_type="dataset", recursive=True, revision="main")
        if isinstance(one, huggingface_hub.hf_api.RepoFile)
    }
    found = huggingface.list_files(fake.REF, web)
    assert {one.name: (one.size_bytes, *one.checksums.values()) for one in found.files} == theirs
    assert found.version == api.dataset_info(fake.REF, revision="main").sha
    assert {"git-blob", "sha256"} == {kind for one in found.files for kind in one.checksums}
    for one in found.files:
        at = huggingface.address(one, fake.REF, web)
        assert at.url == huggingface_hub.hf_hub_url(
            fake.REF, one.name, repo_type="dataset", revision=found.version, endpoint=endpoint
        )
        path = huggingface_hub.hf_hub_download(
            fake.REF, one.name, repo_type="dataset", revision=found.version, endpoint=endpoint, token=False,
            cache_dir=tmp_path / "hub",
        )  # fmt: skip
        with web.open(at.url) as answer:
            assert answer.read() == Path(path).read_bytes() == fake.files[one.name]


def test_the_client_of_hugging_face_takes_the_gate_for_one(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, web, endpoint = hub
    api = huggingface_hub.HfApi(endpoint=endpoint, token=False)
    with pytest.raises(huggingface_hub.errors.GatedRepoError):
        api.auth_check(fake.GATED, repo_type="dataset")
    need = huggingface.needs(fake.GATED, web)
    assert need is not None and need.kind == "click-through" and f"{endpoint}/datasets/{fake.GATED}" in need.steps[0]
    monkeypatch.setenv("HF_TOKEN", fake.SECRET["HF_TOKEN"])
    huggingface_hub.HfApi(endpoint=endpoint, token=fake.SECRET["HF_TOKEN"]).auth_check(fake.GATED, repo_type="dataset")
    assert huggingface.needs(fake.GATED, web) is None
    told = api.get_paths_info(fake.REF, ["readme.txt", "images"], repo_type="dataset", revision="main")
    assert [one.path for one in told] == ["readme.txt", "images"]


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A server of Kaggle to which kagglehub is led, and a client of ours."""
    from kagglesdk import kaggle_env

    fake = fake_kaggle.Host()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kagglehub"))
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KAGGLE_API_TOKEN", fake.SECRET["KAGGLE_API_TOKEN"])
    with fake.serve() as web:
        local = web.rewrites["https://"]
        fake.base = f"{local}storage.googleapis.com"
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL, f"{local}www.kaggle.com")
        yield fake, Web(rewrites={"https://": local}, patience=web.patience, offline=False)


def test_the_client_of_kaggle_sees_what_we_list(shop: Any) -> None:
    from kagglehub.clients import build_kaggle_client
    from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetRequest, ApiListDatasetFilesRequest

    fake, web = shop
    with build_kaggle_client() as client:
        about = ApiGetDatasetRequest()
        about.owner_slug, about.dataset_slug = fake.DATASET.split("/")
        told = client.datasets.dataset_api_client.get_dataset(about)
        theirs: dict[str, int] = {}
        token = ""
        while token is not None:
            asked = ApiListDatasetFilesRequest()
            asked.owner_slug, asked.dataset_slug = fake.DATASET.split("/")
            asked.page_token = token
            page = client.datasets.dataset_api_client.list_dataset_files(asked)
            theirs |= {one.name: one.total_bytes for one in page.files}
            token = page.next_page_token or None
    found = kaggle.list_files(f"{fake.DATASET}/", web)
    assert {one.name: one.size_bytes for one in found.files} == theirs and len(theirs) == len(fake.files)
    assert (found.version, found.licence) == (str(told.current_version_number), told.license_name)


def test_the_client_of_kaggle_fetches_what_we_fetch(shop: Any) -> None:
    fake, web = shop
    folder = Path(kagglehub.dataset_download(fake.DATASET))
    theirs = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert theirs == fake.files
    found = kaggle.list_files(fake.DATASET, web)
    (one,) = found.files
    at = kaggle.address(one, fake.DATASET, web)
    with web.open(at.url, headers=at.headers) as answer:
        data = answer.read()
    assert found.ref == f"kaggle:{fake.DATASET}@3" and one.name == "chest-images.zip" and one.size_bytes == len(data)
    assert one.checksums == {"md5": hashlib.md5(data, usedforsecurity=False).hexdigest()}
    with zipfile.ZipFile(BytesIO(data)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == theirs


def test_the_client_of_kaggle_fetches_a_competition_that_we_fetch(shop: Any) -> None:
    fake, web = shop
    folder = Path(kagglehub.competition_download(fake.COMPETITION))
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == set(fake.files)
    assert kaggle.list_files(f"competitions/{fake.COMPETITION}", web).files[0].size_bytes == len(fake.archive())
    fake.accepted = False
    with pytest.raises(KaggleApiHTTPError, match="accepted the competition rules"):
        kagglehub.competition_download(fake.COMPETITION, force_download=True)
    need = kaggle.needs(f"competitions/{fake.COMPETITION}", web)
    assert need is not None and need.kind == "click-through"
    assert f"https://www.kaggle.com/competitions/{fake.COMPETITION}/rules" in need.steps[0]


def test_gdown_reads_the_pages_of_google_drive_as_we_do() -> None:
    fake = fake_google.Host()
    number = fake_google.number_of("images/case 1/ct.nii.gz")
    with fake.serve() as web:
        page = web.text(f"{fake_google.BYTES}/download?id={number}")
        ours = _google_pages.found(number, None, web)
        assert get_url_from_gdrive_confirmation(page) == ours.url
        with web.open(ours.url) as answer:
            assert answer.read() == fake.files["images/case 1/ct.nii.gz"]
        with pytest.raises(FileURLRetrievalError, match="Too many users"):
            get_url_from_gdrive_confirmation(fake_google.QUOTA)
