"""The vocabularies of structures and findings: sound, true of the records, and understood in a search."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from medshelf.catalogue import shelf
from medshelf.catalogue.check import check_folder
from medshelf.catalogue.place import catalogue_root
from medshelf.catalogue.search import find
from medshelf.catalogue.structure_query import understand
from medshelf.catalogue.vocabulary import SUBJECTS, fold, matching, members, narrower, term, terms
from medshelf.errors import UnknownTerm
from medshelf.layout.variants import layouts_of
from medshelf.model.structure import Structure, parse

SOURCES = {"totalsegmentator", "pydicom", "dcmqi", "uberon", "cell-ontology"}

SHARED_WORDS = {
    "ventricle", "ventricular", "vena cava", "portal vein", "paranasal sinus", "palate", "jaw", "jawbone",
    "gluteal muscle", "gluteus", "pectoral muscle", "abdominal muscle", "rotator cuff",
    "pharyngeal constrictor", "scalene", "torso", "implant",
}  # fmt: skip
"""Words that mean several structures on purpose: a search for them finds each."""


def annotated() -> list[tuple[str, Structure]]:
    """Return every structure that a record names, with the record's id; parts of regions too."""
    found = []
    for record in shelf.records():
        for layout in layouts_of(record).values() if record.layout else ():
            names = [name for mapping in layout.labels.values() for name in mapping.values()]
            names += [slot.label for slot in layout.files.values() if slot.label and slot.label[0] != "{"]
            names += [name for whole, pieces in layout.regions.items() for name in (whole, *pieces)]
            found += [(record.id, structure) for name in names for structure in parse(name)]
        raw = [label.structure for one in record.label_sets for label in one.labels if label.structure]
        found += [(record.id, structure) for name in raw for structure in parse(name)]
    return found


def ids(**asked: str) -> set[str]:
    return {hit.id for hit in find(**asked)}  # type: ignore[arg-type]


@pytest.mark.parametrize("subject", [s for s in SUBJECTS if s not in ("licence", "access", "host")])
def test_every_parent_exists_and_nothing_is_above_itself(subject: str) -> None:
    known = terms(subject)
    assert known
    for name in known:
        above, passed = known[name].parent, [name]
        while above is not None:
            assert above in known, f"{passed[-1]} has the parent {above}, which is not there"
            assert above not in passed, f"a circle: {passed}"
            passed.append(above)
            above = known[above].parent


def test_every_structure_of_every_record_is_in_the_vocabulary() -> None:
    found = annotated()
    assert len({name for name, _ in found}) > 40
    unknown = {(name, s.base) for name, s in found if s.base not in terms("structure")}
    unknown |= {(name, s.finding) for name, s in found if s.finding and s.finding not in terms("finding")}
    assert not unknown


def test_sides_are_given_only_to_what_has_them() -> None:
    wrong = set()
    for name, structure in annotated():
        allowed = members(structure.base) | (
            {"left", "right"} if terms("structure")[structure.base].facts.get("sided") else set()
        )
        pieces = (structure.side or "").replace("{i}", "1").split(".") if structure.side else []
        wrong |= {(name, str(structure)) for piece in pieces if piece not in allowed}
    assert not wrong


@pytest.mark.parametrize("subject", ["structure", "finding"])
def test_a_word_means_one_term_or_is_listed_as_shared(subject: str) -> None:
    meant: dict[str, set[str]] = defaultdict(set)
    for one in terms(subject).values():
        for words in (one.id, one.label, *one.synonyms):
            meant[fold(words)].add(one.id)
    several = {words for words, names in meant.items() if len(names) > 1}
    assert several == ({fold(words) for words in SHARED_WORDS} if subject == "structure" else set())


def test_no_word_is_a_structure_and_a_finding() -> None:
    both = [
        {fold(words) for one in terms(subject).values() for words in (one.id, one.label, *one.synonyms)}
        for subject in ("structure", "finding")
    ]
    assert not both[0] & both[1]


@pytest.mark.parametrize("subject", ["structure", "finding"])
def test_codes_are_of_their_schemes_and_say_where_they_were_read(subject: str) -> None:
    forms = {"uberon": r"UBERON:\d{7}", "cl": r"CL:\d{7}", "go": r"GO:\d{7}", "fma": r"FMA:\d+"}
    for one in terms(subject).values():
        told = set(one.facts) & {"snomed", *forms}
        assert set(one.facts) <= {"snomed", "sided", "members", "sources", *forms}, one.id
        assert set(one.facts.get("sources", ())) <= SOURCES, one.id
        assert not told or one.facts.get("sources"), f"{one.id} has codes without a source"
        for scheme in told - {"snomed"}:
            assert re.fullmatch(forms[scheme], one.facts[scheme]), one.id
        assert verhoeff(one.facts.get("snomed", "0")), f"{one.id}: not a SNOMED CT code"


def test_no_two_structures_share_an_anatomical_id() -> None:
    for scheme in ("uberon", "cl", "go", "fma", "snomed"):
        owners: dict[str, set[str]] = defaultdict(set)
        for one in terms("structure").values():
            if scheme in one.facts:
                owners[one.facts[scheme]].add(one.id)
        shared = {code: names for code, names in owners.items() if len(names) > 1}
        # TotalSegmentator's table gives fingers and toes the code of any phalanx
        expected = {"28641004": {"phalanges_hand", "phalanges_feet"}} if scheme == "snomed" else {}
        assert shared == expected


def verhoeff(code: str) -> bool:
    """Return whether the check digit of a SNOMED CT identifier is right (Verhoeff: the group D5)."""
    table = [
        [((i + j) if i < 5 else (i - j)) % 5 + 5 * ((i < 5) != (j < 5)) for j in range(10)] for i in range(10)
    ]
    shuffle = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    check = 0
    for place, digit in enumerate(reversed(code)):
        value = int(digit)
        for _ in range(place % 8):
            value = shuffle[value]
        check = table[check][value]
    return check == 0


def test_the_check_digit_test_can_fail() -> None:
    assert verhoeff("64033007")
    assert not verhoeff("64033008")
    assert not verhoeff("46033007")


def test_the_groups_hold_what_people_expect() -> None:
    abdomen = narrower("structure", "abdominal_organ")
    assert {"liver", "spleen", "pancreas", "kidney", "gallbladder", "stomach", "duodenum"} <= abdomen
    assert {"adrenal_gland", "urinary_bladder", "colon", "rectum"} <= abdomen
    assert not {"heart", "lung", "aorta", "vertebra"} & abdomen
    assert {"heart_atrium", "heart_ventricle", "heart_myocardium"} <= narrower("structure", "heart")
    assert {"vertebra", "sacrum"} <= narrower("structure", "spine") <= narrower("structure", "bone")
    assert {"aorta", "portal_vein", "retinal_vessel"} <= narrower("structure", "vessel")
    assert {"leukocyte", "erythrocyte", "mitochondrion"} <= narrower("structure", "cell")
    mass = narrower("finding", "mass")
    assert {"neoplasm", "cyst", "carcinoma_invasive"} <= mass <= narrower("finding", "lesion")


def test_synonyms_and_plurals_name_a_term() -> None:
    assert matching("structure", "renal") == matching("structure", "Kidneys") == {"kidney"}
    assert matching("structure", "ventricle") == {"heart_ventricle", "brain_ventricle"}
    assert matching("structure", "wobble") == frozenset()
    assert term("finding", "tumours").id == "neoplasm"
    with pytest.raises(UnknownTerm, match="kydney"):
        term("structure", "kydney")


def test_members_are_written_out() -> None:
    assert {"C1", "C7", "T12", "L5"} <= members("vertebra")
    assert "C8" not in members("vertebra")
    assert len(members("tooth")) == 4 * 8 + 4 * 5
    assert members("liver") == frozenset()


@pytest.mark.parametrize(
    ("text", "structure"),
    [
        ("kidney tumour", "kidney.left/neoplasm"),
        ("renal mass", "kidney/cyst"),
        ("mass in the kidney", "kidney/mass"),
        ("left kidney", "kidney.left"),
        ("left heart ventricle", "heart_ventricle.left"),
        ("rib 7 left", "rib.left.7"),
        ("rib.left", "rib.left.7"),
        ("L3", "vertebra.L3"),
        ("tumour", "colon/neoplasm#instance"),
        ("abdominal organ", "liver:remnant"),
        ("renal/cancer", "kidney/neoplasm"),
        ("enhancing tumour", "brain/neoplasm:enhancing"),
        ("brain/neoplasm:enhancing", "brain/neoplasm:enhancing"),
        ("prostate|uterus", "uterus"),
    ],
)
def test_words_mean_a_structure(text: str, structure: str) -> None:
    wanted = understand(text, parts={"enhancing"})
    assert any(one.met_by(parse(structure)[0]) for one in wanted)


@pytest.mark.parametrize(
    ("text", "structure"),
    [
        ("kidney tumour", "kidney"),
        ("kidney tumour", "kidney/cyst"),
        ("kidney tumour", "liver/neoplasm"),
        ("left kidney", "kidney.right"),
        ("left kidney", "kidney"),
        ("L3", "vertebra.L4"),
        ("rib.left", "rib.right.7"),
        ("kidney.left", "kidney.right"),
        ("enhancing tumour", "brain/neoplasm:core"),
        ("lung", "heart"),
        ("liver:remnant", "liver"),
    ],
)
def test_words_do_not_mean_another(text: str, structure: str) -> None:
    wanted = understand(text, parts={"enhancing"})
    assert wanted
    assert not any(one.met_by(parse(structure)[0]) for one in wanted)


@pytest.mark.parametrize(
    "text", ["", "of the", "left", "wobble", "kidney wobble", "kidney/wobble", "kidney liver"]
)
def test_what_cannot_be_understood_is_an_unknown_term(text: str) -> None:
    assert understand(text) == ()
    with pytest.raises(UnknownTerm):
        find(structure=text)


def test_a_search_by_finding_words_gives_the_datasets_that_annotate_it() -> None:
    tumours = ids(structure="kidney tumour")
    assert {"kits19", "kits21", "kits23"} <= tumours
    assert not {"lits", "btcv", "totalsegmentator-v2"} & tumours
    assert tumours | {"totalsegmentator-v2"} <= ids(structure="renal mass") <= ids(structure="kidney")
    assert {"lits", "msd-liver"} <= ids(structure="liver cancer")
    assert "isles-2022" in ids(structure="brain lesion") - ids(structure="brain tumour")
    assert ids(structure="kidney/neoplasm") == tumours


def test_an_alternative_is_found_by_either_name() -> None:
    assert "amos-2022" in ids(structure="prostate") & ids(structure="uterus")


def test_a_structure_that_no_dataset_annotates_gives_no_hits() -> None:
    named = {structure.base for _, structure in annotated()}
    free = next(name for name in sorted(terms("structure")) if not narrower("structure", name) & named)
    assert find(structure=free) == []


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("livver/neoplasm", "'livver' is not a structure"),
        ("liver/neoplazm", "'neoplazm' is not a finding"),
        ("liver.left/neoplasm", "no left and right"),
        ("liver.L3/neoplasm", "not a member of 'liver'"),
    ],
)
def test_a_record_with_a_wrong_structure_is_refused(tmp_path: Path, written: str, said: str) -> None:
    folder = tmp_path / "lits"
    shutil.copytree(catalogue_root() / "datasets" / "lits", folder)
    layout = folder / "layout.toml"
    text = layout.read_text(encoding="utf-8")
    assert '"liver/neoplasm"' in text
    layout.write_text(text.replace('"liver/neoplasm"', f'"{written}"'), encoding="utf-8")
    assert any(said in str(problem) for problem in check_folder(folder)[1])
