"""The downloader: files of a host, whole or absent.

`fetch_file` brings one file, `fetch_all` many into one folder. Both return frozen records: `Fetched` for what is here,
`Failure` for what is not. Both go on where an earlier call ended, however it ended, and may be ended at any time.

A file is **never half there**. It grows beside its place as ``NAME.part``, is proved, synced, renamed, and its folder
is synced. ``NAME.part.json`` says which bytes are there and of which state of the file they are, never an address with
a signature. What an earlier process left is continued only with ``If-Range``, a Content-Range that is right, and the
same ETag, date and size; else the file comes anew.

**What small files cost.** Up to `SMALL_BYTES` a file is held in memory until it is proved, written beside its place and
renamed. It is not synced by itself: `fetch_all` syncs the disk once for a batch (every 30 seconds, and at the end), and
only then names the batch in the lock file. After a power cut a small file may be missing or damaged, but then the lock
file does not name it, and the next call proves or fetches it. `fetch_file` syncs nothing for a small file.

**How it was proved** is kept as a strength, one of `STRENGTHS`. A wrong checksum is never published: the file comes
anew once, then `NotWhole` says what was expected and found.

**Patience** (`medshelf.access.web.Patience`) is time without progress, not a number of tries. A file of a host that has
been given up, with nothing coming for anybody, fails at once.

`Wanted` is a file with its mirrors, `Source` a place to have it. A `Report` holds every file once. Progress is told one
call at a time; what the callback raises ends the work and is raised.

**The lock file** ``medshelf.lock.json`` beside the data names every file with size, SHA-256, source, strength and time.
Where a host states no checksum, the one of the lock file is used from the second time on; ``existing="replace"`` takes
what the host has now.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from medshelf.access.download.here import OWNER_NAME, already_here
from medshelf.access.download.job import Tools
from medshelf.access.download.ledger import LOCK_NAME, Entry, Ledger, read_lock
from medshelf.access.download.many import Many, bytes_there
from medshelf.access.download.one import fetch_one
from medshelf.access.download.owner import owning
from medshelf.access.download.pace import Pace
from medshelf.access.download.records import (
    STRENGTHS,
    Existing,
    Failure,
    Fetched,
    Host,
    Members,
    Progress,
    Report,
    Source,
    Wanted,
)  # fmt: skip
from medshelf.access.download.room import ask_for_room, told
from medshelf.access.download.spool import SMALL_BYTES
from medshelf.access.download.stop import Stop
from medshelf.access.hosts import HostFile
from medshelf.access.web import Web

__all__ = [
    "LOCK_NAME", "OWNER_NAME", "SMALL_BYTES", "STRENGTHS", "Entry", "Existing", "Failure", "Fetched", "Members",
    "Progress", "Report", "Source", "Wanted", "fetch_all", "fetch_file", "read_lock",
]  # fmt: skip


def fetch_file(
    host: Host,
    file: HostFile,
    ref: str,
    target: Path,
    web: Web,
    *,
    existing: Existing = "verify",
    jobs: int = 4,
    limit_bytes_per_s: float | None = None,
    progress: Progress | None = None,
) -> Fetched:
    """Fetch one file.

    Parameters
    ----------
    host : Host
        The module of the host, see `medshelf.access.hosts`.
    file : HostFile
    ref : str
        The part of the reference after the colon.
    target : Path
        Where the file goes; its folder is made.
    web : Web
    existing : {"verify", "trust", "replace"}
        What is done when the target is here; without a lock file ``trust`` verifies, too.
    jobs : int
        Streams at the most, where the host's files are fetched in several spans at a time.
    limit_bytes_per_s : float, optional
        For all streams together.
    progress : callable, optional
        Called with bytes there, bytes in all or None, and the file's name.

    Returns
    -------
    Fetched

    Raises
    ------
    AccessNeeded
        A person has to do something first.
    NotWhole
        Something else came, twice.
    NotFound, Offline, DiskFull, AccessError
    """
    source = Source(host, file, ref)
    tools = Tools(web, Pace(limit_bytes_per_s, web.sleep), Stop(), jobs, progress)
    here = already_here(source, target, None, existing, tools.stop)
    if here is not None:
        return here
    _make(target.parent)
    ask_for_room([(target, max(0, (file.size_bytes or 0) - bytes_there(target)))])
    return fetch_one(source, target, tools)


def fetch_all(
    files: Sequence[Wanted],
    folder: Path,
    web: Web,
    *,
    existing: Existing = "verify",
    jobs: int = 8,
    limit_bytes_per_s: float | None = None,
    progress: Progress | None = None,
) -> Report:
    """Fetch many files into a folder and keep its lock file.

    Parameters
    ----------
    files : sequence of Wanted
    folder : Path
        It is made; one process at a time may fill it.
    web : Web
    existing : {"verify", "trust", "replace"}
        What is done with files that are here.
    jobs : int
        Streams for each host at the most; its own limit may be lower.
    limit_bytes_per_s : float, optional
        For all streams together.
    progress : callable, optional
        Called with bytes there, bytes in all or None, and the file's name.

    Returns
    -------
    Report
        Every file is in it once: fetched, or failed with its error. The rest goes on when one fails.

    Raises
    ------
    DiskFull
        There is no room for what is missing; nothing was fetched.
    AccessError
        Another process fills this folder, or it can't be written.
    KeyboardInterrupt
        After everything that came was noted.
    """
    _make(folder)
    with owning(folder / OWNER_NAME):
        tools = Tools(web, Pace(limit_bytes_per_s, web.sleep), Stop(), jobs, progress)
        return Many(folder, tools, Ledger(folder), existing).run(files)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise told(error, folder) from error
