"""Look at what medshelf finds around itself: versions, folders, network, credentials."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from medshelf.access.cache import cache_folder
from medshelf.access.credentials import Service, secret, services
from medshelf.access.web import Broken, Patience, Web
from medshelf.access.web.redact import shown
from medshelf.catalogue import shelf
from medshelf.catalogue.place import catalogue_root
from medshelf.errors import MedshelfError

State = Literal["ok", "wrong", "none"]
"""``none``: absent, which is no fault."""
SITES = {
    "zenodo": "https://zenodo.org/", "figshare": "https://api.figshare.com/", "dryad": "https://datadryad.org/",
    "mendeley": "https://data.mendeley.com/", "osf": "https://api.osf.io/", "dataverse": "https://dataverse.harvard.edu/",
    "huggingface": "https://huggingface.co/", "github": "https://api.github.com/",
    "google_drive": "https://drive.google.com/", "kaggle": "https://www.kaggle.com/",
    "synapse": "https://repo-prod.prod.sagebase.org/", "physionet": "https://physionet.org/",
    "grand_challenge": "https://grand-challenge.org/", "dropbox": "https://www.dropbox.com/", "box": "https://app.box.com/",
    "onedrive": "https://api.onedrive.com/", "tcia": "https://nbia.cancerimagingarchive.net/",
    "openneuro": "https://openneuro.org/", "isic": "https://api.isic-archive.com/",
    "idc": "https://idc-open-data.s3.amazonaws.com/",
    "doi": "https://doi.org/",
}  # fmt: skip
"""Where a host is asked, for hosts that are one place."""
_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that was looked at."""

    subject: str
    """medshelf, extras, cache, catalogue, network, credentials or hosts."""
    name: str
    state: State
    said: str


def look(*, web: Web | None = None) -> tuple[Sign, ...]:
    """Look at everything.

    Parameters
    ----------
    web : Web, optional
        The network; when it is offline no host is asked.

    Returns
    -------
    tuple of Sign
        No credential is in it, only where one was found.
    """
    found = [*_versions(), *_extras(), *_cache(), *_catalogue()]
    try:
        web = web or Web(patience=Patience(connect_s=_WAIT_S, stall_s=_WAIT_S, tries=1))
    except MedshelfError as error:
        return (*found, Sign("network", "rewrites", "wrong", str(error)), *_credentials())
    return (*found, *_network(web), *_credentials(), *(() if web.offline else _hosts(web)))


def _versions() -> Iterator[Sign]:
    yield Sign("medshelf", "medshelf", "ok", _version("medshelf") or "not installed, run from its source")
    yield Sign("medshelf", "python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _extras() -> Iterator[Sign]:
    """Yield which extras are installed, by the requirements that the package states."""
    try:
        told = metadata.requires("medshelf") or []
    except metadata.PackageNotFoundError:
        return
    extras: dict[str, list[str]] = {}
    for line in told:
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", line)
        if extra:
            extras.setdefault(extra[1], []).append(re.split(r"[\s<>=!~;\[(]", line, maxsplit=1)[0])
    for extra, packages in sorted(extras.items()):
        versions = {package: _version(package) for package in packages}
        if all(versions.values()):
            yield Sign("extras", extra, "ok", ", ".join(f"{name} {found}" for name, found in versions.items()))
        else:
            yield Sign("extras", extra, "none", f"not installed; to have it: pip install 'medshelf[{extra}]'")


def _cache() -> Iterator[Sign]:
    folder = cache_folder()
    size = sum(_sizes(folder))
    nearest = next((one for one in (folder, *folder.absolute().parents) if one.is_dir()), Path("."))
    if not os.access(nearest, os.W_OK):
        said = f"{folder} can't be written; everything works, more slowly. Name another: MEDSHELF_CACHE_DIR"
        yield Sign("cache", "folder", "wrong", said)
        return
    yield Sign("cache", "folder", "ok", f"{folder}, {size:,} bytes; it may be removed at any time")


def _sizes(folder: Path) -> Iterator[int]:
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                yield Path(place, name).lstat().st_size
            except OSError:  # gone meanwhile
                continue


def _catalogue() -> Iterator[Sign]:
    try:
        yield Sign("catalogue", "records", "ok", f"{len(shelf.ids())} in {catalogue_root()}")
    except (MedshelfError, OSError) as error:
        yield Sign("catalogue", "records", "wrong", str(error))


def _network(web: Web) -> Iterator[Sign]:
    from urllib.request import getproxies

    if web.offline:
        yield Sign("network", "offline", "ok", "nothing is asked of the network (--offline or MEDSHELF_OFFLINE)")
    for scheme, proxy in sorted(getproxies().items()):
        if scheme in ("http", "https", "all"):
            said = "an address" if urlsplit(proxy).hostname else "no address"
            yield Sign("network", f"{scheme} proxy", "ok" if said == "an address" else "wrong",
                       shown(proxy) if said == "an address" else f"the environment names {said}")  # fmt: skip
    for name in _CA_VARIABLES:
        if value := os.environ.get(name):
            there = Path(value).exists()
            yield Sign("network", name, "ok" if there else "wrong", value if there else f"{value} is not there")
    for old, new in web.rewrites.items():
        yield Sign("network", "rewrites", "ok", f"{shown(old)} is asked at {shown(new)}")


def _credentials() -> Iterator[Sign]:
    for service in services():
        found = secret(service.name)
        if found is not None:
            yield Sign("credentials", service.label, "ok", f"found in {found.where}")
        else:
            yield Sign("credentials", service.label, "none", f"none in {_places(service)}; to get them: {service.how}")


def _places(service: Service) -> str:
    return " or ".join(
        [" and ".join(f"${name}" for name in names.values()) for names in service.variables]
        + [text for text, _ in service.files]
    )


def _hosts(web: Web) -> list[Sign]:
    def ask(item: tuple[str, str]) -> Sign:
        name, url = item
        try:
            with web.open(url, method="HEAD") as answer:
                return Sign("hosts", name, "ok", f"{url} answers (HTTP {answer.status})")
        except Broken as error:
            return Sign("hosts", name, "wrong", f"{url}: {error.what} ({error.why})")
        except MedshelfError as error:
            return Sign("hosts", name, "ok", f"{url} answers: {error.what}")

    run: Callable[[tuple[str, str]], Sign] = ask
    with ThreadPoolExecutor(len(SITES)) as pool:
        signs = list(pool.map(run, SITES.items()))
    if all(sign.state == "wrong" for sign in signs):
        hint = "Is there a network? Behind a proxy, name it in HTTPS_PROXY"
        return [Sign("hosts", "all", "wrong", f"none of {len(signs)} can be reached; {signs[0].said}. {hint}")]
    return signs
