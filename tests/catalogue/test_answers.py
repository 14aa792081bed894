"""Relations, comparison, citations, guide and statistics: what is computed from the records."""

from __future__ import annotations

import json
import re

import pytest

from medshelf.catalogue import shelf
from medshelf.catalogue.cite import as_bibtex, as_csl, as_text, cite
from medshelf.catalogue.compare import compare
from medshelf.catalogue.guide import answer, guide, lines
from medshelf.catalogue.relations import as_mermaid, related
from medshelf.catalogue.statistics import statistics
from medshelf.errors import UnknownDataset

# --- relations -----------------------------------------------------------------------------


def ties(name: str, depth: int = 1) -> set[tuple[str, str, str]]:
    return {(edge.id, edge.kind, edge.to) for edge in related(name, depth)}


def test_a_tie_is_seen_from_both_ends() -> None:
    assert ("kits21", "version-of", "kits19") in ties("kits21")
    assert ("kits19", "has-version", "kits21") in ties("kits19")
    assert {("luna16", "part-of", "lidc-idri"), ("luna16", "derived-from", "lidc-idri")} & ties("luna16")


def test_every_relation_of_every_record_is_drawn_from_both_ends() -> None:
    for record in shelf.records():
        for relation in record.relations:
            assert (record.id, relation.kind, relation.to) in ties(record.id)
            assert any(edge.to == record.id for edge in related(relation.to)), (record.id, relation.to)


def test_every_relation_leads_to_a_record_and_not_to_itself() -> None:
    wrong = [(r.id, x.to) for r in shelf.records() for x in r.relations if x.to not in shelf.ids() or x.to == r.id]
    assert wrong == []


def test_neighbours_of_neighbours_are_reached_once() -> None:
    far = related("kits21", 3)
    reached = [edge.to for edge in far if edge.distance > 1]
    assert len(reached) == len(set(reached))
    assert "kits21" not in reached
    assert {edge.distance for edge in far} <= {1, 2, 3}


@pytest.mark.parametrize(
    ("one", "other"),
    [("kits21", "kits23"), ("lits", "msd-liver"), ("lits", "3d-ircadb"), ("luna16", "lidc-idri"), ("rite", "drive"),
     ("ribseg", "ribfrac"), ("paxray", "ribfrac"), ("pddca", "miccai-2015-hn"), ("kaggle-vessel-segmentation", "drive"),
     ("shenzhen-lung-masks", "shenzhen-chest-xray"), ("patchcamelyon", "camelyon16"), ("pi-cai", "prostatex")],
)  # fmt: skip
def test_known_overlaps_are_known(one: str, other: str) -> None:
    assert other in {edge.to for edge in related(one)}


def test_a_drawing_names_every_dataset() -> None:
    edges = related("kits21", 2)
    drawn = as_mermaid(edges)
    assert drawn.startswith("flowchart LR")
    assert all(edge.to.replace("-", "_") in drawn for edge in edges)


# --- comparison ----------------------------------------------------------------------------


def test_a_comparison_has_a_row_a_fact_and_a_column_a_dataset() -> None:
    rows = compare(["kits19", "KiTS23"])
    assert all(list(row) == ["kits19", "kits23"] for row in rows.values())
    assert rows["cases"] == {"kits19": "300 volumes", "kits23": "489 volumes"}
    assert "kidney/neoplasm" in rows["structures in common"]["kits19"]
    assert "kidney/cyst" in rows["other structures"]["kits23"]


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(UnknownDataset, match="kits91"):
        compare(["kits19", "kits91"])


# --- citations -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [record.id for record in shelf.records() if record.citations])
def test_every_citation_is_bibtex_that_reads_with_a_title_and_a_name_or_year(name: str) -> None:
    works, without = cite([name])
    assert without == []
    for item in as_csl(works):
        assert item.get("title") or item.get("DOI"), name
    assert all(as_text(works))


def test_a_work_of_several_datasets_is_cited_once() -> None:
    works, _ = cite(["msd-liver", "msd-spleen", "btcv", "msd-liver"])
    shared = [one for one in works if set(one.datasets) == {"msd-liver", "msd-spleen"}]
    assert shared
    keys = [one.key for one in works]
    assert len(keys) == len(set(keys))
    told = as_bibtex(works)
    assert re.findall(r"@\w+\{([^,]+),", told) == keys


def test_a_dataset_without_a_work_is_told() -> None:
    name = next(record.id for record in shelf.records() if not record.citations)
    assert cite([name]) == ([], [name])


def test_csl_is_what_reference_managers_read() -> None:
    (item,) = [one for one in as_csl(cite(["busi"])[0]) if one.get("DOI") == "10.1016/j.dib.2019.104863"]
    assert item["type"] == "article-journal"
    assert item["container-title"] == "Data in Brief"
    assert item["issued"] == {"date-parts": [[2020]]}
    assert item["author"][0] == {"family": "Al-Dhabyani", "given": "Walid"}
    assert json.loads(json.dumps(item)) == item


# --- guide and statistics ------------------------------------------------------------------


def test_the_guide_has_the_35_lines_of_the_list() -> None:
    assert len(lines()) == 35
    assert [line.line for line in lines()] == sorted(line.line for line in lines())
    for line in lines():
        for named in line.named:
            assert set(named["datasets"]) <= set(shelf.ids())


@pytest.mark.parametrize("line", lines(), ids=lambda line: f"{line.guide}: {line.label}")
def test_every_line_has_an_answer_with_reasons_and_an_outcome(line: object) -> None:
    found = answer(line)  # type: ignore[arg-type]
    assert found.choices
    assert all(choice.reasons for choice in found.choices)
    assert found.outcome in ("reproduced", "corrected")
    assert all(verdict.why for verdict in found.verdicts)
    if found.outcome == "corrected":
        wrong = [verdict for verdict in found.verdicts if not verdict.agrees]
        assert wrong or found.line.total is not None


def test_a_wrong_number_of_the_list_is_corrected() -> None:
    (medium,) = guide("size medium")
    verdicts = {verdict.id: verdict for verdict in medium.verdicts}
    assert not verdicts["amos-2022"].agrees
    assert "the list says 500, the record 600" in verdicts["amos-2022"].why
    assert verdicts["saros"].agrees


def test_the_guide_is_asked_by_words() -> None:
    assert {one.line.guide for one in guide("application")} == {"application"}
    assert [one.line.label for one in guide("oncology")] == ["Oncology"]
    assert guide("no such need") == []


def test_statistics_are_counted_from_the_records() -> None:
    told = statistics()
    datasets = [record for record in shelf.records() if record.kind == "dataset"]
    assert told["records"]["dataset"] == len(datasets)
    ct = sum("CT" in record.facts.modality.value for record in datasets)
    assert told["counts"]["modality"]["CT"] == ct
    assert told["sums"]["disagreements"] == 96
    amos = next(one for one in told["claims"] if one["about"] == "cases of amos-2022")
    assert (amos["list"], amos["records"]) == (500, 600)
