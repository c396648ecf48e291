import datetime as dt

import numpy as np
import pandas as pd
import pytest
import small
from page import Page

from vru_models.audit.release import Release
from vru_models.findings import Finding, Findings
from vru_models.models import Card
from vru_models.models.card import CardFeature
from vru_models.scoring import Scores
from vru_models.scoring.output import sheets
from vru_models.scoring.reasons import data_gaps, explain

BAD = "<script>alert(1)</script>"
AS_OF = np.datetime64("2026-12-01")
EXTRACTED = dt.date(2026, 11, 28)
ABUSE = "The police were called to domestic abuse in the household."
RECORDED = ABUSE.replace(".", " (1 in 12 months, 1 in 6 months).")
DOMESTIC_ABUSE = {
    "feed": "missing",
    "direction": "raises",
    "activity_driver": "child_event",
    "disclose_to": ["panel"],
    "reason": ABUSE,
    "rationale": small.BECAUSE,
}
SUSPENSION = small.DECLARED["indicators"]["suspension"] | {"disclose_to": ["panel", "practitioner", "child", "parent"]}
BOTH = [
    {
        "indicators": ["suspension", "domestic_abuse"],
        "measures": ["count"],
        "windows": ["6 months", "12 months"],
        "rationale": small.BECAUSE,
    }
]


def spec(**changes):
    indicators = {"indicators.domestic_abuse": DOMESTIC_ABUSE, "indicators.suspension": SUSPENSION}
    return small.spec(**{**indicators, "features": BOTH, **changes})


def card(**points):
    """A card with one bin of none and one of some for each feature; NaN is neutral at 0."""
    features = [
        CardFeature(f.name, edges=(0.0,), points=(0, points.get(f.indicator, 0)), neutral=0, reference=0, kind="count")
        for f in spec().columns
    ]
    return Card(tuple(features), slope=0.1, intercept=-4.0)


def counts(*rows):
    return pd.DataFrame(rows, columns=[f.name for f in spec().columns], dtype="float64")


def person(place, **changes):
    return {
        "person_id": f"p{place}",
        "place": place,
        "kind": "points",
        "points": 9,
        "inclusion_probability": 1.0,
        "band": "A",
        "reason_1": "Suspended from school",
        "reason_2": ABUSE,
        "reason_3": "",
        "protective": "",
        "data_gaps": "",
    } | changes


def gate(status, **figures):
    return Finding("VRU501", status, "exclusions", "extracted some days before the as-of date", figures)


def scores(*people, declared=None, found=None, overrides=None):
    release = Release(
        purpose="small",
        version=2,
        card=card(),
        spec=declared or spec(),
        approved_by="B. Person, owner",
        approved_on=dt.date(2026, 1, 2),
        expires_on=dt.date(2027, 1, 2),
        overrides={},
        signers=(),
        pinned=True,
        digest="d" * 64,
        known_rows=0,
        linked={},
        volumes=pd.DataFrame(),
        checkpoint=b"",
    )
    return Scores(
        list=pd.DataFrame(people),
        as_of=AS_OF,
        counts={"listed": len(people)},
        findings=Findings([found or gate("pass", days=3)]),
        overrides=overrides or {},
        overridden_by="C. Person, lead" if overrides else "",
        release=release,
        extract_dates={} if found and found.status == "cannot tell" else {"exclusions": EXTRACTED},
        events_digest="e" * 64,
    )


def page(*people, **changes):
    return Page(sheets(scores(*people, **changes)))


def sheet(*people, **changes):
    """The text of the sheets, without what stands before them."""
    html = sheets(scores(*people, **changes))
    return Page(html[html.index("<main>") : html.index("</main>")]).text


def test_every_listed_person_has_one_sheet():
    found = page(person(1), person(2), person(3, kind="random", band="random"))
    assert [tag for tag, _ in found.tags].count("article") == 3
    assert all(found.text.count(f"Pseudonym p{i}") == 1 for i in (1, 2, 3))


def test_a_sheet_names_place_band_in_words_and_points():
    text = sheet(person(4, band="B"))
    assert text.startswith("Pseudonym p4 List of 2026-12-01 First judgement")
    place = (
        "Place 4 of the 1 that go by points, band B (as many points as in the second third of these places); 9 points."
    )
    assert place in text


def test_a_place_that_was_drawn_among_equals_says_so():
    lottery = "As many points as somebody who is not on the list: this place was drawn by lottery among them."
    assert lottery in sheet(person(1, inclusion_probability=0.4))
    assert lottery not in sheet(person(1, inclusion_probability=1.0))


def test_a_random_place_says_so_and_gives_no_rank():
    text = sheet(person(3, kind="random", band="random"))
    assert "Drawn at random , by lottery from everybody eligible below the places that go by points; 9 points." in text
    assert "Place 3" not in text


def test_the_first_judgement_comes_before_place_band_points_and_reasons():
    text = sheet(person(1))
    box = text.index("First judgement, before reading on")
    assert all(box < text.index(t) for t in ("Place 1", "band A", "9 points", "Suspended from school"))


def test_the_order_of_the_sheets_does_not_tell_the_place():
    text = sheet(person(1, person_id="p9"), person(2, person_id="p1"), person(3, person_id="p5"))
    assert [text.index(f"Pseudonym {p}") for p in ("p1", "p5", "p9")] == sorted(
        text.index(f"Pseudonym {p}") for p in ("p1", "p5", "p9")
    )


def test_the_cover_defines_the_bands_and_what_is_not_known():
    text = page(person(1)).text
    assert "Bands. A: the first third of the places that go by points" in text
    assert "Random: drawn by lottery from everybody eligible below those places" in text
    assert "That can be more than the points for “none recorded”" in text


def test_every_reason_is_given_and_an_empty_one_is_not():
    found = sheet(person(1))
    assert f"What raised the points most: Suspended from school {ABUSE} What speaks for less need" in found


def test_somebody_without_a_reason_is_not_dropped():
    text = sheet(person(1, reason_1="", reason_2=""))
    assert "Pseudonym p1" in text
    assert "Nothing recorded raised the points." in text


def test_none_recorded_is_not_said_to_be_none():
    assert "Nothing of the kind is recorded, which does not mean that there is none." in sheet(person(1))
    assert "What speaks for less need Kept appointments. What" in sheet(person(1, protective="Kept appointments."))


def test_every_gap_is_a_line_of_its_own():
    html = sheets(scores(person(1, data_gaps="withheld, over 6 months: Moves; not yet due, over 6 months: Absence")))
    assert "<li>withheld, over 6 months: Moves</li>\n<li>not yet due, over 6 months: Absence</li>" in html


SHARED = "Every feed that points are made from was shared for this person"


def test_every_feed_was_shared_is_said_of_those_alone_of_whom_it_is_true():
    assert SHARED in sheet(person(1))
    gap = sheet(person(1, data_gaps="withheld, over 6 months: Moves"))
    assert SHARED not in gap
    assert "It earned neutral points, which can be more than those for “none recorded”:" in gap


def test_without_a_record_of_what_was_shared_nobody_is_said_to_be_fully_known():
    feeds = {name: feed for name, feed in small.DECLARED["feeds"].items() if name != "cover"}
    text = sheet(person(1), declared=spec(feeds=feeds))
    assert SHARED not in text
    assert "It is not written down what each agency shared, so nobody knows what is missing here." in text


def test_every_sheet_gives_the_date_of_each_extract_and_who_decides():
    text = sheet(person(1), person(2))
    assert text.count("Extracts of 2026-11-28 (3 days before the list): exclusions.") == 2
    assert text.count("This is a proposal. The panel decides.") == 2


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (gate("fail", days=90), "Extracts of 2026-11-28 (90 days before the list, stale): exclusions."),
        (gate("cannot tell"), "Extracts of a day that nobody knows: exclusions."),
        (gate("pass", days=1), "(1 day before the list)"),
        (gate("pass", days=0), "(the day of the list)"),
        (gate("pass", days=-2), "(2 days after the list)"),
    ],
)
def test_a_stale_extract_is_marked_and_one_of_unknown_age_says_so(found, said):
    assert said in sheet(person(1), found=found)


def test_a_gate_that_was_overridden_is_on_the_cover_with_the_reason():
    text = page(person(1), found=gate("fail", days=90), overrides={"VRU501": "Schools were closed."}).text
    said = (
        "did not pass (exclusions: extracted some days before the as-of date). "
        "Reason given by C. Person, lead: Schools were closed."
    )
    assert said in text
    assert "did not pass" not in page(person(1)).text


def test_an_answer_to_one_feed_alone_stands_beside_what_was_found_of_it():
    text = page(person(1), found=gate("fail", days=90), overrides={"VRU501:exclusions": "Schools were closed."}).text
    assert "Made although VRU501:exclusions did not pass (exclusions: extracted some days" in text


def test_the_cover_says_what_it_is_not_for_and_who_may_read_it():
    text = page(person(1)).text
    for said in ("A list is a proposal. The panel decides", "enforcement", "For the panel alone.", "pseudonymised"):
        assert said in text


def test_what_looks_like_a_script_is_shown_and_not_run():
    bad = dict.fromkeys(["person_id", "band", "reason_1", "reason_2", "reason_3", "protective", "data_gaps"], BAD)
    found = page(person(1, **bad), declared=spec(**{"purpose.statement": BAD, "purpose.not_for": [BAD]}))
    assert found.runs_and_fetches_nothing()
    assert found.balanced
    assert found.text.count(BAD) == 9


def test_the_page_is_whole_asks_for_nothing_and_can_be_read_aloud():
    found = page(person(1), person(2, kind="random", data_gaps="a"))
    assert found.balanced
    assert found.runs_and_fetches_nothing()
    assert found.has_policy()
    assert found.skips_no_heading()
    assert len(found.ids) == len(set(found.ids))
    assert ("html", {"lang": "en-GB"}) in found.tags


def test_the_same_list_gives_the_same_bytes():
    assert sheets(scores(person(1))) == sheets(scores(person(1)))


@pytest.mark.parametrize("audience", ["practitioner", "child", "parent"])
def test_a_domestic_abuse_reason_reaches_the_panel_alone(audience):
    X = counts([1, 1, 1, 1])
    made = card(suspension=2, domestic_abuse=5)
    told = explain(spec(), made, X, audience=audience)
    assert "domestic" not in " ".join(told.to_numpy().ravel())
    assert explain(spec(), made, X).iloc[0].tolist() == [
        RECORDED,
        "Suspended from school (1 in 12 months, 1 in 6 months)",
        "",
        "",
    ]


def test_a_sheet_for_a_parent_would_not_hold_a_domestic_abuse_reason():
    told = explain(spec(), card(suspension=2, domestic_abuse=5), counts([1, 1, 1, 1]), audience="parent").iloc[0]
    text = sheet(person(1, **told.to_dict()))
    assert "domestic" not in text
    assert "Suspended from school" in text


def test_what_lowers_the_points_is_protective_and_no_reason():
    told = explain(spec(), card(suspension=-3, domestic_abuse=1), counts([0, 1, 0, 1])).iloc[0]
    assert told.tolist() == [
        ABUSE.replace(".", " (1 in 12 months, none in 6 months)."),
        "",
        "",
        "Suspended from school (1 in 12 months, none in 6 months)",
    ]


def test_an_indicator_without_points_is_no_reason():
    assert explain(spec(), card(suspension=4), counts([0, 0, 1, 1])).iloc[0].tolist() == ["", "", "", ""]


def statuses(*rows):
    names = ["exclusions_6m", "exclusions_12m", "missing_6m", "missing_12m"]
    return pd.DataFrame(rows, columns=names, dtype="uint8")


def test_a_gap_is_said_in_words_with_feeds_and_windows_of_one_reason_together():
    assert data_gaps(spec(), statuses([2, 2, 2, 2], [5, 2, 1, 6], [3, 3, 7, 0])) == [
        "not shared with the partnership, over 6 and 12 months: exclusions / missing",
        "known for part of the time only, so not counted, over 6 months: exclusions; not shared with the partnership, "
        "over 12 months: exclusions; not yet due from the agency, over 12 months: missing",
        "the person was not in view here, over 6 and 12 months: exclusions; withheld, over 6 months: missing",
    ]


def test_what_is_known_is_no_gap_and_what_cannot_apply_is_one():
    assert data_gaps(spec(), statuses([0, 1, 1, 0], [0, 0, 4, 0])) == [
        "",
        "cannot apply at this age or time of year, over 6 months: missing",
    ]


def test_a_gap_names_the_feed_by_its_title_and_no_title_parts_a_line():
    titled = spec(schemas={"missing": small.SCHEMAS["missing"] | {"title": "Missing; episodes"}})
    assert data_gaps(titled, statuses([0, 0, 2, 0])) == [
        "not shared with the partnership, over 6 months: Missing, episodes"
    ]
