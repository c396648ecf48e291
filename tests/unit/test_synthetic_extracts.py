import resource
import time

import numpy as np
import pandas as pd
import pytest

from vru_models.errors import SpecError
from vru_models.feeds import admit
from vru_models.identifiers import scan_identifiers
from vru_models.spec import Spec
from vru_models.synthetic import synthetic_extracts, synthetic_feeds
from vru_models.synthetic.agencies import AGENCIES
from vru_models.synthetic.delivery import WRONG_ROWS

SPEC = Spec.example("early_help")
EVENT_FEEDS = tuple(AGENCIES)
LINKED_LATER = ("education_attendance", "education_suspension", "health_mh", "police_da_missing")


@pytest.fixture(scope="module")
def made():
    return synthetic_extracts(SPEC, n_people=20_000, random_state=0)


def events(made, feed):
    """Every record of a feed in its first version, without the rows that are wrong on purpose."""
    vru = SPEC.table_of(feed).x_vru
    frame = made.frames[feed].rename(columns={vru.event_date: "event", vru.known_date: "known"})
    return frame[frame["known"] >= frame["event"]].drop_duplicates("record_id")


def in_view(made, date):
    """Pseudonyms in view on a date, by the last version of each stay."""
    stays = made.frames["people"].drop_duplicates("spell_id", keep="last")
    here = (stays["start_date"] <= date) & ~(stays["end_date"] <= date)
    return stays[here]


def aged(made, date, ages):
    stays = in_view(made, date)
    born = pd.to_datetime(stays["birth_month"])
    years = (pd.Timestamp(date) - born).dt.days / 365.25
    return set(stays["person_id"][(years >= ages[0]) & (years < ages[1] + 1)])


def test_the_same_seed_gives_the_same_extracts_and_another_seed_others():
    first, again, other = (synthetic_extracts(SPEC, n_people=400, random_state=seed) for seed in (7, 7, 8))
    for feed in SPEC.feeds:
        pd.testing.assert_frame_equal(first.frames[feed], again.frames[feed])
    pd.testing.assert_frame_equal(first.truth, again.truth)
    assert not set(first.truth["person_id"]) & set(other.truth["person_id"])


def test_leaving_one_feed_out_changes_no_other():
    fewer = {name: feed for name, feed in SPEC.feeds.items() if name not in ("health_mh", "housing")}
    whole = synthetic_extracts(SPEC, n_people=400, random_state=7)
    part = synthetic_extracts(SPEC.model_copy(update={"feeds": fewer}), n_people=400, random_state=7)
    for feed in set(fewer) - {"coverage"}:
        pd.testing.assert_frame_equal(part.frames[feed], whole.frames[feed])


def test_a_schema_that_cannot_be_made_up_is_refused():
    feeds = {"gp": SPEC.feeds["housing"].model_copy(update={"table": "general_practice"})}
    with pytest.raises(SpecError, match=r"feeds\.gp\.schema: 'general_practice' is not known.*read your own"):
        synthetic_extracts(SPEC.model_copy(update={"feeds": feeds}), n_people=10)


def test_nobody_cannot_be_made_up():
    with pytest.raises(ValueError, match="n_people must be at least 1"):
        synthetic_extracts(SPEC, n_people=0)


@pytest.mark.parametrize("feed", SPEC.feeds)
def test_a_frame_has_the_columns_of_its_schema(made, feed):
    assert tuple(made.frames[feed].columns) == SPEC.table_of(feed).columns


def test_the_truth_is_beside_the_feeds_and_never_among_them(made):
    assert list(made.truth.columns) == ["person_id", "need"]
    assert made.truth["person_id"].is_unique
    assert set(made.truth["person_id"]) == set(made.frames["people"]["person_id"])
    assert not [f for f in made.frames if "need" in made.frames[f].columns]
    need = set(np.round(made.truth["need"], 6))
    for frame in made.frames.values():
        numbers = frame.select_dtypes("number").to_numpy(dtype=float, na_value=np.nan)
        assert not need & set(np.round(numbers[~np.isnan(numbers)], 6)) - {0.0}


def test_the_repr_counts_and_shows_nobody(made):
    assert repr(made).startswith("Extracts(2026-11-01: 10 feeds, ")
    assert repr(made).endswith(" rows, 20,000 people)")


@pytest.mark.parametrize("feed", EVENT_FEEDS)
def test_nothing_was_known_before_it_happened_or_on_the_extract_date_but_the_rows_wrong_on_purpose(made, feed):
    vru = SPEC.table_of(feed).x_vru
    frame = made.frames[feed]
    assert (frame[vru.known_date] < pd.Timestamp(made.extract_date)).all()
    assert (frame[vru.known_date] < frame[vru.event_date]).sum() == min(WRONG_ROWS, len(frame) // 400)


@pytest.mark.parametrize("feed", EVENT_FEEDS)
def test_nothing_happened_before_the_feed_was_shared(made, feed):
    assert events(made, feed)["event"].min() >= pd.Timestamp(SPEC.feeds[feed].agreement.start)


def test_stays_are_known_promptly_and_their_end_only_afterwards(made):
    stays = made.frames["people"]
    assert (stays["known_date"] >= stays["start_date"]).all()
    assert ((stays["known_date"] - stays["start_date"]).dt.days[stays["end_date"].isna()]).quantile(0.95) <= 7
    ended = stays[stays["end_date"].notna()]
    assert (ended["known_date"] >= ended["end_date"]).all()
    assert set(ended["spell_id"]) <= set(stays["spell_id"][stays["end_date"].isna()])


def test_some_move_in_some_out_some_between_areas_and_some_turn_eighteen(made):
    stays = made.frames["people"].drop_duplicates("spell_id", keep="last")
    by_person = stays.groupby("person_id")
    moved = (by_person["area"].nunique() > 1).mean()
    arrived = (by_person["start_date"].min() > pd.Timestamp("2021-11-01")).mean()
    still_here = set(stays["person_id"][stays["end_date"].isna()])
    left = pd.Series([person not in still_here for person in by_person.groups], index=list(by_person.groups))
    born = pd.to_datetime(by_person["birth_month"].first())
    grown = left & (by_person["end_date"].max() == born + pd.DateOffset(years=18))
    assert 0.06 < moved < 0.15
    assert 0.06 < arrived < 0.15
    assert 0.06 < (left & ~grown).mean() < 0.15
    assert 0.15 < grown.mean() < 0.35


def test_children_of_a_household_share_it_and_move_together(made):
    stays = made.frames["people"].drop_duplicates("spell_id", keep="last")
    assert 1.2 < stays.groupby("household_id")["person_id"].nunique().mean() < 2.5
    assert stays.groupby(["household_id", "start_date"])["area"].nunique().max() == 1


@pytest.mark.parametrize("feed", ["education_attendance", "education_suspension"])
def test_no_school_event_is_in_august_or_on_a_weekend(made, feed):
    happened = events(made, feed)["event"]
    assert 8 not in set(happened.dt.month)
    assert happened.dt.day_of_week.max() <= 4


def test_the_outage_is_visible_in_the_coverage_and_its_rows_are_gone(made):
    coverage = made.frames["coverage"]
    stopped = coverage[coverage["end_date"].notna()]
    assert stopped[["feed", "area"]].values.tolist() == [["health_mh", "area_05"]]
    assert stopped["end_date"].tolist() == [pd.Timestamp("2025-03-01")]
    assert stopped["known_date"].tolist() == [pd.Timestamp("2025-03-21")]
    again = coverage[(coverage["area"] == "area_05") & (coverage["start_date"] == "2025-06-01")]
    assert again["known_date"].tolist() == [pd.Timestamp("2025-06-04")]
    there = in_view(made, "2025-03-01")
    stayed = set(there["person_id"][there["area"] == "area_05"]) & set(
        in_view(made, "2025-05-31")["person_id"][in_view(made, "2025-05-31")["area"] == "area_05"]
    )
    health = events(made, "health_mh")
    mine = health[health["person_id"].isin(stayed)]
    during = mine["event"].between("2025-03-01", "2025-05-31")
    assert during.sum() == 0
    assert mine["event"].between("2024-12-01", "2025-02-28").sum() > 30


def test_coverage_says_that_attendance_reaches_to_sixteen_and_the_rest_has_no_limit(made):
    coverage = made.frames["coverage"].set_index("feed")
    assert coverage.loc["education_attendance", ["age_from", "age_to"]].tolist() == [5, 16]
    assert coverage.drop(index="education_attendance")["age_to"].isna().all()
    assert set(coverage.index) == set(EVENT_FEEDS)


def test_two_to_three_in_a_hundred_children_appear_under_a_second_pseudonym(made):
    known = set(made.frames["people"]["person_id"])
    seen = pd.concat([made.frames[f]["person_id"] for f in LINKED_LATER]).unique()
    strangers = sum(p not in known for p in seen)
    assert 0.015 < strangers / (len(seen) - strangers) < 0.03
    council = pd.concat([made.frames[f]["person_id"] for f in ("social_care", "housing", "offers")])
    assert set(council) <= known


@pytest.mark.parametrize("feed", ["education_attendance", "education_suspension", "police_da_missing", "social_care"])
def test_one_record_in_a_hundred_comes_again_corrected_and_later(made, feed):
    vru = SPEC.table_of(feed).x_vru
    frame = made.frames[feed]
    frame = frame[frame[vru.known_date] >= frame[vru.event_date]].sort_values(vru.known_date)
    again = frame[frame.duplicated("record_id")]
    assert len(again) / frame["record_id"].nunique() == pytest.approx(0.01, abs=0.004)
    first = frame.drop_duplicates("record_id").set_index("record_id").loc[again["record_id"], vru.known_date]
    gap = again[vru.known_date].to_numpy() - first.to_numpy()
    assert gap.min() >= np.timedelta64(10, "D")
    if vru.status:
        codes = set(again[vru.status])
        assert codes == {"withdrawn"}


def test_no_column_looks_like_a_direct_identifier(made):
    for frame in made.frames.values():
        assert not scan_identifiers(frame, at=made.extract_date).with_status("fail")


def test_the_gate_quarantines_the_wrong_rows_and_nothing_else(made):
    feeds = admit(made.frames, SPEC, extract_dates=dict.fromkeys(made.frames, made.extract_date))
    counts = feeds.quarantine.groupby("feed").size()
    wrong = {feed: 2 * min(WRONG_ROWS, len(made.frames[feed]) // 400) for feed in EVENT_FEEDS}
    assert counts.to_dict() == {feed: n for feed, n in wrong.items() if n}
    assert feeds.findings.worst == "pass"


def test_synthetic_feeds_are_the_extracts_after_the_gate():
    feeds = synthetic_feeds(SPEC, n_people=300, random_state=1)
    assert feeds.sensitive is not None
    assert len(feeds.sensitive) == 300
    assert "need" not in feeds.sensitive.columns


def share_absent(made):
    half_term = "2025-05-22"
    pupils = aged(made, half_term, (5, 16))
    rows = events(made, "education_attendance")
    return rows[(rows["event"] == half_term) & rows["person_id"].isin(pupils)]["person_id"].nunique() / len(pupils)


def per_year(made, feed, **where):
    """Rows of a school year 2024/25 per child in view in the middle of it, and the share of children with any."""
    rows = events(made, feed)
    for column, codes in where.items():
        rows = rows[rows[column].isin(codes)]
    children = set(in_view(made, "2025-03-01")["person_id"])
    year = rows[rows["event"].between("2024-09-01", "2025-08-31") & rows["person_id"].isin(children)]
    return len(year) / len(children), year["person_id"].nunique() / len(children)


def test_persistent_absence_is_near_the_twenty_in_a_hundred_of_autumn_2023(made):
    assert share_absent(made) == pytest.approx(0.20, abs=0.03)


def test_suspensions_are_near_the_eleven_per_hundred_pupils_of_2023_24_and_half_are_for_disruption(made):
    rate, _ = per_year(made, "education_suspension", category=["SUSP"])
    disruption, _ = per_year(made, "education_suspension", category=["SUSP"], reason=["DB"])
    assert 0.07 < rate < 0.14
    assert 0.4 < disruption / rate < 0.65


def test_boys_are_suspended_about_one_and_a_half_times_as_often(made):
    sex = made.frames["equality_audit"].set_index("person_id")["sex"]
    suspended = events(made, "education_suspension")["person_id"].map(sex).value_counts() / sex.value_counts()
    assert suspended["M"] / suspended["F"] == pytest.approx(1.5, abs=0.3)


def test_about_eight_in_a_hundred_are_in_contact_with_mental_health_services_in_a_year(made):
    _, share = per_year(made, "health_mh", kind=["referral_accepted", "contact_attended", "crisis_contact"])
    assert 0.05 < share < 0.11


def test_about_seven_in_a_hundred_live_with_domestic_abuse_in_a_year(made):
    _, share = per_year(made, "police_da_missing", kind=["domestic_abuse_incident"])
    assert 0.05 < share < 0.095


def test_about_four_in_a_hundred_are_placed_in_temporary_accommodation_in_a_year(made):
    _, share = per_year(made, "housing", kind=["temporary_accommodation"])
    assert 0.03 < share < 0.06


def test_child_protection_plans_are_between_three_and_nine_starts_per_thousand_and_year(made):
    rate, _ = per_year(made, "social_care", kind=["protection_plan"])
    assert 0.003 < rate < 0.009


def test_the_outcome_is_found_for_four_to_eight_in_a_hundred_in_six_months(made):
    children = aged(made, "2025-06-01", (10, 17))
    rows = events(made, "social_care")
    found = rows[(rows["result"] == "need_found") & rows["event"].between("2025-04-01", "2025-09-30")]
    assert 0.04 < len(set(found["person_id"]) & children) / len(children) < 0.08


def test_health_sees_fewer_black_and_asian_children_though_their_need_is_the_same(made):
    group = made.frames["equality_audit"].set_index("person_id")["ethnic_group"]
    asked = events(made, "health_mh").query("kind in ['referral_accepted', 'referral_not_accepted', 'crisis_contact']")
    rate = asked["person_id"].map(group).value_counts() / group.value_counts()
    assert rate["black"] / rate["white"] == pytest.approx(0.6, abs=0.12)
    assert rate["asian"] / rate["white"] == pytest.approx(0.6, abs=0.12)
    need = made.truth["need"].groupby(made.truth["person_id"].map(group)).mean()
    assert abs(need["black"] - need["white"]) < 0.12


def test_need_is_found_far_more_often_where_it_is_great_but_not_only_there(made):
    rows = events(made, "social_care")
    found = set(rows["person_id"][(rows["result"] == "need_found") & (rows["event"] >= "2026-05-01")])
    truth = made.truth[made.truth["person_id"].isin(aged(made, "2026-05-01", (10, 17)))]
    seen = truth["person_id"].isin(found)
    great = truth["need"] > truth["need"].quantile(0.9)
    assert seen[great].mean() > 8 * seen[~great].mean()
    assert 0.2 < seen[~great].sum() / seen.sum() < 0.7


def test_a_child_has_fewer_than_twenty_rows_on_average(made):
    rows = sum(len(made.frames[feed]) for feed in EVENT_FEEDS)
    assert 5 < rows / 20_000 < 20


@pytest.mark.long
def test_a_million_people_take_under_three_minutes_and_six_gigabytes():
    began = time.monotonic()
    big = synthetic_extracts(SPEC, n_people=1_000_000, random_state=0)
    assert len(big.truth) == 1_000_000
    assert time.monotonic() - began < 180
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 6 * 1024**2
