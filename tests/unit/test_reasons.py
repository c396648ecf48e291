import copy

import numpy as np
import pandas as pd
import pytest
import small

from vru_models.models import Card, CardFeature
from vru_models.scoring.reasons import _lengths, _with, by_indicator, explain
from vru_models.spec.calendar import Span

BECAUSE = {"rationale": small.BECAUSE}
YEAR = {"windows": ["12 months"], **BECAUSE}
SPEC = small.spec(
    **{
        "indicators.attended": {
            "feed": "missing", "direction": "lowers", "activity_driver": "help_seeking", "reason": "Kept appointments",
            "disclose_to": ["panel", "child"], **BECAUSE,
        },
        "indicators.missing_episode": small.DECLARED["indicators"]["missing_episode"]
        | {"disclose_to": ["panel", "practitioner", "child"]},
        "features": [
            {"indicators": ["suspension"], "measures": ["count", "days_since_last"], **YEAR},
            {"indicators": ["missing_episode", "attended"], "measures": ["count"], **YEAR},
        ],
    }
)  # fmt: skip
S, D, M, A = (
    "suspension_count_12m", "suspension_days_since_last_12m", "missing_episode_count_12m", "attended_count_12m",
)  # fmt: skip
CARD = Card(
    (
        CardFeature(S, (0.0,), (0, 2), 1, 0, "count"),
        CardFeature(D, (90.0,), (3, 0), 1, 1),
        CardFeature(M, (0.0,), (0, 4), 2, 0, "count"),
        CardFeature(A, (0.0,), (0, -3), -1, 0, "count"),
    ),
    slope=0.5,
    intercept=-3.0,
)


def told(*row, audience="panel"):
    X = pd.DataFrame([row], columns=[S, D, M, A], dtype=np.float32)
    return explain(SPEC, CARD, X, audience).iloc[0].tolist()


def test_points_of_an_indicator_are_those_of_its_features():
    X = pd.DataFrame([[1, 10, 0, 2]], columns=[S, D, M, A])
    assert by_indicator(SPEC, CARD.contributions(X)).to_dict("records") == [
        {"suspension": 5, "missing_episode": 0, "attended": -3}
    ]


def test_the_indicator_with_the_most_points_comes_first():
    lately = "Suspended from school (1 in 12 months; last one 10 days before the list)"
    earlier = "Suspended from school (1 in 12 months; last one 200 days before the list)"
    assert told(1, 10, 1, 0) == [lately, "Went missing (1 in 12 months)", "", ""]
    assert told(1, 200, 1, 0) == ["Went missing (1 in 12 months)", earlier, "", ""]


def test_what_lowered_the_points_is_protective():
    assert told(0, 366, 0, 2) == ["", "", "", "Kept appointments (2 in 12 months)"]


def test_declared_order_breaks_ties():
    tied = Card((CARD.features[2], CardFeature(S, (0.0,), (0, 4), 0, 0, "count")), 0.5, -3.0)
    X = pd.DataFrame([[1, 1]], columns=[M, S])
    ranked = explain(SPEC, tied, X).iloc[0, :2].tolist()
    assert ranked == ["Went missing (1 in 12 months)", "Suspended from school (1 in 12 months)"]


def test_nothing_recorded_is_never_a_reason():
    assert told(0, 366, 0, 0) == ["", "", "", ""]


def test_what_is_not_known_earns_neutral_points_and_is_never_a_reason():
    nan = np.nan
    assert CARD.points(pd.DataFrame([[nan] * 4], columns=[S, D, M, A])).tolist() == [3]
    assert told(nan, nan, nan, nan) == ["", "", "", ""]


def test_points_for_an_empty_window_are_never_told_as_if_something_had_happened():
    inverted = Card((CardFeature(S, (0.0,), (3, 0), 1, 1, "count"),), 0.5, -3.0)
    X = pd.DataFrame([[0.0], [2.0]], columns=[S])
    assert explain(SPEC, inverted, X)["reason_1"].tolist() == ["", ""]


@pytest.mark.parametrize("audience", ["practitioner", "child"])
def test_an_indicator_reaches_only_the_audiences_it_is_declared_for(audience):
    assert told(1, 10, 1, 0, audience=audience)[:2] == ["Went missing (1 in 12 months)", ""]


def test_what_may_not_be_told_leaves_no_trace():
    without = told(0, 366, 1, 0, audience="child")
    assert told(5, 1, 1, 0, audience="child") == without
    assert told(5, 1, 1, 1, audience="parent") == ["", "", "", ""]


def test_the_index_is_kept_and_nobody_is_a_frame_of_nobody():
    X = pd.DataFrame([[1, 10, 0, 0]], columns=[S, D, M, A], index=["row"])
    assert explain(SPEC, CARD, X).index.tolist() == ["row"]
    assert explain(SPEC, CARD, X.iloc[:0]).empty


def of_suspensions(features, more=None, /, **row):
    """The reason of somebody by a card with one point more for each of these features of suspensions."""
    declared = small.spec(
        features=[{"indicators": ["suspension"], "rationale": small.BECAUSE, **f} for f in features], **(more or {})
    )
    names = [f.name for f in declared.columns]
    card = Card(tuple(CardFeature(n, (0.0,), (0, 1), 0, 0) for n in names), slope=0.5, intercept=-3.0)
    X = pd.DataFrame([[row[n.removeprefix("suspension_")] for n in names]], columns=names, dtype=np.float32)
    return explain(declared, card, X)["reason_1"].iloc[0]


HALF_AND_YEAR = {"windows": ["6 months", "12 months"]}


def test_the_longest_window_comes_first_and_none_lately_is_said():
    found = of_suspensions([{"measures": ["count"], **HALF_AND_YEAR}], count_6m=0, count_12m=1234)
    assert found == "Suspended from school (1,234 in 12 months, none in 6 months)"


def test_what_is_not_known_is_not_among_what_was_recorded():
    found = of_suspensions([{"measures": ["count"], **HALF_AND_YEAR}], count_6m=np.nan, count_12m=2)
    assert found == "Suspended from school (2 in 12 months)"


def test_each_measure_has_its_own_words():
    measures = ["any", "sum", "mean", "max", "days_since_last"]
    row = {"any_90d": 1, "sum_90d": 7, "mean_90d": 2.333, "max_90d": 4, "days_since_last_90d": 1}
    assert of_suspensions([{"measures": measures, "windows": ["90 days"]}], **row) == (
        "Suspended from school (at least one in 90 days; sessions, in all: 7 in 90 days; sessions, on average: 2.3 in "
        "90 days; sessions, at most: 4 in 90 days; last one 1 day before the list)"
    )


def test_a_rate_is_told_as_a_share_of_the_sessions_that_were_possible():
    schema = copy.deepcopy(small.SCHEMAS["exclusions"])
    schema["x-vru"].update(calendar="term_time")
    more = {"schemas": {"exclusions": schema}, "calendar": {"terms": [{"from": "2024-01-08", "to": "2024-03-28"}]}}
    features = [{"measures": ["rate"], "windows": ["1 term", "30 school days"]}]
    found = of_suspensions(features, more, rate_1t=0.1236, rate_30sd=0)
    assert found == "Suspended from school (12.4 % of the possible sessions in 1 term)"
    assert of_suspensions(features, more, rate_1t=0, rate_30sd=0.5).endswith(
        "(50 % of the possible sessions in 30 school days)"
    )


def test_figures_of_one_measure_stand_together_and_nothing_is_said_twice():
    measures = ["sum", "days_since_last"]
    row = {"sum_6m": 3, "sum_12m": 8, "days_since_last_6m": 14, "days_since_last_12m": 14}
    assert of_suspensions([{"measures": measures, **HALF_AND_YEAR}], **row) == (
        "Suspended from school (sessions, in all: 8 in 12 months, 3 in 6 months; last one 14 days before the list)"
    )


def test_a_feature_to_which_the_card_gives_no_points_is_not_told():
    card = Card((CARD.features[0], CardFeature(D, (90.0,), (0, 0), 0, 0)), slope=0.5, intercept=-3.0)
    X = pd.DataFrame([[1, 10]], columns=[S, D])
    assert explain(SPEC, card, X)["reason_1"].tolist() == ["Suspended from school (1 in 12 months)"]


def test_a_full_stop_stays_at_the_end():
    assert _with("Was suspended.", "2 in 12 months") == "Was suspended (2 in 12 months)."
    assert _with("Was suspended.", "") == "Was suspended."


def test_windows_of_one_unit_share_its_name():
    spans = [Span.parse(text) for text in ("1 year", "1 month", "90 days", "6 months")]
    assert _lengths(spans) == "1 and 6 and 12 months, 90 days"
    assert _lengths(spans[1:2]) == "1 month"
    assert _lengths(map(Span.parse, ("3 terms", "60 school days", "1 term"))) == "60 school days, 1 and 3 terms"


@pytest.mark.parametrize(("trend", "says"), [(2, "2 more"), (-1, "1 fewer"), (0, "as many")])
def test_a_trend_is_told_beside_the_count_and_different_values_by_their_name(trend, says):
    features = [{"measures": ["count", "trend", "distinct"], "windows": ["6 months"]}]
    told_of = of_suspensions(features, count_6m=3, trend_6m=trend, distinct_6m=2)
    told_in_order = f"3 in 6 months; sessions, different ones: 2 in 6 months; {says} in 6 months than in as long before"
    assert told_of == f"Suspended from school ({told_in_order})"
