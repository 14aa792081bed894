"""One hostile archive: it is built, listed and unpacked in a process of its own, and what became of it is judged."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from medshelf.access.archive import Archive
from medshelf.access.unpack import unpack
from medshelf.errors import MedshelfError

MEGABYTE = 1_000_000
Content = dict[str, bytes]
_CANARY = b"this was here before"
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]")


@dataclass(frozen=True)
class Attack:
    """A hostile archive and what has to become of it."""

    what: str
    kind: str
    build: Callable[[Path], Path]
    """Writes it into a folder; returns what to open."""
    refused: str = ""
    """Words of the error; ``""`` where it is harmless."""
    becomes: Content | None = None
    """What lies in the target afterwards, where that is told; after a refusal nothing unless `begun`."""
    begun: bool = False
    """The fault shows only when a member is read: whole members that were written before may stay."""
    ground: Callable[[Path, Path], None] | None = None
    """Prepares the target, given it and the folder outside."""
    password: str | None = None
    most_bytes: int = 150 * MEGABYTE
    most_s: float = 60
    apart: bool = True
    """Runs in a process of its own, whose memory is measured; names alone need none."""
    slow: bool = False
    """Takes more than a few seconds: a row of the table of ``make attacks`` only."""


@dataclass
class Outcome:
    """What was seen."""

    error: str = ""
    """What refused it, ``""`` where it was unpacked."""
    foreign: str = ""
    """An error that is none of ours."""
    n_listed: int = 0
    problems: list[str] = field(default_factory=list)
    rest: str = ""
    """What became of naming the members that are listed."""
    peak_bytes: int = 0
    seconds: float = 0.0


def attempt(attack: Attack, base: Path) -> Outcome:
    """Build the archive, unpack it in a child, and see that nothing was written where it must not.

    Raises
    ------
    AssertionError
        Something is not as the attack says that it has to be.
    """
    outside, target = base / "outside", base / "holder" / "target"
    for folder in (outside, base / "in", base / "cache", target.parent):
        folder.mkdir(parents=True)
    for name in ("canary", "up.txt", "etc"):
        (outside / name).write_bytes(_CANARY)
    path = attack.build(base / "in")
    if attack.ground is not None:
        target.mkdir()
        attack.ground(target, outside)
    before = seen(base, but=(target, base / "cache", base / "rest"))
    there = seen(target, but=())
    run = partial(_tried, attack, path, target, base / "rest")
    found = (_apart if attack.apart and hasattr(os, "fork") else _here)(run, base / "cache", attack.most_s)
    assert not found.foreign, found.foreign
    assert seen(base, but=(target, base / "cache", base / "rest")) == before, "something was written outside"
    for folder in (target, base / "rest"):
        _refuse_odd(folder, there)
    if attack.refused:
        assert re.search(attack.refused, found.error), found.error or "it was unpacked"
        assert str(path) in found.error or str(target) in found.error, "the error does not say where"
        if not attack.begun:
            now = {name: about for name, about in seen(target, but=()).items() if ".unpacked" not in Path(name).parts}
            assert now == {n: a for n, a in there.items() if ".unpacked" not in Path(n).parts}, "something was written"
    else:
        assert not found.error, found.error
    if attack.becomes is not None:
        assert written(target) == attack.becomes, f"{written(target)}"
    text = " ".join([found.error, *found.problems])
    assert not _UNPRINTABLE.search(text), "a message holds control characters"
    assert found.peak_bytes <= attack.most_bytes, f"{found.peak_bytes / 1e6:.0f} MB of memory"
    assert found.seconds <= attack.most_s, f"{found.seconds:.0f} s"
    return found


def written(folder: Path) -> Content:
    """Return the files of a folder, but for the journal's."""
    if not folder.is_dir():
        return {}
    files = (p for p in folder.rglob("*") if p.is_file() and not p.is_symlink() and ".unpacked" not in p.parts)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def seen(base: Path, but: tuple[Path, ...]) -> dict[str, tuple[object, ...]]:
    """Return kind, mode, size and bytes of all below a folder."""
    found: dict[str, tuple[object, ...]] = {}
    for folder, folders, files in os.walk(base):
        folders[:] = [name for name in folders if Path(folder) / name not in but]
        for name in [*folders, *files]:
            path = Path(folder) / name
            about = path.lstat()
            link = os.readlink(path) if path.is_symlink() else None
            small = stat.S_ISREG(about.st_mode) and about.st_size < MEGABYTE
            found[str(path)] = (about.st_mode, link, about.st_size if not path.is_dir() else 0,
                                path.read_bytes() if small else None)  # fmt: skip
    return found


def _refuse_odd(folder: Path, there: dict[str, tuple[object, ...]]) -> None:
    """See that nothing but plain files and folders was made."""
    for name, (mode, *_) in seen(folder, but=()).items():
        assert isinstance(mode, int)
        plain = stat.S_ISDIR(mode) or (stat.S_ISREG(mode) and not mode & 0o6000)
        assert plain or name in there, f"{name} is no plain file"
        assert not name.endswith(".part") or name in there, f"{name} was left"


def _tried(attack: Attack, path: Path, target: Path, rest: Path) -> Outcome:
    found = Outcome()
    try:
        archive = Archive(path, password=attack.password)
        found.n_listed = len(archive.names)
        found.problems = [f"{p.path}: {p.message}" for p in archive.problems]
        unpack(Archive(path, inner=False, password=attack.password), target)
    except MedshelfError as error:
        found.error = str(error)
    if found.error and found.n_listed and attack.ground is None:
        try:
            whole = Archive(path, inner=False, password=attack.password)
            made = unpack(whole, rest, members=islice(whole.names, 1000), limit_bytes=100 * MEGABYTE)
            found.rest = f"{made.n_files} files"
        except MedshelfError as error:
            found.rest = f"refused: {error.what}"
    return found


def _here(run: Callable[[], Outcome], cache: Path, attack_s: float) -> Outcome:
    """Run something in this process."""
    begun, before = time.monotonic(), os.environ.get("MEDSHELF_CACHE_DIR")
    os.environ["MEDSHELF_CACHE_DIR"] = str(cache)
    try:
        found = _caught(run)
    finally:
        if before is None:
            del os.environ["MEDSHELF_CACHE_DIR"]
        else:
            os.environ["MEDSHELF_CACHE_DIR"] = before
    found.seconds = time.monotonic() - begun
    return found


def _apart(run: Callable[[], Outcome], cache: Path, attack_s: float) -> Outcome:
    """Run something in a child, and return what it returns, with its peak of memory over where it began."""
    begun = time.monotonic()
    reading, writing = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            os.environ["MEDSHELF_CACHE_DIR"] = str(cache)
            if hasattr(signal, "alarm"):
                signal.alarm(int(attack_s) + 5)
            start = _peak_bytes()
            found = _caught(run)
            found.peak_bytes = _peak_bytes() - start
            with os.fdopen(writing, "w") as pipe:
                json.dump(asdict(found), pipe)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    assert told, "the process died, or took too long"
    found = Outcome(**json.loads(told))
    found.seconds = time.monotonic() - begun
    return found


def _caught(run: Callable[[], Outcome]) -> Outcome:
    try:
        return run()
    except BaseException as error:  # whatever it is, the judge has to see it
        import traceback

        return Outcome(foreign="".join(traceback.format_exception(error))[-3000:])


def _peak_bytes() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
