"""One owner at a time: a small file that says which process fills a folder or a part.

The file appears whole, by a hard link, which network disks make atomic as well; where links are unknown it is created
exclusively. A process that was killed leaves it behind. It is then taken over when its owner is known to be gone: the
same machine has been started anew since, or runs no process of this number that began at the same moment. Of an owner
on another machine that can't be known; the error says which file to remove.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from medshelf.access.download.room import told
from medshelf.errors import AccessError

_HELD: set[tuple[int, str]] = set()
_LOCK = threading.Lock()


@contextmanager
def owning(path: Path) -> Iterator[None]:
    """Be the only owner of what `path` stands for, within the block.

    Raises
    ------
    AccessError
        Another process, or another thread of this one, is the owner.
    """
    owner = Owner(path)
    owner.take()
    try:
        yield
    finally:
        owner.release()


class Owner:
    """The right to write to something, see `owning`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._key = (os.getpid(), os.path.realpath(path))
        self._held = False

    def take(self) -> None:
        """Become the owner, or raise `AccessError`."""
        with _LOCK:
            if self._key in _HELD:
                raise _busy(self.path, "another thread of this process")
            _HELD.add(self._key)
        try:
            self._write()
            self._held = True
        except OSError as error:
            raise told(error, self.path) from error
        finally:
            if not self._held:
                with _LOCK:
                    _HELD.discard(self._key)

    def release(self) -> None:
        """Give it up."""
        if not self._held:
            return
        self._held = False
        with suppress(OSError):
            self.path.unlink()
        with _LOCK:
            _HELD.discard(self._key)

    def _write(self) -> None:
        mine = json.dumps(_this_process())
        if _create(self.path, mine):
            return
        with _one_at_a_time(self.path.parent):
            other = _read(self.path)
            if other is not None and not _is_gone(other):
                raise _busy(self.path, f"process {other.get('pid')} on {other.get('host')}")
            with suppress(FileNotFoundError):
                self.path.unlink()
            if not _create(self.path, mine):
                raise _busy(self.path, "another process")


def _busy(path: Path, who: str) -> AccessError:
    return AccessError(
        "something else is being fetched into this place", where=path.parent, why=f"by {who}",
        hint=f"Wait for it, or remove {path} if that no longer runs",
    )  # fmt: skip


def _create(path: Path, text: str) -> bool:
    """Create a file with its text, whole; False when it exists."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident():x}")
    fresh.write_text(text)
    try:
        os.link(fresh, path)
        return True
    except FileExistsError:
        return False
    except (OSError, AttributeError):  # a disk without hard links
        with suppress(FileExistsError), open(path, "x") as stream:
            stream.write(text)
            return True
        return False
    finally:
        fresh.unlink(missing_ok=True)


def _read(path: Path) -> Mapping[str, object] | None:
    """Return what an owner wrote; None when it is no more. One that says nothing is an owner just beginning."""
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Keep two processes of this machine from taking over the same thing; only they can know that its owner is gone."""
    try:
        import fcntl
    except ImportError:  # Windows: nothing is taken over there
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a disk without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _this_process() -> dict[str, object]:
    pid = os.getpid()
    return {"pid": pid, "began": _began(pid), **_machine()}


def _machine() -> dict[str, object]:
    """Return what tells this machine, its last start and its table of processes from others."""
    space = None
    with suppress(OSError, AttributeError):
        space = os.readlink("/proc/self/ns/pid")
    return {
        "host": socket.gethostname(), "machine": _first_line("/etc/machine-id"),
        "boot": _first_line("/proc/sys/kernel/random/boot_id"), "processes": space,
    }  # fmt: skip


def _first_line(path: str) -> str | None:
    try:
        return Path(path).read_text().strip() or None
    except OSError:
        return None


def _began(pid: int) -> str | None:
    """Return when a process began, in ticks since the start of the machine (proc(5), field 22 of stat)."""
    stat = _first_line(f"/proc/{pid}/stat")
    return stat.rpartition(")")[2].split()[19] if stat else None


def _is_gone(owner: Mapping[str, object]) -> bool:
    """Return True only if the owner is known to run no more."""
    here = _machine()
    if not owner or any(owner.get(key) != here[key] for key in ("host", "machine")):
        return False
    if owner.get("boot") != here["boot"]:
        return True
    pid = owner.get("pid")
    if owner.get("processes") != here["processes"] or not isinstance(pid, int) or os.name != "posix":
        return False
    if pid == os.getpid() and owner.get("began") == _began(pid):
        return True  # this process, which holds nothing of it: else `take` would have said so
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return owner.get("began") != _began(pid)
