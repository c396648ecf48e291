"""Households, or areas, on one side of a split only: in choosing, where the spec asks for it."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import world as worlds
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from vru_models.evaluation.ranking import capacity_table
from vru_models.evidence.candidates import Labelled, releasable
from vru_models.evidence.choice import HOUSEHOLD_PARTS, kept_apart
from vru_models.evidence.fit import fit, places_by_points
from vru_models.spec.digest import digest_bytes

pytestmark = pytest.mark.usefixtures("in_process")


def declared(groups=None):
    splits = {"as_of": worlds.AS_OF} | ({"groups": groups} if groups else {})
    return worlds.spec(splits=splits)


def threes(_, people):
    return [f"home{i // 3}" for i in range(len(people))]


def found_in(run):
    return [(f.status, f.message, dict(f.figures)) for f in run.findings if f.code == "VRU409"]


def sides(data, split, by):
    """Row positions of those learnt from, and those scored, in plain Python."""
    keys = [
        (person, str(date.date()), home, area)
        for (person, date), home, area in zip(data.X.index, data.rows["household_id"], data.rows["area"], strict=True)
    ]
    learnt = {str(date) for date in split.train}
    train = [i for i, key in enumerate(keys) if key[1] in learnt]
    test = [i for i, key in enumerate(keys) if key[1] == split.name]

    def part(i):
        return keys[i][3] if by == "area" else int(digest_bytes(keys[i][2].encode())[:8], 16) % HOUSEHOLD_PARTS

    for number in sorted({part(i) for i in test}):
        mine = [i for i in test if part(i) == number]
        if by == "area":
            others = [i for i in train if keys[i][3] != number]
        else:
            homes, people = {keys[i][2] for i in mine}, {keys[i][0] for i in mine}
            others = [i for i in train if keys[i][2] not in homes and keys[i][0] not in people]
        if others:
            yield [i for i in others if not np.isnan(data.y.iloc[i])], mine


def precision_apart(spec, data, split, by):
    """Precision of each candidate on a test date, every part ranked by chances from cards that saw none of it."""
    chances = []
    for learn, test in sides(data, split, by):
        rows = Labelled.of(data, np.isin(np.arange(len(data.X)), learn))
        fitted = {name: rows.fitted(model) for name, model in releasable(spec).items()}
        X = data.X.iloc[test]
        chances.append(pd.DataFrame({n: m.predict_proba(X)[:, 1] for n, m in fitted.items()}, index=X.index))
    held, k = pd.concat(chances), places_by_points(spec)
    return {name: capacity_table(data.y.loc[held.index], held[name], k=k)["precision"].iloc[0] for name in held}


@pytest.mark.parametrize("by", ["household", "area"])
def test_candidates_are_chosen_by_how_they_rank_those_of_whom_they_saw_nobody(by):
    spec = declared(by)
    data = worlds.dataset(spec, household=threes)
    run = fit(spec, data)
    before = list(data.splits)[:-1]
    precision = pd.DataFrame([precision_apart(spec, data, split, by) for split in before]).mean()
    assert run.choice.set_index("candidate")["mean_precision"].to_dict() == pytest.approx(precision.to_dict())
    ((status, message, figures),) = found_in(run)
    kept = [len(learn) for split in before for learn, _ in sides(data, split, by)]
    rows = sum(300 * len(split.train) * len(list(sides(data, split, by))) for split in before)
    assert figures == {"left_out": rows - sum(kept), "rows": rows, "parts": len(kept)}
    assert (status, message.split(" kept apart in choosing: ")[0]) == ("pass", f"{by}s")
    assert f"{rows - sum(kept):,} of {rows:,} labelled training rows left out" in message


def test_only_the_choice_is_made_so():
    plain, apart = (fit(declared(by), worlds.dataset(declared(by), household=threes)) for by in (None, "household"))
    assert found_in(plain) == []
    assert plain.split_cards == apart.split_cards
    assert plain.choice["mean_precision"].tolist() != apart.choice["mean_precision"].tolist()
    columns = [c for c in plain.scores if c != "probability"]
    pd.testing.assert_frame_equal(plain.scores[columns], apart.scores[columns])


def test_with_everybody_in_one_household_nothing_is_left_and_nothing_is_claimed():
    spec = declared("household")
    ((status, message, figures),) = found_in(
        fit(spec, worlds.dataset(spec, household=lambda _, people: ["h"] * len(people)))
    )
    assert status == "cannot tell"
    assert figures["left_out"] == figures["rows"] == 300 * (1 + 2 + 3)
    assert message.endswith(
        "; too little is then left to learn from for 2022-05-01, 2022-12-01, 2023-07-01, on which nothing was chosen"
    )


def test_two_splits_are_too_few_to_choose_on_and_areas_are_apart_in_cross_validation():
    spec = worlds.spec(splits={"as_of": worlds.AS_OF[:2], "groups": "area"})
    run = fit(spec, worlds.dataset(spec))
    assert run.choice["mean_auc"].notna().all()
    ((status, message, _),) = found_in(run)
    assert (status, message[:49]) == ("cannot tell", "areas are kept apart in cross-validation: there i")


moves = st.lists(st.integers(0, 12), min_size=200, max_size=200)


@settings(deadline=None, max_examples=25)
@given(moves, st.sampled_from(["household", "area"]))
def test_who_is_left_out_equals_the_definition(homes, by):
    drawn = iter(homes)
    data = worlds.dataset(n=40, household=lambda _, people: [f"h{next(drawn)}" for _ in people])
    splits = list(data.splits)[:-1]
    apart = kept_apart(data, splits, {}, by=by)
    for split in splits:
        expected = list(sides(data, split, by))
        part = apart[split.name]
        assert part.rows - part.left_out == sum(len(learn) for learn, _ in expected)


def test_a_spec_that_does_not_ask_is_what_it_was():
    plain = declared()
    assert "groups" not in plain.files()["spec.toml"].decode()
    assert declared("household").digest != plain.digest
    assert worlds.spec(splits={"as_of": worlds.AS_OF, "groups": None}).digest == plain.digest


def test_other_groups_than_these_are_refused():
    with pytest.raises(ValidationError, match=r"splits.groups\n  Input should be .household. or .area."):
        worlds.spec(splits={"as_of": [dt.date(2022, 9, 1)], "groups": "school"})
