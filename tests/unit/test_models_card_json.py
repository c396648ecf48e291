from __future__ import annotations

import json

import pytest

from vru_models.errors import DataError, RefusedError
from vru_models.models import Card, CardFeature

CARD = Card((CardFeature("été", (0.0, 2.5), (0, 3, -7), neutral=1, reference=0),), slope=0.25, intercept=-3.5)
GOOD = json.loads(CARD.to_json())


def hostile(**changed):
    return json.dumps(GOOD | changed)


def hostile_feature(**changed):
    return json.dumps(GOOD | {"features": [GOOD["features"][0] | changed]})


def test_the_text_is_this_one():
    assert " ".join(CARD.to_json().split()) == (
        '{ "version": "vru-card/1", "intercept": -3.5, "slope": 0.25, "features": [ { "name": "été", "kind": "number", '
        '"edges": [ 0.0, 2.5 ], "points": [ 0, 3, -7 ], "neutral": 1, "reference": 0 } ] }'
    )


def test_what_was_written_is_read_back_and_written_the_same():
    again = Card.from_json(CARD.to_json())
    assert again == CARD
    assert again.to_json() == CARD.to_json()


def test_whole_numbers_by_hand_are_read_as_edges():
    assert Card.from_json(hostile_feature(edges=[0, 2.5])) == CARD


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" " * 2_000_001, "2000001 characters. Expected: at most 2000000"),
        ("[" * 1_000_000, "nested too deeply"),
        ('{"a":' * 300_000, "nested too deeply"),
        (hostile(version="vru-card/2"), "version is not one that is read here. Expected: vru-card/1"),
        (hostile(version=["vru-card/1"]), "version is not one that is read here"),
        ("{}", "version is not one that is read here"),
    ],
)
def test_what_is_not_a_card_of_this_version_is_refused(text, message):
    with pytest.raises(RefusedError, match=message):
        Card.from_json(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("!!python/object/apply:os.system ['true']", "not JSON"),
        ('{"version": "vru-card/1"', "not JSON"),
        ('{"version": "vru-card/1", "slope": ' + "9" * 5000 + "}", "not JSON"),
        ("[]", "card: the type is wrong. Expected: an object"),
        ("null", "card: the type is wrong. Expected: an object"),
        ('{"version": "vru-card/1", "slope": 1, "slope": 2}', "a key is there twice"),
        ('{"version": "vru-card/1", "slope": NaN}', "a number is not finite"),
        ('{"version": "vru-card/1", "slope": -Infinity}', "a number is not finite"),
        ('{"version": "vru-card/1"}', "3 keys are missing: features, intercept, slope"),
        (hostile(code="import os"), "1 keys are not known. Expected: only features, intercept, slope, version"),
        (hostile(slope="0.25"), "card.slope: the type is wrong. Expected: a number"),
        (hostile(slope=True), "card.slope: the type is wrong"),
        (hostile(slope=None), "card.slope: the type is wrong"),
        (hostile(slope=10**400), "card.slope: the type is wrong"),
        (hostile(slope=-1), "card.slope: the number is out of bounds"),
        (hostile(intercept=1e308), "card.intercept: the number is out of bounds"),
        (json.dumps(GOOD).replace("0.25", "1e999"), "card.slope: the number is out of bounds"),
        (hostile(features={}), "card.features: the type is wrong. Expected: a list"),
        (hostile(features=[]), "0 features. Expected: 1 to 500"),
        (hostile(features=[1]), r"card.features\[0\]: the type is wrong. Expected: an object"),
        (hostile(features=[GOOD["features"][0] | {"name": f"f{i}"} for i in range(501)]), "501 features"),
        (hostile(features=[0] * 1001), "a list, 1000 at most"),
        (hostile(features=GOOD["features"] * 2), "1 feature names are used twice"),
        (hostile_feature(extra=1), r"card.features\[0\]: 1 keys are not known"),
        (hostile_feature(name=5), "name: the type is wrong. Expected: text"),
        (hostile_feature(name="\ud800"), "printable"),
        (hostile_feature(name="a\u202eb"), "printable"),
        (hostile_feature(kind="flag"), "a flag with no edge but 0"),
        (hostile_feature(edges="0"), "edges: the type is wrong"),
        (hostile_feature(edges=[2.5, 0.0]), "strictly increasing"),
        (hostile_feature(edges=[[0.0], 2.5]), "edges: the type is wrong. Expected: a number"),
        (hostile_feature(edges=[0.0] * 1001), "edges: the type is wrong. Expected: a list, 1000 at most"),
        (hostile_feature(edges=[float(i) for i in range(64)], points=[0] * 65), "at most 64 bins"),
        (hostile_feature(points=[0, 3.0, -7]), "points: the type is wrong. Expected: a whole number"),
        (hostile_feature(points=[0, True, -7]), "points: the type is wrong"),
        (hostile_feature(points=[0, 101, 0]), "points from -100 to 100"),
        (hostile_feature(points=[0, 3]), "one bin more than edges"),
        (hostile_feature(neutral=10**30), "points from -100 to 100"),
        (hostile_feature(reference=1), "0 points in the reference bin"),
        (hostile_feature(reference=99), "a reference that is one of the bins"),
    ],
)
def test_a_crafted_file_is_told_what_is_wrong(text, message):
    with pytest.raises(DataError, match=message):
        Card.from_json(text)


def test_bytes_are_not_text():
    with pytest.raises(TypeError, match="read from text, not from bytes"):
        Card.from_json(CARD.to_json().encode())


def test_no_message_repeats_what_the_file_holds():
    with pytest.raises(DataError, match="1 keys are not known") as caught:
        Card.from_json(hostile(**{"<script>": 1}))
    assert "script" not in str(caught.value)
