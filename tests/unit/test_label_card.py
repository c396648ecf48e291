from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import world as worlds

from vru_models.dataset import label_card
from vru_models.errors import SpecError
from vru_models.fairness.base_rates import base_rates

EARLIER = {
    "name": "any_exclusion",
    "statement": "Suspended or excluded, at least twice within the horizon.",
    "not_a_measure_of": "How anybody behaved: schools differ in whom they exclude.",
    "indicators": ["permanent_exclusion", "suspension"],
    "at_least": 2,
    "horizon": "3 months",
    "embargo": "0 days",
    "reporting_lag": "1 month",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    declared = worlds.spec(further_outcomes=[EARLIER])
    return worlds.made(tmp_path_factory.mktemp("labels"), declared=declared)


@pytest.mark.parametrize(("name", "y", "why"), [
    (None, "y", "why_missing"),
    ("any_exclusion", "y_any_exclusion", "why_missing_any_exclusion"),
])  # fmt: skip
def test_each_date_is_counted_row_by_row(world, name, y, why):
    data = world.built.data
    table = label_card(world.spec, data, name).frame().set_index("as_of")
    for date, rows in data.rows.groupby("as_of"):
        assert table.loc[date, "rows"] == len(rows)
        assert table.loc[date, "labelled"] == sum(not np.isnan(v) for v in rows[y])
        assert table.loc[date, "positives"] == sum(v == 1 for v in rows[y])
        reasons = rows.loc[rows[y].isna(), why].value_counts()
        assert table.loc[date, reasons.index].to_dict() == reasons.to_dict()
        assert table.loc[date, "base_rate"] == pytest.approx(rows[y].mean())


def test_a_further_outcome_is_described_and_changes_nothing_that_is_fitted(world, tmp_path):
    plain = worlds.made(tmp_path / "plain")
    pd.testing.assert_frame_equal(plain.run.scores, world.run.scores)
    first, further = (label_card(world.spec, world.built.data, name).frame() for name in (None, "any_exclusion"))
    assert (first["positives"] != further["positives"]).any()
    assert plain.spec.question == world.spec.question
    assert plain.spec.digest != world.spec.digest


def test_the_text_says_who_generates_the_label_and_shows_no_count_that_is_not_protected(world):
    card = label_card(world.spec, world.built.data)
    text = card.text()
    for said in (
        world.spec.outcome.statement,
        world.spec.outcome.not_a_measure_of,
        "permanent_exclusion",
        "exclusions",
    ):
        assert said.split()[0] in text
    assert "Does not stand for" in text
    shown = text.split("By as-of date")[1].split()
    counts = [int(word.replace(",", "")) for word in shown if word.replace(",", "").isdigit()]
    assert {n % 5 for n in counts} == {0}


def test_an_outcome_that_is_not_declared_is_refused_with_those_that_are(world):
    with pytest.raises(SpecError, match=r"'arrests' is not known.*permanent_exclusion|any_exclusion"):
        label_card(world.spec, world.built.data, "arrests")


def test_the_plot_has_a_point_and_a_count_for_each_date(world):
    card = label_card(world.spec, world.built.data)
    figure = card.plot()
    (ax,) = figure.axes
    assert [label.get_text() for label in ax.get_xticklabels()] == [str(d)[:10] for d in card.frame()["as_of"]]
    assert {text.get_text() for text in ax.texts} == {f"{n:,}" for n in card.frame()["labelled"]}


def test_base_rates_by_group_add_up_to_everybody_and_are_protected(world):
    data, sensitive = world.built.data, world.built.feeds.sensitive
    table = base_rates(world.spec, data, sensitive).table
    for _, rows in table.groupby("attribute"):
        assert rows["labelled"].sum() == pytest.approx(int(data.labelled.sum()), abs=2.5 * len(rows))
    assert (table["labelled"].dropna() % 5 == 0).all()
    some = sensitive.iloc[:20]
    groups = base_rates(world.spec, data, some).table
    assert "not recorded" in set(groups["group"])


def test_two_outcomes_of_one_name_are_refused():
    with pytest.raises(SpecError, match="is the name of several outcomes"):
        worlds.spec(further_outcomes=[EARLIER, EARLIER])


def test_an_indicator_that_a_further_outcome_names_must_be_declared():
    with pytest.raises(SpecError, match=r"further_outcomes\[0\]\.indicators"):
        worlds.spec(further_outcomes=[EARLIER | {"indicators": ["arrest"]}])


@pytest.mark.parametrize("half", [{"ascertainment": "reviewed"}, {"reviewed_by": ["suspension"]}])
def test_reviews_are_declared_whole_or_not_at_all(half):
    with pytest.raises(ValueError, match="give both, or neither"):
        worlds.spec(**{f"outcome.{name}": value for name, value in half.items()})
