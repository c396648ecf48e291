"""Evidence where labels are missing: who left, the treated, and outcomes that are seen only in reviews."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
import world as worlds

from vru_models.audit.report import render
from vru_models.dataset.exits import exit_weights
from vru_models.evaluation.ranking import rank
from vru_models.evidence import evaluate, fit
from vru_models.evidence.missing_labels import BASES, exits_told, sensitivity
from vru_models.evidence.published import published

CONTEXT = {"feed": "missing", "use": "context", "activity_driver": "agency_decision", "rationale": worlds.BECAUSE * 2}


@pytest.fixture(autouse=True)
def quick(monkeypatch, in_process):
    monkeypatch.setattr(sys.modules["vru_models.evidence.evaluate"], "N_REPLICATES", 200)


def with_exits(data, share, *, only=None):
    """The dataset with some labels missing because somebody left on a day of the window."""
    rng = np.random.default_rng(5)
    left = (rng.random(len(data.rows)) < share) & (data.y == 0).to_numpy()
    if only is not None:
        left &= data.rows.index.get_level_values("as_of") == pd.Timestamp(only)
    rows = data.rows.assign(
        y=data.y.mask(left),
        why_missing=data.rows["why_missing"].mask(left, "exited"),
        with_treated=data.rows["with_treated"].mask(left),
        followed=data.rows["followed"].mask(left, np.float32(30)),
    )
    return replace(data, rows=rows)


def small_list(seed):
    """A handful of rows, their weights and their places."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 9))
    why = rng.choice(["", "", "", "exited", "treated"], n)
    y = np.where(why == "", rng.integers(0, 2, n), np.nan)
    treated = np.where(why == "exited", np.nan, np.where(why == "treated", rng.integers(0, 2, n), y))
    index = pd.MultiIndex.from_product([[f"p{i}" for i in range(n)], [pd.Timestamp("2024-01-01")]])
    rows = pd.DataFrame(
        {"y": y, "why_missing": why, "with_treated": treated, "followed": np.where(why == "exited", 3, 10)},
        index=index.set_names(["person_id", "as_of"]),
    )
    return rows, rank(rng.integers(0, 4, n), k=int(rng.integers(1, 4))).row_shares()


def figures(labels, share, weight=None):
    """Base rate, precision and recall by counting, undefined as NaN."""
    known = [i for i, y in enumerate(labels) if not np.isnan(y)]
    w = np.ones(len(labels)) if weight is None else weight
    ones = sum(w[i] for i in known if labels[i] == 1)
    found = sum(w[i] * share[i] for i in known if labels[i] == 1)
    listed, every = sum(w[i] * share[i] for i in known), sum(w[i] for i in known)
    return [found_of / of if of else np.nan for found_of, of in ((ones, every), (found, listed), (found, ones))]


@pytest.mark.parametrize("seed", range(60))
def test_the_bounds_are_the_least_and_the_most_over_everything_that_those_who_left_could_have_had(seed):
    rows, share = small_list(seed)
    weight = exit_weights(rows)
    table = sensitivity(rows, weight, share).set_index("basis")[["base_rate", "precision", "recall"]]
    left = np.flatnonzero(rows["why_missing"] == "exited")
    every = []
    for guess in product([0.0, 1.0], repeat=len(left)):
        y = rows["y"].to_numpy().copy()
        y[left] = guess
        every.append(figures(y, share))
    np.testing.assert_allclose(table.loc[BASES[0]], figures(rows["y"].to_numpy(), share))
    np.testing.assert_allclose(table.loc[BASES[1]], figures(rows["y"].to_numpy(), share, weight.to_numpy()))
    for i, name in enumerate(table):
        seen = [answer[i] for answer in every if not np.isnan(answer[i])]
        least, most = table.loc[BASES[2], name], table.loc[BASES[3], name]
        assert np.isnan(least) or least == pytest.approx(min(seen))
        assert np.isnan(most) or most == pytest.approx(max(seen))
    np.testing.assert_allclose(table.loc[BASES[4]], figures(rows["with_treated"].to_numpy(), share))


def test_without_exits_nothing_of_a_run_changes():
    data = worlds.dataset()
    assert (data.weight.dropna() == 1).all()
    found = evaluate(fit(worlds.spec(), data), data)
    assert {f.status for f in found.findings if f.code == "VRU407"} == {"not applicable"}
    table = found.frame("sensitivity").set_index("basis")
    assert (table.loc[list(BASES[:4]), ["base_rate", "precision", "recall"]].nunique() == 1).all()


def test_a_card_is_fitted_with_the_weights_of_those_who_stayed():
    data = worlds.dataset()
    fewer = with_exits(data, 0.5)
    run = fit(worlds.spec(), fewer)
    unweighted = replace(fewer, rows=fewer.rows.assign(followed=np.float32(182)))
    assert (unweighted.weight.dropna() == 1).all()
    first = next(iter(run.split_cards))
    before, after = (
        made.split_cards[first].probability(np.array([0])) for made in (fit(worlds.spec(), unweighted), run)
    )
    assert after < before


def test_exits_that_could_change_precision_beyond_its_interval_cannot_be_told():
    data = worlds.dataset()
    sealed = str(data.splits.sealed.test)
    statuses = {}
    for share in (0.02, 0.9):
        fewer = with_exits(data, share, only=sealed)
        found = evaluate(fit(worlds.spec(), fewer), fewer)
        (told,) = (f for f in found.findings if f.code == "VRU407")
        statuses[share] = told.status
        table = found.frame("sensitivity").set_index("basis")
        assert table.loc[BASES[1], "people"] == (fewer.rows.xs(sealed, level="as_of")["why_missing"] == "exited").sum()
        assert (f"{table.loc[BASES[2], 'precision']:.3f} to " in told.message) == (told.status != "not applicable")
    assert statuses == {0.02: "pass", 0.9: "cannot tell"}


def test_an_undefined_precision_cannot_be_told():
    rows, _ = small_list(0)
    table = sensitivity(rows.assign(why_missing="exited", y=np.nan), rows["y"] * np.nan, np.zeros(len(rows)))
    assert exits_told(table, low=0.1, high=0.2).status == "cannot tell"


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory):
    declared = worlds.spec(
        **{
            "indicators.looked_at": CONTEXT,
            "fairness.limits": {"recall": 0.1, "selection_rate": 0.1},
            "success.bars": [{"metric": "recall_at_k", "at_least": 0.1}, {"metric": "auc", "at_least": 0.3}],
            "outcome.ascertainment": "reviewed",
            "outcome.reviewed_by": ["looked_at"],
        }
    )
    return worlds.made(tmp_path_factory.mktemp("reviewed"), declared=declared)


def test_where_an_outcome_is_seen_only_in_reviews_nothing_is_said_of_those_not_listed(reviewed):
    evidence = reviewed.evidence
    assert np.isnan([evidence.headline["recall"], evidence.headline["missed"]]).all()
    assert not np.isnan(evidence.headline["precision"])
    for name in ("comparison", "by_split", "groups", "sensitivity"):
        table = evidence.frame(name)
        hidden = [c for c in table if c.startswith(("recall", "missed", "false_omission_rate"))]
        assert hidden
        assert table[hidden].isna().all(axis=None)
    statuses = {(f.code, f.status) for f in evidence.findings if f.code in ("VRU302", "VRU304", "VRU408")}
    assert {code for code, _ in statuses} >= {"VRU302", "VRU408"}
    assert {status for _, status in statuses} == {"cannot tell"}
    bars = {f.where: (f.status, f.message) for f in evidence.findings if f.code == "VRU403"}
    assert bars["recall_at_k"] == ("cannot tell", "not known, bar 0.1")
    assert bars["auc"][0] in ("pass", "fail")
    assert set(evidence.frame("labels")["not_reviewed"] > 0) == {True}


def test_what_leaves_says_so_too(reviewed):
    record = published(reviewed.run, reviewed.evidence)
    assert record["headline"]["recall"] == record["headline"]["missed"] == "not testable"
    for name in ("comparison", "by_split", "groups"):
        columns, rows = record["tables"][name]["columns"], record["tables"][name]["rows"]
        hidden = [i for i, c in enumerate(columns) if c.startswith(("recall", "missed", "false_omission_rate"))]
        assert {row[i] for row in rows for i in hidden} == {"not testable"}
    assert {limit["measure"]: limit["everyone"] for limit in record["limits"]}["recall"] == "not testable"
    page = render(record, None)
    assert "not known" in page
    assert "seen only for those reviewed" in page
