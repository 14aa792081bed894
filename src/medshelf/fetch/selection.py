"""What of a dataset a caller wants: by patterns, split, cases and channel, of files and of what archives hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medshelf.access._kind import is_archive_name
from medshelf.access.download import Wanted
from medshelf.access.tree import Tree
from medshelf.access.web import Web
from medshelf.fetch.inside import Picked, has_archives, look_at, pick
from medshelf.fetch.narrow import by_case, by_pattern, is_seen
from medshelf.model.dataset import Record


@dataclass(frozen=True, slots=True)
class Selection:
    """A part of a dataset; everything by default."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    split: str | None = None
    cases: int | None = None
    channel: str | None = None

    def of(self, record: Record, wanted: Sequence[Wanted], folder: Path, web: Web) -> Picked:
        """Return what of some files is meant; archives are looked into, where they lie, only if they must be.

        Parameters
        ----------
        record : Record
        wanted : sequence of Wanted
            All that the hosts serve.
        folder : Path
            Where it goes.
        web : Web

        Raises
        ------
        NotFound
            Nothing is left.
        Offline, AccessError
            Archives have to be looked into, and can't be.
        """
        names = [one.name for one in wanted]
        if self._is_of_files(names):
            kept = by_pattern(names, self.include, self.exclude)
            files = [one for one in wanted if one.name in kept]
            if not self._is_of_cases:
                return Picked(tuple(files), ())
            if is_seen(record, [one.name for one in files]) or not has_archives(files):
                return self._of_cases(record, files, web)
            tree = look_at(files, web)
            return pick(record, files, tree, self._kept(record, tree), folder)
        tree = look_at(wanted, web)
        inside = by_pattern([n for n in tree.names if n not in tree.archives], self.include, self.exclude)
        return pick(record, wanted, tree, inside & self._kept(record, tree), folder)

    @property
    def _is_of_cases(self) -> bool:
        return (self.split, self.cases, self.channel) != (None, None, None)

    def _is_of_files(self, names: Sequence[str]) -> bool:
        """Return whether patterns are about files, and not about what lies in them."""
        patterns = (*self.include, *self.exclude)
        if any("!/" in pattern for pattern in patterns):
            return False
        fits = bool(by_pattern(names, self.include, (), may_be_none=True))
        return fits or not self.include or not any(map(is_archive_name, names))

    def _of_cases(self, record: Record, files: Sequence[Wanted], web: Web) -> Picked:
        """Choose among files that a host serves one by one; only a split that a table tells needs the host."""
        plain = Tree(record.id, tuple(one.name for one in files))
        tree = plain if self.split is None or web.offline else look_at(files, web)
        kept = self._kept(record, tree)
        return Picked(tuple(one for one in files if one.name in kept), ())

    def _kept(self, record: Record, tree: Tree) -> set[str]:
        if not self._is_of_cases:
            return set(tree.names)
        return by_case(record, tree, split=self.split, cases=self.cases, channel=self.channel)

