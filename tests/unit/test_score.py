import dataclasses
import datetime as dt

import numpy as np
import pandas as pd
import pytest
import small
import tiny

from vru_models.audit import release as release_module
from vru_models.errors import DataError, LedgerError, RefusedError
from vru_models.events import Events
from vru_models.scoring import score
from vru_models.spec.digest import lottery_numbers


@pytest.fixture
def ledger(tmp_path):
    return tiny.ledger(tmp_path / "ledger.jsonl")


BY = "B. Name, duty manager"


def scored(ledger, *, release=None, events=None, as_of=tiny.AS_OF, overrides=None, by=None):
    named = (BY if overrides else "") if by is None else by
    return score(
        release or tiny.release(), events or tiny.events(), as_of=as_of, ledger=ledger, overrides=overrides, by=named
    )


def first_by_lot(purpose, *people):
    numbers = lottery_numbers(purpose, tiny.release().card_digest, tiny.AS_OF, list(people))
    return [person for _, person in sorted(zip(numbers.tolist(), people, strict=True))]


def test_the_list_is_the_one_worked_by_hand(ledger):
    listed = scored(ledger).list
    third, *rest = first_by_lot("tie", "c", "d")
    drawn = first_by_lot("random", *rest, "e")[0]
    assert listed["person_id"].tolist() == ["a", "b", third, drawn]
    assert listed["place"].tolist() == [1, 2, 3, 4]
    assert listed["kind"].tolist() == ["points", "points", "points", "random"]
    assert listed["points"].tolist() == [7, 4, 3, 3 if drawn in "cd" else 0]
    assert listed["band"].tolist() == ["A", "B", "C", "random"]
    assert listed["reason_1"].tolist()[:3] == [
        "Went missing (1 in 12 months)", "Went missing (1 in 12 months)", "Suspended from school (1 in 12 months)",
    ]  # fmt: skip
    assert listed["reason_2"].tolist()[:3] == ["Suspended from school (1 in 12 months)", "", ""]
    assert listed["inclusion_probability"].tolist()[:3] == [1.0, 1.0, 0.5 + 0.5 * 0.5]
    assert listed["inclusion_probability"].iloc[3] in (0.75, 0.5)


def test_the_columns_are_those_that_are_documented(ledger):
    assert list(scored(ledger).list.columns) == [
        "person_id", "place", "kind", "points", "band", "inclusion_probability", "reason_1", "reason_2", "reason_3",
        "protective", "data_gaps",
    ]  # fmt: skip


def test_who_has_statutory_support_is_routed_and_never_listed(ledger):
    scores = scored(ledger)
    assert "f" not in set(scores.list["person_id"])
    assert dict(scores.counts) == {"in_view": 6, "eligible": 5, "routed": 1, "objecting": 0, "listed": 4}


def test_a_cohort_no_larger_than_the_list_is_listed_whole_and_nobody_is_drawn(ledger):
    declared = tiny.spec(**{"capacity.k": 10})
    listed = scored(ledger, release=tiny.release(declared), events=tiny.events(declared)).list
    assert set(listed["person_id"]) == set("abcde")
    assert set(listed["kind"]) == {"points"}
    assert set(listed["inclusion_probability"]) == {1.0}


def test_the_frame_is_a_copy_and_the_summary_counts(ledger):
    scores = scored(ledger)
    table = scores.frame()
    table["points"] = 0
    assert scores.list["points"].iloc[0] == 7
    assert (
        repr(scores)
        == "Scores(small version 1, as of 2024-09-15: in_view 6, eligible 5, routed 1, objecting 0, listed 4)"
    )


def late(known, **event):
    """The tiny events with one more, about e, that became known on a day."""
    frames = tiny.extracts()
    row = {"episode_id": "m9", "person_id": "e", "start_date": "2024-08-01", "known_date": known} | event
    frames["missing"] = pd.concat([frames["missing"], pd.DataFrame([row])], ignore_index=True)
    feeds = small.admit(frames, tiny.spec(), extract_dates=dict.fromkeys(frames, dt.date(2024, 9, 30)))
    return small.record_events(feeds, tiny.spec())


def test_what_was_known_the_day_before_counts(ledger):
    assert scored(ledger, events=late("2024-09-14")).list["points"].tolist()[1:3] == [4, 4]


@pytest.mark.parametrize("known", ["2024-09-15", "2024-09-16", "2024-09-29"])
def test_nothing_known_on_or_after_the_date_changes_the_list(ledger, known):
    before = scored(ledger).list
    pd.testing.assert_frame_equal(scored(ledger, events=late(known)).list, before)


def test_a_correction_that_came_later_changes_nothing(ledger):
    frames = tiny.extracts()
    row = frames["exclusions"].iloc[[0]].assign(known_date="2024-09-20", status="withdrawn")
    frames["exclusions"] = pd.concat([frames["exclusions"], row], ignore_index=True)
    feeds = small.admit(frames, tiny.spec(), extract_dates=dict.fromkeys(frames, dt.date(2024, 9, 30)))
    after = scored(ledger, events=small.record_events(feeds, tiny.spec())).list
    pd.testing.assert_frame_equal(after, scored(ledger).list)


def test_a_release_whose_signer_is_not_pinned_is_refused(ledger):
    loose = tiny.release(pinned=False)
    with pytest.raises(RefusedError, match=r"release: its signer is not pinned\. Load it with trusted="):
        scored(ledger, release=loose)


def test_a_release_that_the_ledger_does_not_know_is_refused(ledger):
    other = tiny.release(digest="0" * 64)
    with pytest.raises(RefusedError, match="ledger: does not hold the approval of this release"):
        scored(ledger, release=other)


def test_an_approval_for_another_purpose_is_none(tmp_path):
    book = tiny.ledger(tmp_path / "other.jsonl", tiny.release(purpose="another"))
    with pytest.raises(RefusedError, match="does not hold the approval"):
        scored(book)


def test_a_superseded_release_is_refused_and_the_later_one_scores(tmp_path):
    later = tiny.release(version=2, digest="2" * 64)
    book = tiny.ledger(tmp_path / "two.jsonl", tiny.release(), later)
    with pytest.raises(RefusedError, match="release: version 1 is superseded by version 2"):
        scored(book)
    assert len(scored(book, release=later).list) == 4


def test_a_broken_ledger_is_refused(ledger):
    content = ledger.path.read_bytes()
    ledger.path.write_bytes(content.replace(b'"version":1', b'"version":2'))
    with pytest.raises(LedgerError, match="entry 1: its content does not fit its hash"):
        scored(ledger)


def test_the_last_day_counts_and_the_day_after_is_refused(tmp_path, monkeypatch):
    dated = tiny.release(expires_on=dt.date(2024, 9, 20))
    ledger = tiny.ledger(tmp_path / "ledger.jsonl", dated)
    monkeypatch.setattr(release_module, "today", lambda: dt.date(2024, 9, 20))
    assert len(scored(ledger, release=dated).list) == 4
    monkeypatch.setattr(release_module, "today", lambda: dt.date(2024, 9, 21))
    with pytest.raises(RefusedError, match="expired on 2024-09-20, and it is 2024-09-21"):
        scored(ledger, release=dated)


def test_a_date_after_the_last_day_is_refused_today_already(ledger, monkeypatch):
    monkeypatch.setattr(release_module, "today", lambda: dt.date(2024, 9, 1))
    dated = tiny.release(expires_on=dt.date(2024, 9, 14))
    with pytest.raises(RefusedError, match="expired on 2024-09-14, and it is 2024-09-15"):
        scored(ledger, release=dated)


@pytest.mark.parametrize("feed", ["missing", "people"])
def test_an_agreement_that_does_not_allow_scoring_is_refused(ledger, feed):
    held = small.agreement("train", "audit")
    declared = tiny.spec(**{f"feeds.{feed}": {"schema": feed, "agreement": held}})
    release, events = tiny.release(declared), tiny.events()
    with pytest.raises(RefusedError, match=rf"feeds.{feed}.agreement: does not allow scoring"):
        scored(ledger, release=release, events=events)


@pytest.mark.parametrize(("end", "refused"), [(dt.date(2024, 9, 15), False), (dt.date(2024, 9, 14), True)])
def test_an_agreement_holds_on_its_last_day_and_not_the_day_after(ledger, end, refused):
    held = small.agreement("train", "score") | {"to": end}
    declared = tiny.spec(**{"feeds.missing": {"schema": "missing", "agreement": held}})
    release, events = tiny.release(declared), tiny.events()
    if refused:
        with pytest.raises(RefusedError, match="ended on 2024-09-14, before the as-of date 2024-09-15"):
            scored(ledger, release=release, events=events)
    else:
        assert len(scored(ledger, release=release, events=events).list) == 4


def test_nobody_eligible_is_no_list(ledger):
    with pytest.raises(DataError, match="as-of date 2021-09-01: nobody is eligible"):
        scored(ledger, as_of="2021-09-01", overrides={"VRU505": REASON})


REASON = "the feed was late this month; B. Name"


def test_an_override_is_kept_with_the_list(ledger):
    scores = scored(ledger, as_of="2024-10-16", overrides={"VRU501": REASON})
    assert (dict(scores.overrides), scores.overridden_by) == ({"VRU501": REASON}, BY)
    assert scores.findings.worst == "fail"


@pytest.mark.parametrize("reason", ["", "  ", "late"])
def test_an_override_without_a_reason_is_none(ledger, reason):
    with pytest.raises(RefusedError, match=r"score: refused.\n  overrides.VRU501: gives no reason of 10 characters"):
        scored(ledger, as_of="2024-10-16", overrides={"VRU501": reason})


def test_an_override_says_who_gives_it(ledger):
    with pytest.raises(RefusedError, match=r"score: refused\.\n  by: names nobody"):
        scored(ledger, as_of="2024-10-16", overrides={"VRU501": REASON}, by=" ")


def test_a_reason_that_names_somebody_by_pseudonym_is_refused(ledger):
    with pytest.raises(RefusedError, match="overrides: hold a pseudonym"):
        scored(ledger, as_of="2024-10-16", overrides={"VRU501": "late, but look at a first please"})


def test_a_list_for_a_date_before_the_outcomes_that_were_learnt_from_needs_an_answer(ledger):
    with pytest.raises(RefusedError, match="VRU505 fail, as-of date: the card learnt from outcomes up to 2024-09-01"):
        scored(ledger, as_of="2024-08-31")
    assert len(scored(ledger, as_of="2024-09-01").list) == 4


def test_feeds_are_not_events(ledger):
    with pytest.raises(TypeError, match=r"events: a dict is given\. Expected: Events, from record_events"):
        score(tiny.release(), {"a": 1}, as_of=tiny.AS_OF, ledger=ledger)


def test_the_ledger_says_the_same_of_the_release_as_it_says_itself(tmp_path):
    longer = tiny.release(expires_on=dt.date(2095, 1, 1))
    with pytest.raises(RefusedError, match="does not hold the approval of this release"):
        scored(tiny.ledger(tmp_path / "ledger.jsonl"), release=longer)


def test_an_override_may_be_for_one_feed_alone(ledger):
    old = tiny.events()
    late = {**old.extract_dates, "missing": dt.date(2024, 7, 1), "cover": dt.date(2024, 7, 1)}
    events = dataclasses.replace(old, extract_dates=late)
    with pytest.raises(RefusedError, match="VRU501 fail, cover: extracted 76 days before") as caught:
        scored(ledger, events=events, overrides={"VRU501:missing": REASON})
    assert "VRU501 fail, missing" not in str(caught.value)


def test_an_override_of_what_is_not_shut_is_refused(ledger):
    with pytest.raises(RefusedError, match=r"overrides.VRU501: nothing with this code stands in the way"):
        scored(ledger, overrides={"VRU501": REASON})


def test_nothing_is_written_to_the_ledger_before_it_is_saved(ledger):
    before = len(ledger)
    scored(ledger)
    assert len(ledger) == before


def test_a_card_that_reads_a_column_the_declaration_does_not_make_is_refused(ledger):
    other = dataclasses.replace(tiny.CARD.features[0], name="unknown_count_12m")
    release = tiny.release(card=dataclasses.replace(tiny.CARD, features=(other,)))
    with pytest.raises(DataError, match="X: 1 columns of the card are missing: unknown_count_12m"):
        scored(ledger, release=release)


def test_what_is_not_shared_moves_nobody_from_neutral_and_is_named(ledger):
    cover = tiny.extracts()["cover"].iloc[:1]
    answers = {"VRU107": REASON, "VRU506": REASON}
    listed = scored(ledger, events=tiny.events(cover=cover), overrides=answers).list.set_index("person_id")
    assert listed.loc["a", "points"] == 3 + 2
    assert "not shared" in listed.loc["a", "data_gaps"]
    assert listed.loc["a", "reason_1"] == "Suspended from school (1 in 12 months)"


def test_events_that_say_nothing_of_their_extracts_do_not_pass_the_gate(ledger):
    known = tiny.events()
    bare = Events.from_frame(known.frame, spells=known.spells, coverage=known.coverage)
    with pytest.raises(RefusedError, match="VRU501 cannot tell, exclusions: nobody knows when it was extracted"):
        scored(ledger, events=bare)
    assert len(scored(ledger, events=bare, overrides={"VRU501": REASON}).list) == 4


def test_a_date_may_be_given_in_any_form(ledger):
    forms = ["2024-09-15", dt.date(2024, 9, 15), np.datetime64("2024-09-15"), pd.Timestamp("2024-09-15")]
    lists = [scored(ledger, as_of=form).list for form in forms]
    assert all(lists[0].equals(other) for other in lists[1:])
