import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from vru_models.errors import DataError, StorageError
from vru_models.evidence import Evidence
from vru_models.findings import Finding, Findings


@pytest.fixture
def evidence():
    tables = {
        "comparison": pd.DataFrame({"model": ["a", "b"], "n": [3, 4], "precision": [1 / 3, np.nan]}),
        "labels": pd.DataFrame({"as_of": pd.to_datetime(["2024-02-01"]), "eligible": [7]}),
        "paired": pd.DataFrame({"against": ["b"], "low": [np.nan]}),
    }
    findings = Findings([Finding("VRU302", "cannot tell", "sex", "too few", {"gap": float("nan"), "n": np.int64(3)})])
    return Evidence(
        {"model": "a", "precision": np.float64(0.25), "recall": np.nan}, tables, findings, "r" * 64, "s" * 64
    )


def test_the_stored_form_is_the_documented_one(evidence):
    assert json.loads(evidence.to_json()) == {
        "format": "vru-evidence/1",
        "headline": {"model": "a", "precision": 0.25, "recall": None},
        "tables": {
            "comparison": {"columns": ["model", "n", "precision"], "rows": [["a", 3, 0.333333], ["b", 4, None]]},
            "labels": {"columns": ["as_of", "eligible"], "rows": [["2024-02-01", 7]]},
            "paired": {"columns": ["against", "low"], "rows": [["b", None]]},
        },
        "findings": [
            {"code": "VRU302", "status": "cannot tell", "where": "sex", "message": "too few",
             "figures": {"gap": None, "n": 3}}
        ],
        "run": "r" * 64,
        "spec": "s" * 64,
        "digest": evidence.digest,
    }  # fmt: skip


def test_what_was_saved_is_what_opens(evidence, tmp_path):
    evidence.save(tmp_path / "evidence")
    opened = Evidence.open(tmp_path / "evidence")
    assert opened.digest == evidence.digest
    assert opened.to_json() == evidence.to_json()
    assert opened.frame()["precision"].round(6).tolist()[0] == 0.333333
    assert opened.frame("paired")["low"].dtype == np.float64


def test_real_evidence_round_trips(world):
    assert Evidence.open(world.place / "evidence").digest == world.evidence.digest


def test_a_table_is_handed_out_as_a_copy(evidence):
    table = evidence.frame()
    table["n"] = 0
    assert evidence.frame()["n"].tolist() == [3, 4]


def test_an_unknown_table_names_the_known_ones(evidence):
    with pytest.raises(ValueError, match=r"no table 'groups'. Expected: one of comparison, labels, paired"):
        evidence.frame("groups")


def test_nothing_is_written_over(evidence, tmp_path):
    evidence.save(tmp_path / "evidence")
    with pytest.raises(StorageError, match="evidence: cannot be written"):
        evidence.save(tmp_path / "evidence")


def test_a_folder_without_evidence_says_so(tmp_path):
    with pytest.raises(StorageError, match=r"evidence: holds no evidence.json"):
        Evidence.open(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: b"",
        lambda c: b"[1]",
        lambda c: b"\xff",
        lambda c: c + b" ",
        lambda c: c.replace(b'"recall":null', b'"recall":null,"more":1').replace(b"0.25", b"0.9") + b"\n",
        lambda c: c.replace(b',"findings"', b',"added":1,"findings"'),
        lambda c: c.replace(b"vru-evidence/1", b"vru-evidence/2"),
        lambda c: c.replace(b'"cannot tell"', b'"fine"'),
        lambda c: c.replace(b'["b",4,null]', b'["b",4]'),
        lambda c: c.replace(b"0.25", b"0.26"),
    ],
)
def test_bytes_that_were_not_written_so_are_refused(evidence, tmp_path, change):
    evidence.save(tmp_path / "evidence")
    file = tmp_path / "evidence" / "evidence.json"
    assert change(file.read_bytes()) != file.read_bytes()
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(DataError, match="evidence: is not what was written"):
        Evidence.open(tmp_path / "evidence")


def test_a_changed_figure_changes_the_digest(evidence):
    other = dataclasses.replace(evidence, headline=dict(evidence.headline) | {"precision": 0.26})
    assert other.digest != evidence.digest


def test_it_prints_its_head_and_its_findings(evidence):
    assert repr(evidence).startswith("Evidence(model a)\nFindings: 1 cannot tell")
