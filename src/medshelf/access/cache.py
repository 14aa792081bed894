"""The cache folder: what can be made again. Writing to it may fail without harm."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from medshelf.access.atomic import write_atomically
from medshelf.errors import MedshelfError


def cache_folder() -> Path:
    """Return ``$MEDSHELF_CACHE_DIR``, or the user's cache folder (XDG); it need not exist yet."""
    named = os.environ.get("MEDSHELF_CACHE_DIR")
    if named:
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_cache_dir("medshelf", appauthor=False))


def cache_file(kind: str, key: str) -> Path:
    """Return the file of the cache for `key`, any text, among things of one `kind`."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
    return cache_folder() / kind / digest[:40]


def save(path: Path, about: dict[str, object], body: bytes) -> None:
    """Write `body` with a line about it in front, or silently don't: a cache is no place to fail."""
    head = json.dumps({**about, "bytes": len(body), "crc32": zlib.crc32(body)}).encode()
    with suppress(OSError, MedshelfError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(path) as stream:
            stream.write(head + b"\n")
            stream.write(body)


def load(path: Path, about: dict[str, object]) -> bytes | None:
    """Return the body that `save` wrote about the same thing, or None if it is absent, other or damaged."""
    try:
        with open(path, "rb") as stream:
            head = json.loads(stream.readline(1 << 16))
            if not isinstance(head, dict) or any(head.get(k) != v for k, v in about.items()):
                return None
            body = stream.read()
    except (OSError, ValueError):
        return None
    if head.get("bytes") != len(body) or head.get("crc32") != zlib.crc32(body):
        return None
    return body


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Keep other processes from making the same file of the cache meanwhile, where the system can.

    The lock goes with the process, so a killed one leaves nothing behind. Without locks (Windows, some
    network disks) the work is done twice, which is harmless: files are put in place whole.
    """
    handle = None
    with suppress(OSError, ImportError):
        import fcntl

        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR, 0o666)
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)
