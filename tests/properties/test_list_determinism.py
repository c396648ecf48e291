"""The list depends on what was known, and on nothing else: not on the order of rows, of files or of feeds."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import small
import tiny
import world as worlds
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.errors import RefusedError
from vru_models.models import Card, CardFeature
from vru_models.scoring import score
from vru_models.spec.digest import lottery_numbers

LEVEL = Card((CardFeature("suspension_count_12m", (0.0,), (0, 3), 1, 0, "count"),), slope=0.5, intercept=-3.0)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    return tiny.ledger(tmp_path_factory.mktemp("list") / "ledger.jsonl")


@pytest.fixture(scope="module")
def sent():
    return worlds.extracts(n=60, seed=3)


def listed(frames, ledger, card=tiny.CARD):
    declared = tiny.spec(**{"capacity.k": 12})
    events = small.events(frames, declared)
    release = tiny.release(declared, card=card, volumes=tiny.volumes(events, declared))
    return score(release, events, as_of=tiny.AS_OF, ledger=ledger).list


@pytest.fixture(scope="module")
def plain(sent, ledger):
    return listed(sent, ledger)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_rows_and_of_feeds_changes_nothing(sent, ledger, plain, seed):
    rng = np.random.default_rng(seed)
    names = list(sent)
    rng.shuffle(names)
    shuffled = {name: sent[name].iloc[rng.permutation(len(sent[name]))].reset_index(drop=True) for name in names}
    pd.testing.assert_frame_equal(listed(shuffled, ledger), plain)


def test_the_same_list_gives_the_same_bytes(sent, ledger, tmp_path):
    declared = tiny.spec(**{"capacity.k": 12})
    for name in ("a", "b"):
        events = small.events(sent, declared)
        release = tiny.release(declared, volumes=tiny.volumes(events, declared))
        made = score(release, events, as_of=tiny.AS_OF, ledger=ledger)
        made.save(tmp_path / name, ledger=ledger)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes(), file.name


def test_other_names_of_rows_change_nothing(sent, ledger, plain):
    renamed = dict(sent)
    for name, column in (("exclusions", "exclusion_id"), ("missing", "episode_id"), ("people", "spell_id")):
        renamed[name] = sent[name].assign(**{column: [f"z{i}" for i in reversed(range(len(sent[name])))]})
    pd.testing.assert_frame_equal(listed(renamed, ledger), plain)


def answered(release, events, ledger):
    """The scores, answered for where the list is so long that most on it have nothing recorded (VRU504)."""
    given = {"as_of": tiny.AS_OF, "ledger": ledger}
    try:
        return score(release, events, **given)
    except RefusedError as refusal:
        if str(refusal).count("fail, ") != str(refusal).count("VRU504 fail, "):
            raise
        return score(release, events, **given, overrides={"VRU504": "a long list of few people"}, by="B. Name")


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), k=st.integers(2, 20))
def test_the_list_agrees_with_its_definition(ledger, seed, k):
    frames = worlds.extracts(n=25, seed=seed)
    declared = tiny.spec(**{"capacity.k": k})
    events = small.events(frames, declared)
    release = tiny.release(declared, card=LEVEL, volumes=tiny.volumes(events, declared))
    scores = answered(release, events, ledger)
    told, points = scores.list, points_by_hand(frames)
    eligible = sorted(points)

    def lot(purpose):
        return dict(zip(eligible, lottery_numbers(purpose, release.card_digest, tiny.AS_OF, eligible), strict=True))

    drawn = 0 if len(eligible) <= k else 1
    ties, lots = lot("tie"), lot("random")
    order = sorted(eligible, key=lambda p: (-points[p], ties[p]))
    by_points = order[: min(k, len(order)) - drawn]
    random = sorted(set(eligible) - set(by_points), key=lambda p: lots[p])[:drawn]
    assert told["person_id"].tolist() == by_points + random
    assert told["points"].tolist() == [points[p] for p in by_points + random]


def points_by_hand(frames):
    """3 points to who was suspended in the year before, as known; whoever was permanently excluded is routed."""
    year = frames["exclusions"]
    year = year[(year["start_date"] >= "2023-09-15") & (year["known_date"] < tiny.AS_OF)]
    people = {kind: set(year.loc[year["kind"] == kind, "person_id"]) for kind in "SP"}
    return {p: 3 * (p in people["S"]) for p in frames["people"]["person_id"] if p not in people["P"]}


def test_another_card_or_date_is_another_draw(sent, ledger):
    other = dataclasses.replace(LEVEL, slope=0.25)
    first, second = (listed(sent, ledger, card=card) for card in (LEVEL, other))
    assert first["person_id"].tolist() != second["person_id"].tolist()
