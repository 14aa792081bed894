"""Descriptions of datasets, as the validator of Croissant reads them."""

from __future__ import annotations

from pathlib import Path

import mlcroissant
import pytest

from medshelf.catalogue import shelf
from medshelf.catalogue.dump import dump

RECORDS = [record for record in shelf.records() if record.kind != "platform"]


@pytest.fixture(scope="module")
def descriptions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dump(tmp_path_factory.mktemp("croissant") / "out", "croissant", RECORDS)


@pytest.mark.parametrize("name", [record.id for record in RECORDS])
def test_mlcroissant_accepts_the_description(descriptions: Path, name: str) -> None:
    dataset = mlcroissant.Dataset(jsonld=str(descriptions / f"{name}.json"))
    assert not dataset.metadata.ctx.issues.errors
    assert dataset.metadata.name == shelf.load(name).name


def test_a_file_without_a_checksum_would_be_refused(descriptions: Path, tmp_path: Path) -> None:
    text = (descriptions / "busi.json").read_text(encoding="utf-8")
    assert '"sha256"' in text
    broken = tmp_path / "busi.json"
    broken.write_text(text.replace('"sha256"', '"nothing"'), encoding="utf-8")
    with pytest.raises(mlcroissant.ValidationError):
        mlcroissant.Dataset(jsonld=str(broken))
