"""One contract for every host: see `medshelf.access.hosts`.

Each host of `HOSTS` has a server of its own in tests/access/hosts/<name>.py, which answers with the shapes that the
host documents; what is asked of it here is the same for all.
"""

from __future__ import annotations

import copy
import hashlib
import importlib
import json
import pickle
import random
import re
import socket
import time
import traceback
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from medshelf.access.hosts import HOSTS, Address, HostFile, Limits, Listing, Need, host_named, split_ref
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded, MedshelfError, NotFound, Offline
from tests.access.hosts.fake import FILES, Ask, FakeHost, Reply

FAKES: dict[str, type[FakeHost]] = {n: importlib.import_module(f"tests.access.hosts.{n}").Host for n in HOSTS}
OURS = (AccessError, NotFound)
ALL = pytest.mark.parametrize("name", HOSTS)
EACH = pytest.mark.parametrize("name", [n for n in HOSTS if FAKES[n].SERVES])
OVER_HTTP = pytest.mark.parametrize("name", [n for n in HOSTS if FAKES[n].SPEAKS_HTTP])
WITH_SECRET = pytest.mark.parametrize("name", [n for n in HOSTS if FAKES[n].SECRET])
DOCUMENTED = [n for n in HOSTS if FAKES[n].SPEAKS_HTTP and not FAKES[n].ANY_BODY and not FAKES[n].IN_XML]
"""Hosts that answer in JSON."""
ELSEWHERE = (
    "https://evil.example/x",
    "//evil.example/x",
    "http://{host}/x",
    "https://{host}.evil.example/x",
    "http://[",
)
"""What a link may lead to instead of its host."""
PAGED = pytest.mark.parametrize("name", [n for n in HOSTS if FAKES[n].PAGED])
SECONDS = 20.0

UNSAFE = (
    "/etc/passwd",
    "../../up.txt",
    "a/../../b.txt",
    "..",
    ".",
    "a\\..\\b.txt",
    "C:\\windows\\x.txt",
    "\\\\server\\share",
    "line\nbreak.txt",
    "tab\there.txt",
    "nul\0byte.txt",
    "bell\x07.txt",
    "esc\x1b[31m.txt",
    "del\x7f.txt",
    "A.txt",
    "a.txt",
    "a.TXT",
    unicodedata.normalize("NFC", "é.txt"),
    unicodedata.normalize("NFD", "é.txt"),
    "con",
    "NUL.txt",
    "com1.tar.gz",
    "LPT9",
    "Aux.nii",
    "dot.",
    "space ",
    " ",
    "colon:stream.txt",
    "que?ry*.txt",
    '<tag>|".txt',
    "folder",
    "folder/file.txt",
    "FOLDER/file.txt",
    "long" * 100 + ".nii.gz",
    "ü" * 200 + ".nii.gz",
    "right-to-left\u202etxt.exe",
    "zero\u200bwidth.txt",
    "%2e%2e%2fup.txt",
    "-rf",
    "~root",
    "$HOME",
    "a//b.txt",
    "./c.txt",
    "same.txt",
    "same.txt ",
)
"""Names with which a host could do harm, or with which two files would become one."""
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Those of whoever runs the tests are not seen."""
    from medshelf.access.credentials import SERVICES

    monkeypatch.setenv("HOME", str(tmp_path))
    for service in SERVICES.values():
        for names in service.variables:
            for variable in names.values():
                monkeypatch.delenv(variable, raising=False)
    for variable in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "MEDSHELF_OFFLINE",
    ):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name is looked up but that of this machine."""
    real = socket.getaddrinfo

    def only_here(host: Any, *args: Any, **options: Any) -> Any:
        if host not in ("127.0.0.1", "localhost", None):
            raise socket.gaierror(f"the tests look up no names: {host}")
        return real(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", only_here)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of two entries, for hosts that are told how many they put on one."""
    for name, fake in FAKES.items():
        for what, value in fake.SMALL_PAGES.items():
            monkeypatch.setattr(host_named(name), what, value)


def give(fake: type[FakeHost], monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a host's credentials where they are looked for."""
    for variable, value in fake.SECRET.items():
        monkeypatch.setenv(variable, value)


def fetched(module: ModuleType, file: HostFile, ref: str, web: Web, start: int = 0) -> bytes:
    """The bytes of a file from one on, as the contract has it."""
    if hasattr(module, "open_at"):
        with module.open_at(file, ref, start, web) as stream:
            return stream.read()
    at = module.address(file, ref, web)
    assert isinstance(at, Address)
    with web.open(at.url, headers=at.headers, start=start) as answer:
        assert answer.status == (206 if start else 200)
        return answer.read()


def listed(name: str, web: Web, ref: str) -> Listing:
    found = host_named(name).list_files(ref, web)
    assert isinstance(found, Listing)
    return found


def outcome(call: Callable[[], Any], ref: str) -> Any:
    """What a call gives, or its error, which is one of ours and names the reference."""
    begun = time.monotonic()
    ref = re.sub(r"[\0-\x1f]", "", ref)
    try:
        found = call()
    except OURS as error:
        assert ref in re.sub(r"[\0-\x1f]", "", str(error.where)), f"{error!r} does not name {ref}"
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again)) == (type(error), str(error))
        found = error
    assert time.monotonic() - begun < SECONDS
    return found


# --- what a module has -------------------------------------------------------------------------


@ALL
def test_every_host_has_the_names_of_the_contract(name: str) -> None:
    module = host_named(name)
    assert name == module.NAME == FAKES[name].NAME
    assert isinstance(module.LIMITS, Limits)
    assert all(isinstance(term, str) for term in module.TERMS)
    assert all(
        module.__doc__ and getattr(module, part).__doc__ for part in ("ref_of", "list_files", "address", "needs")
    )


def test_terms_are_of_the_vocabulary_and_belong_to_one_host() -> None:
    import tomllib

    known = tomllib.loads((Path(__file__).parents[2] / "catalogue/vocabulary/host.toml").read_text())
    terms = [term for name in HOSTS for term in host_named(name).TERMS]
    assert sorted(terms) == sorted(set(terms))
    assert set(terms) <= set(known)


# --- addresses ---------------------------------------------------------------------------------


@ALL
def test_addresses_become_references(name: str) -> None:
    fake, module = FAKES[name], host_named(name)
    assert len(fake.ADDRESSES) >= 10
    for url, ref in fake.ADDRESSES.items():
        assert module.ref_of(url) == ref, url
        assert split_ref(url) == (name, ref) or url.startswith("doi:"), url  # that one is a reference as it stands
        assert split_ref(f"{name}:{ref}") == (name, ref)
    for url in fake.NOT_MINE:
        assert module.ref_of(url) is None, url


@ALL
def test_no_host_takes_what_is_another_ones(name: str) -> None:
    for other in HOSTS:
        for url in FAKES[other].ADDRESSES:
            if other != name and name not in ("http", "doi"):  # these two are asked last, and take what is left
                assert host_named(name).ref_of(url) is None, (url, other)


@ALL
@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "http://",
        "https://[",
        "http://[::1",
        "https://host:99999/",
        "https://host:x/",
        "10.",
        "10.1/",
        "doi:",
        "\ud800",
        "https://zenodo.org/records/\ud800",
        "javascript:alert(1)",
        "https://" + "a" * 5000,
        "ftp://[",
        "zenodo:",
        "?",
        "#",
        "\0",
    ],
)
def test_any_text_is_looked_at(name: str, text: str) -> None:
    found = host_named(name).ref_of(text)
    assert found is None or isinstance(found, str)


# --- listing and fetching ----------------------------------------------------------------------


@EACH
def test_files_are_listed_and_their_bytes_are_what_was_promised(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, module = FAKES[name](), host_named(name)
    if fake.ALWAYS_NEEDS:
        give(FAKES[name], monkeypatch)
    with fake.serve() as web:
        found = listed(name, web, fake.REF)
        by_name = {file.name.removeprefix("top/"): file for file in found.files}
        assert set(by_name) == set(fake.files)
        assert len(found.files) == len(fake.files)
        for key, data in fake.files.items():
            file = by_name[key]
            got = fetched(module, file, fake.REF, web)
            assert got == data
            assert file.size_bytes in (len(data), None)
            assert file.size_bytes is not None or not fake.CHECKSUM
            assert set(file.checksums) <= set(hashlib.algorithms_available) | {"git-blob"}
            if fake.CHECKSUM:
                assert file.checksums[fake.CHECKSUM] == hashlib.new(fake.CHECKSUM, data).hexdigest()
        assert found.ref.startswith(f"{split_ref(found.ref)[0]}:")


@EACH
def test_the_rest_of_a_file_is_fetched_by_range(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, module = FAKES[name](), host_named(name)
    give(FAKES[name], monkeypatch)
    with fake.serve() as web:
        for file in listed(name, web, fake.REF).files:
            whole = fetched(module, file, fake.REF, web)
            for start in (1, len(whole) // 2, len(whole) - 1):
                if 0 < start < len(whole):
                    assert fetched(module, file, fake.REF, web, start) == whole[start:]


@EACH
def test_a_pinned_reference_lists_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FAKES[name]()
    give(FAKES[name], monkeypatch)
    with fake.serve() as web:
        first = listed(name, web, fake.REF)
        host, ref = split_ref(first.ref)
        again = listed(host, web, ref)
        assert again == first
        for file in again.files[:2]:
            fetched(host_named(host), file, ref, web)


@pytest.mark.parametrize("name", [n for n in HOSTS if FAKES[n].SERVES and not FAKES[n].ONE_FILE])
def test_nothing_at_all_is_an_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What holds no file is said to hold none: it is not fetched, as it were, and done."""
    fake = FAKES[name]({})
    give(FAKES[name], monkeypatch)
    with fake.serve() as web:
        found = outcome(lambda: listed(name, web, fake.REF), fake.REF)
    assert isinstance(found, OURS), found


@PAGED
def test_listings_come_in_pages(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    give(FAKES[name], monkeypatch)
    few, many = FAKES[name]({"a.bin": b"a"}), FAKES[name]({f"{n}.bin": b"%d" % n for n in range(9)})
    with few.serve() as web:
        assert len(listed(name, web, few.REF).files) == 1
    with many.serve() as web:
        assert len({file.name for file in listed(name, web, many.REF).files}) == 9
    assert len(many.asked) > len(few.asked) + 3


@pytest.mark.parametrize("name", ["dryad", "osf"])
def test_pages_in_a_circle_are_an_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    give(FAKES[name], monkeypatch)
    fake = FAKES[name]()
    fake.circle = True
    with fake.serve() as web:
        error = outcome(lambda: host_named(name).list_files(fake.REF, web), fake.REF)
    assert isinstance(error, AccessError)


@EACH
def test_what_a_host_gives_can_be_pickled(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FAKES[name]()
    give(FAKES[name], monkeypatch)
    with fake.serve() as web:
        found = listed(name, web, fake.REF)
        assert pickle.loads(pickle.dumps(found)) == found
        at = host_named(name).address(found.files[0], fake.REF, web)
        assert pickle.loads(pickle.dumps(at)) == at


# --- names -------------------------------------------------------------------------------------


def safe(names: list[str], folder: Path) -> None:
    """Assert that names lie below a folder on any system, and that no two are one there."""
    keys = [unicodedata.normalize("NFC", name).casefold() for name in names]
    assert len(set(keys)) == len(names), sorted(names)
    assert not any(other.startswith(f"{key}/") for key in keys for other in keys), "a file is a folder too"
    for name in names:
        parts = name.split("/")
        assert name and "\\" not in name and not re.search(r'[<>:"|?*]', name), name
        assert all(part not in ("", ".", "..") and not _RESERVED.fullmatch(part) for part in parts), name
        assert all(part == part.rstrip(". ") and len(part.encode()) <= 255 for part in parts), name
        assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in name), name
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
        assert path.resolve().is_relative_to(folder.resolve())
    assert all((folder / name).read_bytes() == name.encode() for name in names)


@OVER_HTTP
def test_names_that_do_harm_are_made_safe(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give(FAKES[name], monkeypatch)
    sets = [[one] for one in UNSAFE] if FAKES[name].ONE_FILE else [list(UNSAFE)]
    for number, names in enumerate(sets):
        fake = FAKES[name]({one: one.encode() for one in names}, raw=True)
        with fake.serve() as web:
            found = listed(name, web, fake.REF)
        assert len(found.files) == len(names)
        safe([file.name for file in found.files], tmp_path / str(number))


# --- credentials -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in HOSTS if FAKES[n].RESTRICTED])
def test_what_needs_credentials_says_so_and_opens_with_them(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, module = FAKES[name](), host_named(name)
    ref = fake.RESTRICTED
    assert ref is not None
    with fake.serve() as web:
        need = module.needs(ref, web)
        assert isinstance(need, Need) and need.kind == fake.NEED
        assert need.why.endswith(".") and any("https://" in step or "page" in step for step in need.steps)
        found = outcome(lambda: listed(name, web, ref), ref)
        if isinstance(found, Listing):  # files that are shown and not given
            with (
                pytest.raises(AccessError),
                web.ask(*[(at := module.address(found.files[0], ref, web)).url], headers=at.headers),
            ):
                pass
        else:
            assert isinstance(found, AccessNeeded) and found.steps
    give(FAKES[name], monkeypatch)
    fake = FAKES[name]()
    with fake.serve() as web:
        assert module.needs(ref, web) is None
        found = listed(name, web, ref)
        assert len(found.files) == len(fake.files)
        assert sorted(fetched(module, file, ref, web) for file in found.files) == sorted(fake.files.values())


@EACH
def test_what_is_open_needs_nothing(name: str) -> None:
    fake = FAKES[name]()
    if not fake.ALWAYS_NEEDS:
        with fake.serve() as web:
            assert host_named(name).needs(fake.REF, web) is None


@WITH_SECRET
def test_credentials_go_to_their_host_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, module = FAKES[name](), host_named(name)
    give(FAKES[name], monkeypatch)
    with fake.serve() as web:
        module.needs(fake.REF, web)
        for file in listed(name, web, fake.REF).files:
            fetched(module, file, fake.REF, web)
    seen = {ask.origin for ask in fake.asked if any(s in _all_of(ask) for s in secrets(name))}
    assert seen and seen <= set(fake.SEES_SECRET)
    assert not any(s in ask.raw_path + str(ask.query) for ask in fake.asked for s in secrets(name))


def secrets(name: str) -> list[str]:
    """The values that nobody else may see."""
    return [value for variable, value in FAKES[name].SECRET.items() if not variable.endswith(("_ID", "SERVER", "URL"))]


def _all_of(ask: Ask) -> str:
    return f"{dict(ask.headers)} {ask.body!r} {ask.raw_path} {dict(ask.query)}"


@WITH_SECRET
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 500])
def test_credentials_are_never_shown(name: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that repeats what it was sent, in errors and in what should be a listing."""
    fake, module = FAKES[name](), host_named(name)
    give(FAKES[name], monkeypatch)
    with fake.serve() as web:
        at = module.address(listed(name, web, fake.REF).files[0], fake.REF, web)
        assert not any(s in repr(at) for s in secrets(name))
    fake = FAKES[name]()
    fake.fault = lambda ask, reply: Reply(
        status, f"you sent {_all_of(ask)}".encode(), {"Content-Type": "application/json"}
    )
    errors = []
    with fake.serve() as web:
        for call in (
            lambda: listed(name, web, fake.REF),
            lambda: module.needs(fake.REF, web),
            lambda: module.address(HostFile("a", fake.LOCATOR), fake.REF, web),
        ):
            found = outcome(call, fake.REF)
            errors += [found] if isinstance(found, MedshelfError) else []
    assert errors
    for error in errors:
        shown = (
            "".join(traceback.format_exception(error)) + repr(error) + repr(error.__dict__) + repr(error.__context__)
        )
        assert not any(s in shown for s in secrets(name)), shown


# --- a host that is not as it should be ----------------------------------------------------------


@OVER_HTTP
@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 500, 502, 503])
def test_refusals_are_errors_that_name_the_reference(name: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, module = FAKES[name](), host_named(name)
    give(FAKES[name], monkeypatch)
    fake.fault = lambda ask, reply: Reply(status, b"<html>no</html>", {"Content-Type": "text/html", "Retry-After": "1"})
    with fake.serve() as web:
        error = outcome(lambda: listed(name, web, fake.REF), fake.REF)
        assert isinstance(error, NotFound if status in (404, 410) else AccessError)
        need = outcome(lambda: module.needs(fake.REF, web), fake.REF)
        assert need is None or isinstance(need, (Need, *OURS))
        if status == 429:
            assert len(fake.asked) > 1, "a busy host is asked again"


BODIES: dict[str, Reply] = {
    "a page": Reply(
        200, b"<!DOCTYPE html><html><body>Checking your browser</body></html>", {"Content-Type": "text/html"}
    ),
    "a page called JSON": Reply(200, b"<!DOCTYPE html><html></html>", {"Content-Type": "application/json"}),
    "nothing": Reply(200, b"", {"Content-Type": "application/json"}),
    "a firewall": Reply(202, b"", {"x-amzn-waf-action": "challenge"}),
    "half of it": Reply(200, b'{"files": [{"key": "a', {"Content-Type": "application/json"}),
    "no text": Reply(200, bytes(range(256)), {"Content-Type": "application/json"}),
    "deep": Reply(200, b"[" * 100_000, {"Content-Type": "application/json"}),
    "null": Reply(200, b"null", {"Content-Type": "application/json"}),
    "a number": Reply(200, b"1e999", {"Content-Type": "application/json"}),
    "a list": Reply(200, b"[[[1]], null, {}]", {"Content-Type": "application/json"}),
    "an object": Reply(200, b"{}", {"Content-Type": "application/json"}),
    "a redirect to nowhere": Reply(302, b"", {"Location": "http://[::"}),
    "a circle": Reply(302, b"", {"Location": "?"}),
    "entities": Reply(207, b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>', {"Content-Type": "application/xml"}),
}


@OVER_HTTP
@pytest.mark.parametrize("body", BODIES)
def test_answers_of_another_kind_are_errors(name: str, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, module = FAKES[name](), host_named(name)
    give(FAKES[name], monkeypatch)
    fake.fault = lambda ask, reply: BODIES[body]
    with fake.serve() as web:
        found = outcome(lambda: listed(name, web, fake.REF), fake.REF)
        assert isinstance(found, OURS) or (fake.ANY_BODY and body not in ("a page", "a firewall")), found
        outcome(lambda: module.needs(fake.REF, web), fake.REF)
        outcome(lambda: module.address(HostFile("a", fake.LOCATOR), fake.REF, web), fake.REF)


ODD = (
    None,
    [],
    {},
    "",
    "x",
    "\ud800",
    "../../x",
    "http://[",
    "https://evil.example/x",
    -1,
    0,
    True,
    1.5,
    10**30,
    [None],
    {"a": 1},
)


def places(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a document something stands."""
    yield at
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from places(value, (*at, key))


def changed(data: Any, at: tuple[Any, ...], value: Any) -> Any:
    """A document with something else, or, for `changed` itself, nothing, at one place."""
    if not at:
        return value
    made = copy.deepcopy(data)
    within = made
    for key in at[:-1]:
        within = within[key]
    if value is changed:
        del within[at[-1]]
    else:
        within[at[-1]] = value
    return made


@pytest.mark.parametrize("name", DOCUMENTED)
def test_documents_with_anything_anywhere_give_only_our_errors(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    give(FAKES[name], monkeypatch)
    fake, module = FAKES[name](), host_named(name)
    documents = documents_of(fake)
    every = [
        (path, at, odd)
        for path, data in documents.items()
        for at in places(data)
        for odd in (*ODD, changed)
        if at or odd is not changed
    ]
    fake = FAKES[name]()
    refused = 0
    with fake.serve() as web:
        for path, at, odd in random.Random(name).sample(every, min(200, len(every))):
            document = changed(documents[path], at, odd)
            fake.fault = instead(path, document)
            found = outcome(lambda: listed(name, web, fake.REF), fake.REF)
            refused += isinstance(found, OURS)
            if isinstance(found, Listing):
                check(found)
                for file in found.files[:3]:
                    at_ = outcome(lambda file=file: module.address(file, fake.REF, web), fake.REF)
                    if isinstance(at_, Address) and any(s in str(dict(at_.headers)) for s in secrets(name)):
                        assert at_.url.startswith(tuple(f"{o}/" for o in fake.SEES_SECRET)), at_.url
    assert refused, "nothing of all that was noticed"


@pytest.mark.parametrize("name", DOCUMENTED)
@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_links_to_elsewhere_get_no_credentials(name: str, elsewhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every link in every document, led to another place."""
    give(FAKES[name], monkeypatch)
    fake, module = FAKES[name](), host_named(name)
    documents = documents_of(fake)
    evil = elsewhere.format(host=(*fake.SEES_SECRET, "https://zenodo.org")[0].partition("//")[2])
    with fake.serve() as web:
        for path, data in documents.items():
            for at in places(data):
                if isinstance(found := value_at(data, at), str) and found.startswith(("http", "/")):
                    fake.fault = instead(path, changed(data, at, evil))
                    listing = outcome(lambda: listed(name, web, fake.REF), fake.REF)
                    for file in listing.files if isinstance(listing, Listing) else ():
                        where = outcome(lambda file=file: module.address(file, fake.REF, web), fake.REF)
                        if isinstance(where, Address):
                            outcome(lambda where=where: web.ask(where.url, headers=where.headers).close(), "")
    seen = {ask.origin for ask in fake.asked if any(s in _all_of(ask) for s in (*secrets(name), "-token-", "dt-made"))}
    assert seen <= set(fake.SEES_SECRET) and bool(seen) is bool(fake.SECRET)


@WITH_SECRET
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_to_elsewhere_take_no_credentials_along(
    name: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(FAKES[name], monkeypatch)
    fake, module = FAKES[name](), host_named(name)
    fake.fault = lambda ask, reply: Reply(status, b"", {"Location": "https://evil.example/x"})
    with fake.serve() as web:
        outcome(lambda: listed(name, web, fake.REF), fake.REF)
        outcome(lambda: module.needs(fake.REF, web), fake.REF)
        where = outcome(lambda: module.address(HostFile("a", fake.LOCATOR), fake.REF, web), fake.REF)
        if isinstance(where, Address):
            outcome(lambda: web.ask(where.url, headers=where.headers).close(), "")
    seen = {ask.origin for ask in fake.asked if any(s in _all_of(ask) for s in secrets(name))}
    assert seen and seen <= set(fake.SEES_SECRET)


@WITH_SECRET
@pytest.mark.parametrize(
    "locator",
    [
        "1/2",
        "https://evil.example/x",
        ".evil.example/x",
        "@evil.example/x",
        "//evil.example/x",
        "http://{host}/x",
        "..",
        "",
    ],
)
def test_locators_of_another_place_get_no_credentials(name: str, locator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a lock file could hold them that somebody else wrote."""
    give(FAKES[name], monkeypatch)
    fake, module = FAKES[name](), host_named(name)
    locator = locator.format(host=fake.SEES_SECRET[0].partition("//")[2])
    with fake.serve() as web:
        where = outcome(lambda: module.address(HostFile("a", locator), fake.REF, web), fake.REF)
        if isinstance(where, Address) and "://" in where.url:
            outcome(lambda: web.ask(where.url, headers=where.headers).close(), "")
    seen = {ask.origin for ask in fake.asked if any(s in _all_of(ask) for s in (*secrets(name), "-token-", "dt-made"))}
    assert seen <= set(fake.SEES_SECRET)


def documents_of(fake: FakeHost) -> dict[str, Any]:
    """The documents of a listing, by the address at which they were asked for."""
    with fake.serve() as web:
        listed(fake.NAME, web, fake.REF)
    pairs = zip(fake.asked, fake.replied, strict=True)
    return {ask.target: reply.data for ask, reply in pairs if reply.data is not None}


def instead(target: str, document: Any) -> Callable[[Ask, Reply], Reply]:
    """Answer with another document at one address."""
    return lambda ask, reply: Reply(200, json.dumps(document).encode()) if ask.target == target else reply


def value_at(data: Any, at: tuple[Any, ...]) -> Any:
    for key in at:
        data = data[key]
    return data


def check(found: Listing) -> None:
    """Assert that a listing is made of what it should be made of."""
    assert isinstance(found.ref, str) and all(isinstance(t, (str, type(None))) for t in (found.version, found.licence))
    for file in found.files:
        assert isinstance(file.name, str) and file.name and file.name.encode()
        assert isinstance(file.locator, str) and file.locator.encode() is not None
        assert file.size_bytes is None or (type(file.size_bytes) is int and file.size_bytes >= 0)
        assert all(re.fullmatch("[0-9a-f]{8,128}", digits) for digits in file.checksums.values())


@EACH
def test_offline_is_said(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    give(FAKES[name], monkeypatch)
    fake, module = FAKES[name](), host_named(name)
    with fake.serve(offline=True) as web:
        error = outcome(lambda: listed(name, web, fake.REF), fake.REF)
        assert isinstance(error, Offline)
        assert not isinstance(outcome(lambda: module.needs(fake.REF, web), fake.REF), NotFound)
    assert not fake.asked


@EACH
def test_nobody_listens(name: str) -> None:
    fake = FAKES[name]()
    with fake.serve() as web:
        pass
    ref = fake.REF
    assert isinstance(outcome(lambda: listed(name, web, ref), ref), AccessError)


@ALL
@pytest.mark.parametrize(
    "ref", ["", "x", "../../etc", "a/b/c/d", "1\n2", "\0", "é", "-1", "9" * 400, "{}", "%", "#", "a@b@c", "127.0.0.1:1"]
)
def test_any_reference_is_looked_at(name: str, ref: str) -> None:
    fake, module = FAKES[name](), host_named(name)
    with fake.serve() as web:
        for call in (module.list_files, module.needs, lambda r, w: module.address(HostFile("a", "b"), r, w)):
            outcome(lambda call=call: call(ref, web), ref)


def test_the_files_of_the_tests_are_what_the_tests_need() -> None:
    assert any(not data for data in FILES.values()), "an empty one"
    assert any("/" in name for name in FILES) and any(not name.isascii() for name in FILES)
