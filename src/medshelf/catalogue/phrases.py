"""Phrases of a question that are no words of a vocabulary: numbers, years, rights, and ways to say «open»."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from medshelf.catalogue.query import Filter, Range
from medshelf.catalogue.vocabulary import terms

_COUNTED = (
    "cases?|patients?|subjects?|images?|pictures?|photos?|scans?|volumes?|slides?|studies|study|series|exams?|videos?|"
    "frames?|samples?|questions?|pairs?|people|participants?|annotations?"
)
_N = r"(?P<n>\d[\d,]*(?:\.\d+)?\s?(?:k|m|million|thousand)?)"
_MORE = r"(?:at least|more than|over|above|minimum(?: of)?|min|no fewer than|no less than|>=?|≥)"
_LESS = r"(?:at most|less than|fewer than|under|below|up to|maximum(?: of)?|max|no more than|<=?|≤)"
_YEAR = r"(?P<n>(?:19|20)\d\d)(?!\d|\s*(?:" + _COUNTED + r")\b)"

_SIZES = {
    "tiny": (None, 50),
    "small": (None, 100),
    "medium": (100, 1000),
    "large": (1000, None),
    "huge": (10_000, None),
}
"""The classes of the guide that the lists give: small below 100 cases, medium to 1,000, large to 10,000, then mega."""


@dataclass(slots=True)
class Said:
    """What has been understood so far."""

    filters: list[Filter] = field(default_factory=list)
    ranges: dict[str, Range] = field(default_factory=dict)
    rights: list[str] = field(default_factory=list)

    def narrow(self, facet: str, least: int | None = None, most: int | None = None) -> None:
        """Ask for a number of a facet; a second limit is added to the first."""
        old = self.ranges.get(facet, Range(facet))
        self.ranges[facet] = Range(
            facet, least if least is not None else old.least, most if most is not None else old.most
        )

    def allow(self, right: str) -> None:
        """Ask that every licence allows something."""
        if right not in self.rights:
            self.rights.append(right)

    def demand(self, facet: str, said: str, *values: str) -> None:
        """Ask for one of these values of a facet."""
        self.filters.append(Filter(facet, said, frozenset(values)))


def number(text: str) -> int:
    """Return the number that a text like ``1,000``, ``5k`` or ``1.2 million`` says."""
    match = re.fullmatch(r"([\d,]+(?:\.\d+)?)\s?(k|m|million|thousand)?", text.strip())
    assert match is not None, text
    times = {"k": 1000, "thousand": 1000, "m": 1_000_000, "million": 1_000_000}.get(match[2] or "", 1)
    return round(float(match[1].replace(",", "")) * times)


def _creative_commons(said: Said, match: re.Match[str]) -> None:
    said.demand("licence", "Creative Commons", *(name for name in terms("licence") if name.startswith("CC")))


def _structures(said: Said, match: re.Match[str]) -> None:
    said.narrow("structures", least=number(match["n"]))


def _multi_organ(said: Said, match: re.Match[str]) -> None:
    said.narrow("structures", least=4)


def _more(said: Said, match: re.Match[str]) -> None:
    said.narrow("cases", least=number(match["n"]))


def _less(said: Said, match: re.Match[str]) -> None:
    said.narrow("cases", most=number(match["n"]))


def _between(said: Said, match: re.Match[str]) -> None:
    years = all(re.fullmatch(r"(19|20)\d\d", match[name].strip()) for name in ("n", "m")) and not match["unit"]
    said.narrow("year" if years else "cases", number(match["n"]), number(match["m"]))


def _since(said: Said, match: re.Match[str]) -> None:
    said.narrow("year", least=number(match["n"]) + (match[0].startswith(("after", "newer"))))


def _until(said: Said, match: re.Match[str]) -> None:
    said.narrow("year", most=number(match["n"]) - (match[0].startswith(("before", "older"))))


def _in_year(said: Said, match: re.Match[str]) -> None:
    said.narrow("year", number(match["n"]), number(match["n"]))


def _size(said: Said, match: re.Match[str]) -> None:
    said.narrow("cases", *_SIZES[match["size"]])


def _open(said: Said, match: re.Match[str]) -> None:
    if "regist" in match[0] or "account" in match[0] or "login" in match[0] or "sign" in match[0]:
        said.demand("access", "open or click-through", "open", "click-through")
    else:
        said.demand("access", "open", "open")


def _access(*values: str) -> Callable[[Said, re.Match[str]], None]:
    def demand(said: Said, match: re.Match[str]) -> None:
        said.demand("access", " or ".join(values), *values)

    return demand


def _no_agreement(said: Said, match: re.Match[str]) -> None:
    said.demand("access", "open, click-through or account", "open", "click-through", "account")


def _layout(said: Said, match: re.Match[str]) -> None:
    said.demand("layout", "described", "listing", "seen", "official", "code", "page")


_GRANTED = r"(?: is| are)?(?: allowed| permitted| possible| ok| friendly)?"
_NONE_OF = r"\b(?:without|no|needs? no|not needing)(?: an?| any)? (?:free )?"

_Rule = tuple[str, Callable[[Said, re.Match[str]], None]]

_RIGHTS_RULES: tuple[_Rule, ...] = (
    (r"\bnon[- ]?commercial(?:ly)?(?: use| licen[cs]es?)?(?: only)?\b", lambda said, match: None),
    (
        r"\b(?:(?:that |which )?(?:allows?|permits?|permitted|allowed|usable|licen[cs]ed|free|ok)? ?(?:for )?)?"
        r"commercial(?:ly)?(?: use| usage| usable| purposes| licen[cs]es?)?" + _GRANTED + r"\b",
        lambda said, match: said.allow("commercial"),
    ),
    (
        r"\b(?:that )?(?:may|can|to|allowed to)? ?(?:be )?(?:redistribut(?:e|ed|able|ion)|re-?shared?)"
        + _GRANTED
        + r"\b",
        lambda said, match: said.allow("redistribute"),
    ),
    (r"\bshare-?alike\b|\bcopyleft\b", lambda said, match: said.allow("share_alike")),
    (r"\b(?:under )?(?:an? )?creative commons(?: licen[cs]es?)?\b", _creative_commons),
    (
        r"\b(?:derivatives?|derived works?|modifications?)(?: is| are)? (?:allowed|permitted|ok)\b",
        lambda said, match: said.allow("derive"),
    ),
)
_ACCESS_RULES: tuple[_Rule, ...] = (
    (_NONE_OF + r"(?:registration|accounts?|log-?in|sign-?ups?)(?: needed| required)?\b", _open),
    (
        _NONE_OF + r"(?:application|data use agreements?|dua|agreements?|approval)(?: needed| required)?\b",
        _no_agreement,
    ),
    (
        r"\b(?:no longer|not any ?more|not) (?:served|available|online|downloadable)\b|\bgone\b|\bdead links?\b",
        _access("gone"),
    ),
    (
        r"\b(?:sign(?:ing|ed)? )?(?:an? )?(?:data[- ]use agreements?|data[- ]sharing agreements?|dua)\b(?: \(dua\))?",
        _access("data-use-agreement"),
    ),
    (r"\b(?:that )?(?:costs?|fees?|paid|payment)(?: an? fee)?\b", _access("fee")),
    (r"\b(?:on |by |upon )?(?:application|request)\b|\brestricted(?: access| data)?\b", _access("application", "fee")),
    (
        r"\b(?:with |needs? |requir\w+ |after )(?:an? )?(?:free )?(?:account|registration|login|sign-?up)\b"
        r"|\bfree account\b",
        _access("account"),
    ),
    (_NONE_OF + r"(?:registration|accounts?|log-?in|sign-?ups?)(?: needed| required)?\b", _open),
    (
        _NONE_OF + r"(?:application|data use agreements?|dua|agreements?|approval)(?: needed| required)?\b",
        _no_agreement,
    ),
    (
        r"\b(?:open[- ]access|openly (?:available|accessible|downloadable)|"
        r"freely (?:available|downloadable|accessible)|"
        r"free (?:to )?download|direct(?:ly)? download(?:able)?|open download|open)\b(?! set| source)",
        _open,
    ),
    (
        r"\b(?:with |has |having |a )?(?:layouts?|openable|opens? (?:in|with) medshelf|medshelf (?:can )?opens?)\b",
        _layout,
    ),
)
_NUMBER_RULES: tuple[_Rule, ...] = (
    (rf"\b(?:more than|over|at least) {_N} structures\b", _structures),
    (r"\bmulti[- ]?organ\b|\bmany structures\b|\bseveral organs\b|\bdifferent organs\b", _multi_organ),
    (rf"\b(?:between )?{_N} ?(?:and|to|[-–]) ?(?P<m>\d[\d,]*k?)(?P<unit> (?:{_COUNTED}))?\b", _between),
    (rf"(?:\b(?:released|published|in|from) )?\b{_YEAR} (?:or|and) later\b", _since),
    (rf"(?:\b(?:released|published|in|from) )?\b{_YEAR} (?:or|and) (?:earlier|before)\b", _until),
    (rf"\b(?:since|from|after|newer than)(?: the year)? {_YEAR}(?: on(?:wards)?| or later)?\b", _since),
    (rf"\b(?:until|before|older than|up to)(?: the year)? {_YEAR}\b", _until),
    (rf"\b(?:released|published|made|from the year|of the year|in|of) (?:in )?{_YEAR}\b", _in_year),
    (rf"(?:\b|(?<=\s)|^){_MORE} ?{_N}(?: (?:{_COUNTED})\b)?", _more),
    (rf"(?:\b|(?<=\s)|^){_LESS} ?{_N}(?: (?:{_COUNTED})\b)?", _less),
    (rf"\b{_N}(?: ?\+| or more)(?: (?:{_COUNTED})\b)?", _more),
    (rf"\b{_N} (?:{_COUNTED})\b(?: or more| and more)?", _more),
    (
        r"\b(?P<size>tiny|small|medium|large|huge)(?:[- ]?(?:sized?|scale))?\b"
        r"(?! (?:bowel|intestine|vessel|animal|cell))",
        _size,
    ),
)
_RULES = (*_RIGHTS_RULES, *_ACCESS_RULES, *_NUMBER_RULES)
"""Tried in this order; what one has understood is taken out of the text."""


def take_phrases(text: str, said: Said) -> str:
    """Understand the phrases in a lower-case text; return what is left, with a bar where something was taken."""
    for rule, understood in _RULES:
        for match in list(re.finditer(rule, text)):
            understood(said, match)
        text = re.sub(rule, " | ", text)
    return text
