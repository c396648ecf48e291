import numpy as np
import pandas as pd
import pytest
import small

from vru_models.models import Card, CardFeature
from vru_models.scoring.reasons import by_indicator, explain

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
    assert told(1, 10, 1, 0) == ["Suspended from school", "Went missing", "", ""]
    assert told(1, 200, 1, 0) == ["Went missing", "Suspended from school", "", ""]


def test_what_lowered_the_points_is_protective():
    assert told(0, 366, 0, 1) == ["", "", "", "Kept appointments"]


def test_declared_order_breaks_ties():
    tied = Card((CARD.features[2], CardFeature(S, (0.0,), (0, 4), 0, 0, "count")), 0.5, -3.0)
    X = pd.DataFrame([[1, 1]], columns=[M, S])
    assert explain(SPEC, tied, X).iloc[0, :2].tolist() == ["Went missing", "Suspended from school"]


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
    assert told(1, 10, 1, 0, audience=audience)[:2] == ["Went missing", ""]


def test_what_may_not_be_told_leaves_no_trace():
    without = told(0, 366, 1, 0, audience="child")
    assert told(5, 1, 1, 0, audience="child") == without
    assert told(5, 1, 1, 1, audience="parent") == ["", "", "", ""]


def test_the_index_is_kept_and_nobody_is_a_frame_of_nobody():
    X = pd.DataFrame([[1, 10, 0, 0]], columns=[S, D, M, A], index=["row"])
    assert explain(SPEC, CARD, X).index.tolist() == ["row"]
    assert explain(SPEC, CARD, X.iloc[:0]).empty
