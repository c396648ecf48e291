import json

import numpy as np
import pytest

from vru_models.audit.release import N_ROWS, check_known_answers, known_answers, known_rows
from vru_models.errors import RefusedError
from vru_models.models import Card, CardFeature
from vru_models.spec.digest import canonical_json

COUNT = CardFeature("suspensions", (0.0, 2.0), (0, 3, 7), 1, 0, "count")
FLAG = CardFeature("missing", (0.0,), (0, 4), 2, 0, "flag")
CARD = Card((COUNT, FLAG, CardFeature("score", (-1.5, 0.25), (0, 1, 2), 0, 0)), slope=0.5, intercept=-3.0)
WIDE = Card(
    tuple(CardFeature(f"f{j}", tuple(map(float, range(63))), (0, *range(1, 64)), 5, 0) for j in range(3)), 0.1, -2.0
)
FAR = Card((CardFeature("x", (1e300,), (0, 1), 0, 0), CardFeature("any", (), (0,), 0, 0)), 1.0, 0.0)


@pytest.mark.parametrize("card", [CARD, WIDE, FAR])
def test_every_bin_of_every_feature_is_visited_and_so_is_not_known(card):
    rows = known_rows(card)
    assert len(rows) >= N_ROWS
    for feature in card.features:
        visited = set(feature.bins_of(rows[feature.name].to_numpy()).tolist())
        assert visited == set(range(len(feature.points) + 1))


def test_a_value_on_an_edge_is_among_the_rows():
    assert {0.0, 2.0} <= set(known_rows(CARD)["suspensions"])


def test_the_answers_are_those_of_the_card_worked_by_hand():
    known = json.loads(known_answers(CARD))
    assert known["features"] == ["suspensions", "missing", "score"]
    first, second = known["rows"][0], known["rows"][1]
    assert (first, known["points"][0]) == ([0.0, 1.0, 1.25], 0 + 4 + 2)
    assert (second, known["points"][1]) == ([2.0, 1.0, 1.25], 3 + 4 + 2)
    assert known["probability"][0] == pytest.approx(0.5)


def test_the_same_card_gives_the_same_bytes_and_its_own_answers():
    assert known_answers(CARD) == known_answers(Card.from_json(CARD.to_json()))
    assert check_known_answers(CARD, known_answers(CARD)) == N_ROWS


def changed(change):
    known = json.loads(known_answers(CARD))
    change(known)
    return canonical_json(known)


@pytest.mark.parametrize(
    "change",
    [
        lambda k: k["points"].__setitem__(3, k["points"][3] + 1),
        lambda k: k["probability"].__setitem__(3, k["probability"][3] + 1e-9),
        lambda k: k["rows"].__setitem__(0, [9.0, 0.0, 9.0]),
        lambda k: k["features"].reverse(),
        lambda k: k["features"].__setitem__(0, "other"),
        lambda k: k["points"].pop(),
        lambda k: k["probability"].pop(),
        lambda k: k.pop("rows"),
        lambda k: k["rows"].__setitem__(0, ["x", 0.0, 9.0]),
        lambda k: k.update(rows=[], points=[], probability=[]),
        lambda k: k.update({name: k[name][: N_ROWS - 1] for name in ("rows", "points", "probability")}),
    ],
)
def test_any_other_answer_is_refused(change):
    stored = changed(change)
    with pytest.raises(RefusedError, match="the card does not give the answers it was approved with"):
        check_known_answers(CARD, stored)


@pytest.mark.parametrize("stored", [b"", b"[]", b"\xff", b"7"])
def test_what_holds_no_answers_is_refused(stored):
    with pytest.raises(RefusedError, match="Do not score; ask the approver for a new release"):
        check_known_answers(CARD, stored)


def test_a_probability_within_the_tolerance_is_the_same():
    stored = changed(lambda k: k["probability"].__setitem__(3, k["probability"][3] + 1e-13))
    assert check_known_answers(CARD, stored) == N_ROWS


def test_no_row_is_a_persons():
    assert not np.isinf(known_rows(FAR).to_numpy()).any()
