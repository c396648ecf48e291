import numpy as np
import pandas as pd
import pytest
import small
import world as worlds

from vru_models.errors import SpecError
from vru_models.evidence.candidates import (
    Labelled,
    comparator_scores,
    directions,
    flag_count_name,
    flags,
    never_positive,
    references,
    releasable,
)

pytestmark = pytest.mark.usefixtures("in_process")

HELP = {
    "feed": "missing",
    "direction": "lowers",
    "activity_driver": "help_seeking",
    "reason": "Talked to somebody",
    "rationale": small.BECAUSE,
}
EITHER = {"feed": "missing", "direction": "either", "activity_driver": "child_event", "reason": "Moved home",
          "rationale": small.BECAUSE}  # fmt: skip


def declared(*grids, **changes):
    features = [
        {"indicators": [name], "measures": measures, "windows": windows, "rationale": small.BECAUSE}
        for name, measures, windows in grids
    ]
    return small.spec(**{"indicators.help": HELP, "indicators.move": EITHER, "features": features} | changes)


WIDE = declared(
    ("suspension", ["count", "any", "sum", "days_since_last"], ["6 months", "12 months"]),
    ("missing_episode", ["days_since_last", "any"], ["90 days"]),
    ("help", ["count", "days_since_last"], ["12 months"]),
    ("move", ["count"], ["12 months"]),
)


def test_what_raises_goes_up_what_lowers_goes_down_and_days_since_run_the_other_way():
    found = directions(WIDE)
    assert found["suspension_count_6m"] == found["suspension_sum_12m"] == "increasing"
    assert found["suspension_days_since_last_12m"] == "decreasing"
    assert found["help_count_12m"] == "decreasing"
    assert found["help_days_since_last_12m"] == "increasing"
    assert "move_count_12m" not in found


def test_help_that_was_sought_may_never_raise_a_score():
    assert never_positive(WIDE) == ("help_count_12m", "help_days_since_last_12m")


def test_no_event_in_the_window_is_its_whole_length_and_has_no_points():
    assert references(WIDE) == {
        "suspension_days_since_last_6m": 184.0,
        "suspension_days_since_last_12m": 366.0,
        "missing_episode_days_since_last_90d": 90.0,
        "help_days_since_last_12m": 366.0,
    }


def test_a_flag_is_the_longest_window_of_each_indicator_that_raises():
    assert flags(WIDE) == ("suspension_count_12m", "missing_episode_any_90d")


def test_a_spec_without_a_flag_to_count_is_refused_by_name():
    only = declared(("move", ["count"], ["12 months"]))
    with pytest.raises(SpecError, match=r"features: no indicator that raises has a count or any.*simple rule"):
        releasable(only)


def test_the_simple_rules_are_always_among_the_candidates_after_the_declared_ones():
    assert list(releasable(small.spec())) == ["card", "flag_count", "single_indicator"]
    assert list(releasable(worlds.spec())) == ["card", "flags", "single_indicator"]


def test_a_declared_flag_count_keeps_its_name():
    assert (flag_count_name(small.spec()), flag_count_name(worlds.spec())) == ("flag_count", "flags")


@pytest.mark.parametrize("name", ["boosting", "logistic", "area_only", "random", "probability", "flag_count"])
def test_a_candidate_cannot_take_the_name_of_what_it_is_compared_with(name):
    taken = small.spec(**{"model.candidates": [{"name": name, "kind": "scorecard"}]})
    with pytest.raises(SpecError, match=rf"model.candidates: {name} is the name of something else"):
        releasable(taken)


def test_a_flag_count_may_be_called_what_it_is():
    named = small.spec(**{"model.candidates": [{"name": "flag_count", "kind": "flag_count"}]})
    assert list(releasable(named)) == ["flag_count", "single_indicator"]


def test_the_single_indicator_never_looks_at_help_that_was_sought():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({f.name: rng.integers(0, 2, 400) for f in WIDE.columns})
    y = (X["help_count_12m"] == 0).astype(int)
    fitted = releasable(WIDE)["single_indicator"].fit(X, y)
    assert fitted.card_.feature_names[0].startswith(("suspension", "missing_episode"))


def test_the_scorecard_is_given_everything_that_was_declared():
    given = small.spec(
        **{"model.candidates": [{"name": "c", "kind": "scorecard", "max_points": 7, "max_bins": 3, "l2": 2.5}]}
    )
    model = releasable(given)["c"]
    assert (model.max_points, model.max_bins, model.l2) == (7, 3, 2.5)
    assert model.directions == directions(given)


def train_and_test():
    rng = np.random.default_rng(1)
    columns = [f.name for f in small.spec().columns]
    X = pd.DataFrame(rng.poisson(1.0, (400, 2)).astype(np.float32), columns=columns)
    y = pd.Series((rng.random(400) < 0.2 + 0.2 * (X[columns[0]] > 1)).astype(float))
    return X, y, pd.Series(["E01"] * 100 + ["E02"] * 300)


def test_the_area_rate_is_drawn_towards_the_whole_by_twenty_people_and_a_new_area_has_the_whole_rate():
    X, _, area = train_and_test()
    y = pd.Series([1.0] * 40 + [0.0] * 60 + [0.0] * 300)
    scores = comparator_scores(
        small.spec(), Labelled(X, y, area, y * 0 + 1), (X.iloc[:3], pd.Series(["E01", "E02", "E99"]))
    )
    assert scores["area_only"].tolist() == pytest.approx([(40 + 20 * 0.1) / 120, (0 + 20 * 0.1) / 320, 0.1])


def test_random_knows_nothing_and_every_comparator_scores_every_row():
    X, y, area = train_and_test()
    scores = comparator_scores(small.spec(), Labelled(X, y, area, y * 0 + 1), (X.iloc[:50], area[:50]))
    assert list(scores) == ["boosting", "logistic", "area_only", "random"]
    assert set(scores["random"]) == {0.0}
    assert {len(s) for s in scores.values()} == {50}
    assert all((s == s.round(6)).all() for name, s in scores.items() if name in ("boosting", "logistic"))


def test_the_ceiling_keeps_the_declared_directions():
    X, y, area = train_and_test()
    grid = pd.DataFrame({"suspension_count_12m": np.arange(6), "missing_episode_count_12m": 1}, dtype="float32")
    boosted = comparator_scores(small.spec(), Labelled(X, 1 - y, area, y * 0 + 1), (grid, pd.Series(["E01"] * 6)))[
        "boosting"
    ]
    assert (np.diff(boosted) >= 0).all()


def test_a_feature_that_nobody_has_in_training_stops_no_comparator():
    X, y, area = train_and_test()
    X = X.assign(missing_episode_count_12m=np.float32(np.nan))
    test = X.iloc[:5].assign(missing_episode_count_12m=np.float32(1))
    scores = comparator_scores(small.spec(), Labelled(X, y, area, y * 0 + 1), (test, area[:5]))
    assert all(np.isfinite(s).all() for s in scores.values())


def test_a_weight_of_two_is_a_row_told_twice():
    X, y, area = train_and_test()
    some = np.repeat(np.arange(400), 1 + (np.arange(400) % 2))
    weight = pd.Series(1.0 + np.arange(400) % 2)
    test = (X.iloc[:50], area[:50])
    once = comparator_scores(small.spec(), Labelled(X, y, area, weight), test)
    told = Labelled(X, y, area, pd.Series(1.0, index=y.index)).take(some)
    twice = comparator_scores(small.spec(), Labelled(*(vars(told)[n].reset_index(drop=True) for n in vars(told))), test)
    np.testing.assert_array_equal(once["area_only"], twice["area_only"])
    np.testing.assert_allclose(once["logistic"], twice["logistic"], atol=0.02)
    plain = comparator_scores(small.spec(), Labelled(X, y, area, weight * 0 + 1), test)
    assert all((once[name] != plain[name]).any() for name in ("logistic", "boosting", "area_only"))
