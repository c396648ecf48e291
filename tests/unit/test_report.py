import copy
import json
import re
from importlib import resources

import pytest
from page import Page

from vru_models.audit import report as report_module
from vru_models.audit.report import render, report

BAD = "<script>alert(1)</script>"
FINDINGS = [
    ("VRU201", "pass", "leakage", "identical when everything known later is deleted"),
    ("VRU302", "cannot tell", "sex", "cannot tell; the figures are in the table of groups"),
    ("VRU402", "fail", "simple rule", "precision at capacity +0.02 against flags: use the simple rule"),
    ("VRU404", "not applicable", "calibration", "no chances are stated"),
]
CAPACITY = ["places", "n", "n_labelled", "positives", "listed_labelled", "listed_positives", "precision", "recall"]
FIGURES = ["38", "1,210", "1,105", "85", "35", "25", "0.714", "0.294"]
GROUPS = ["n", "n_labelled", "positives", "selected", "selected_labelled", "selected_positives", "missed"]
FEMALE = ["600", "550", "45", "20", "20", "15", "30", "pass", "0.033", "0.333", "0.750", "0.057", "0.21 to 0.47"]
RATES = ["recall_verdict", "selection_rate", "recall", "precision", "false_omission_rate", "recall_95"]
CARD = """Add the points.

feature  bin  points
missing_count_12m  0  0

 score    chance
     0     1.3 %
    17    22.6 %

log-odds = -4.1 + 0.09 x score
"""
AGREEMENT = {"id": "DSA-7", "gateway": "Children Act 2004 section 10", "areas": ["*"], "from": "2021-04-01",
             "extracted": "2026-11-01"}  # fmt: skip
RECORD = {
    "about": {
        "purpose": {
            "name": "early_help",
            "statement": "Offer support early.",
            "not_for": ["enforcement", "school admission"],
            "lawful_basis": "Public task.",
            "owner": "Director",
            "dpia": {"reference": "DPIA-9", "review_by": "2027-03-31"},
            "equality_assessment": {"reference": "EIA-4", "review_by": "2027-04-30"},
        },
        "cohort": {"age_from": 10, "age_to": 17, "areas": ["*"], "entry": [], "routed": [], "rationale": "Ages."},
        "outcome": {
            "name": "support_need",
            "statement": "An assessment finds a need.",
            "not_a_measure_of": "Conduct.",
            "at_least": 1,
            "horizon": "6 months",
            "embargo": "2 months",
            "reporting_lag": "1 month",
        },
        "capacity": {"k": 40, "random_share": 0.05},
        "fairness": {"sensitive": ["sex"], "limits": {"recall": 0.15}, "min_group": 30},
        "success": {"bars": [{"metric": "auc", "at_least": 0.7}]},
        "disclosure": {"profile": "opensafely"},
        "model": "dense",
        "agreements": [
            {**AGREEMENT, "feed": "missing", "to": "2028-03-31", "purposes": ["train"], "recipients": ["panel"]}
            | {"opt_out": True}
        ],
        "indicators": [
            {
                "indicator": "missing_episode",
                "feed": "missing",
                "role": "subject",
                "status": "recorded",
                "use": "score",
                "direction": "raises",
                "activity_driver": "child_event",
                "disclose_to": ["panel"],
                "reason": "Was reported missing.",
                "rationale": "An established sign of harm.",
            }
        ],
        "features": ["missing_count_12m"],
    },
    "headline": {
        "listed_in_embargo": "35",
        "model": "dense",
        "simple_rule": "flag_count",
        "as_of": "2026-02-01",
        "people_ranked": "1,210",
        "places_by_points": "38",
        "precision": "0.714",
        "precision_95": "0.52 to 0.83",
        "recall": "0.294",
        "recall_95": "0.21 to 0.39",
        "positives": "85",
        "missed": "60",
        "number_needed_to_review": "1.4",
        "lift": "9.3",
        "auc": "0.801",
        "auc_ceiling": "0.812",
        "ceiling": "better",
        "calibration_slope": "0.97",
        "mean_chance": "7.4 %",
        "base_rate": "7.7 %",
    },
    "trained_on": {"rows": "8,765", "people": "1,340", "positives": "655", "dates": "12"},
    "limits": [{"measure": "recall", "limit": "0.15", "everyone": "0.29", "warning": ""}],
    "card": {
        "text": CARD,
        "digest": "c" * 64,
        "table": {
            "columns": ["feature", "bin", "lower", "upper", "points"],
            "rows": [
                ["missing_count_12m", "0", "-inf", "0", "0"],
                ["missing_count_12m", "1 or more", "0", "inf", "17"],
            ],
        },
    },
    "findings": [
        dict(zip(("code", "status", "where", "message"), finding, strict=True), figures={}) for finding in FINDINGS
    ],
    "tables": {
        "comparison": {
            "columns": ["model", "role", *CAPACITY, "precision_95", "recall_95", "auc"],
            "rows": [
                ["dense", "chosen", *FIGURES, "0.52 to 0.83", "0.21 to 0.39", "0.801"],
                ["random", "comparator", *FIGURES[:5], "redacted", "not testable", "not testable", "", "", "0.500"],
                ["boosting", "comparator", *FIGURES[:5], "30", "0.857", "0.353", "", "", "0.812"],
            ],
        },
        "by_split": {
            "columns": ["split", "model", *CAPACITY, "auc"],
            "rows": [["2025-08-01", "dense", *FIGURES, "0.799"], ["2026-02-01", "dense", *FIGURES, "0.801"]],
        },
        "against": {
            "columns": ["against", "difference_in_precision", "interval_95"],
            "rows": [["random", "+0.64", "+0.47 to +0.75"], ["boosting", "-0.14", "-0.23 to -0.06"]],
        },
        "reliability": {
            "columns": ["band", "mean_probability", "n", "n_labelled", "positives", "observed"],
            "rows": [["0.000 to 0.100", "0.042", "1,005", "915", "45", "0.049"]],
        },
        "labels": {"columns": ["as_of", "eligible", "treated"], "rows": [["2026-02-01", "1,210", "redacted"]]},
        "choice": {"columns": ["candidate", "mean_precision", "mean_distance"], "rows": [["dense", "0.69", "0.0"]]},
        "regret": {"columns": ["split", "picked", "regret"], "rows": [["2025-08-01", "dense", "0.0"]]},
        "groups": {
            "columns": ["attribute", "group", *GROUPS, *RATES],
            "rows": [
                ["sex", "F", *FEMALE],
                ["sex", "U", "15", "10", *["redacted"] * 5, "not testable", *["not testable"] * 4, ""],
            ],
        },
    },
    "digests": {"spec": "a" * 64, "run": "b" * 64},
}
APPROVAL = {
    "approved_by": "B. Person, Senior Responsible Owner",
    "approved_on": "2026-11-24",
    "expires_on": "2027-11-24",
    "version": 6,
    "signed_by": ["f" * 64],
    "overrides": {"VRU302": "Group small this year.", "VRU402": "The panel wants reasons, not flags."},
}


def record(**changes):
    """The literal record; dotted keys set values: ``record(**{"headline.missed": "redacted"})``."""
    made = copy.deepcopy(RECORD)
    for dotted, value in changes.items():
        *path, last = dotted.split(".")
        at = made
        for part in path:
            at = at[int(part) if isinstance(at, list) else part]
        at[int(last) if isinstance(at, list) else last] = value
    return made


def without(table):
    made = record()
    del made["tables"][table]
    return made


def text_of(html):
    return Page(html).text


@pytest.fixture
def undrawn(monkeypatch):
    """Nothing is drawn: pictures have a test of their own, and drawing takes long."""
    monkeypatch.setattr(report_module, "published_pictures", lambda record: {})


@pytest.fixture(scope="module")
def approved():
    return render(RECORD, APPROVAL)


def test_evidence_that_nobody_approved_says_so_first(undrawn):
    text = text_of(render(RECORD, None))
    assert text.index("Not approved: evidence only.") < text.index("Found and missed")
    assert "B. Person" not in text


def test_page_one_names_who_approved_and_the_last_day(approved):
    first = text_of(approved).split("Contents")[0]
    assert "Approved by B. Person, Senior Responsible Owner on 2026-11-24, version 6." in first
    assert "up to and including 2027-11-24" in first
    assert "Not approved" not in first


def test_page_one_says_what_it_is_not_for(approved):
    first = text_of(approved).split("Contents")[0]
    assert "enforcement" in first
    assert "school admission" in first


def test_every_override_has_its_finding_and_its_reason_on_page_one(approved):
    first = text_of(approved).split("Contents")[0]
    for code, reason in APPROVAL["overrides"].items():
        message = next(m for c, _, _, m in FINDINGS if c == code)
        assert first.index(code) < first.index(message) < first.index(reason)


def test_an_approval_without_overrides_says_that_there_are_none(undrawn):
    assert "No check was overridden." in text_of(render(RECORD, APPROVAL | {"overrides": {}}))


def test_what_stands_in_the_way_is_on_page_one_while_nobody_approved(undrawn):
    first = text_of(render(RECORD, None)).split("Contents")[0]
    for code, status, where, message in FINDINGS:
        assert (f"{status} {code}, {where}: {message}." in first) == (status in ("fail", "cannot tell"))


def test_every_finding_is_there_worst_first(approved):
    listed = text_of(approved).split("Every check that was made")[1]
    order = [listed.index(f"{code} {where}") for code, _, where, _ in (FINDINGS[i] for i in (2, 1, 3, 0))]
    assert order == sorted(order)
    assert all(message in listed for *_, message in FINDINGS)


def test_the_missed_stand_beside_the_found(approved):
    first = text_of(approved).split("Contents")[0]
    assert "Found about 25 of 35 people listed by points" in first
    assert "Missed about 60 of 85 people with the need were not on the list" in first


def test_simpler_ways_stand_on_page_one_with_the_difference(undrawn):
    flags = ["dense_flags", "candidate", *FIGURES[:5], "15", "0.429", "0.176", "", "", "0.700"]
    rows = [*RECORD["tables"]["comparison"]["rows"], flags]
    against = [*RECORD["tables"]["against"]["rows"], ["dense_flags", "+0.29", "0.11 to 0.40"]]
    more = {"tables.comparison.rows": rows, "tables.against.rows": against, "headline.simple_rule": "dense_flags"}
    first = text_of(render(record(**more), None)).split("Contents")[0]
    assert "Better than counting flags? ✗ fail precision at capacity +0.02 against flags: use the simple rule." in first
    said = "Counting flags: about 15 of 35 listed had the need; precision here +0.29 against it (0.11 to 0.40)"
    assert said in first
    assert (
        "Drawing at random: redacted of 35 listed had the need; precision here +0.64 against it (+0.47 to +0.75)"
        in first
    )


def test_a_choice_made_by_folds_shows_what_it_went_by(undrawn):
    folds = {
        "columns": ["candidate", "mean_precision", "mean_distance", "mean_auc"],
        "rows": [["dense", *["undefined"] * 2, "0.71"]],
    }
    assert "mean AUC in folds dense undefined undefined 0.71" in text_of(
        render(record(**{"tables.choice": folds}), None)
    )


def test_a_redacted_headline_is_said_to_be_redacted(undrawn):
    hidden = record(**{"headline.missed": "redacted", "tables.comparison.rows.0.7": "redacted"})
    text = text_of(render(hidden, None))
    assert "Found redacted of 35" in text
    assert "Missed redacted of 85" in text


def test_a_group_that_is_not_testable_is_named_beside_the_verdict(approved):
    first = text_of(approved).split("Contents")[0]
    assert "sex recall 0.29 0.15 ? cannot tell U" in first


def test_a_pass_beside_groups_that_may_not_be_shown_is_never_a_plain_pass(undrawn):
    text = text_of(render(record(**{"findings.1.status": "pass"}), None))
    assert "sex recall 0.29 0.15 ✓ pass (some groups not shown here) U" in text
    assert "0.21 to 0.47 ✓ pass (some groups not shown here)" in text


def test_a_pass_where_every_group_is_shown_says_no_more(undrawn):
    shown = record(**{"findings.1.status": "pass"})
    del shown["tables"]["groups"]["rows"][1]
    assert "not shown here" not in text_of(render(shown, None))


def test_a_pass_in_a_row_with_a_redacted_figure_says_so(undrawn):
    text = text_of(render(record(**{"tables.groups.rows.0.7": "redacted"}), None))
    assert "0.21 to 0.47 ✓ pass (some figures not shown here)" in text


def test_a_limit_no_smaller_than_its_figure_is_warned_of_on_page_one(undrawn):
    warned = record(**{"limits.0.warning": "the limit is no smaller than the recall itself"})
    first = text_of(render(warned, None)).split("Contents")[0]
    assert "Read recall with care: the limit is no smaller than the recall itself." in first
    assert "with care" not in text_of(render(RECORD, None))


def test_the_signers_fingerprint_is_there_where_the_approval_has_it(undrawn):
    assert f"the fingerprint {'f' * 64} ." in text_of(render(RECORD, APPROVAL))
    unsigned = {name: value for name, value in APPROVAL.items() if name != "signed_by"}
    assert "fingerprint f" not in text_of(render(RECORD, unsigned))


def test_page_one_says_what_was_learnt_from_and_whether_chances_hold_on_average(approved):
    first = text_of(approved).split("Contents")[0]
    assert "8,765 rows about 1,340 distinct people, on 12 as-of dates; in 655 of the rows the need was found" in first
    assert "stated a chance of 7.4 % on average, and 7.7 % of the people whose outcome is known had the need" in first


@pytest.mark.parametrize(
    ("ceiling", "said"),
    [
        ("better", "It finds more than the card"),
        ("worse", "It finds fewer than the card"),
        ("not told apart", "It is not shown to find more or fewer than the card"),
        ("not testable", "Whether it finds more than the card cannot be shown here"),
    ],
)
def test_page_one_says_in_a_sentence_whether_the_ceiling_is_better(undrawn, ceiling, said):
    first = text_of(render(record(**{"headline.ceiling": ceiling}), None)).split("Contents")[0]
    assert "about 30 of 35 listed had the need; precision here -0.14 against it (-0.23 to -0.06). " + said in first


def test_every_code_on_the_page_has_its_meaning_once(approved):
    meanings = text_of(approved).split("The codes on this page")[1]
    for code in {code for code, *_ in FINDINGS}:
        assert re.search(rf"{code} (Is|Of|Do)\b[^?]*\?", meanings)
    assert approved.count("Is it shown that nothing learnt on or after a date took part") == 1


def test_findings_that_say_the_same_stand_in_one_row(undrawn):
    passes = [dict(RECORD["findings"][0], code="VRU101", where=feed, message="all rows") for feed in ("a_b", "c")]
    text = text_of(render(record(findings=[*RECORD["findings"], *passes]), None))
    assert "VRU101 a b, c all rows" in text


def test_an_answer_to_one_finding_alone_stands_beside_that_finding(undrawn):
    other = dict(RECORD["findings"][1], where="age", message="another message")
    answered = APPROVAL | {"overrides": {"VRU302:sex": "Group small this year."}}
    text = text_of(render(record(findings=[*RECORD["findings"], other]), answered))
    row = text.split("reason given ")[-1].split("Group small")[0]
    assert "cannot tell , sex: cannot tell;" in row
    assert "another message" not in row


def test_a_feature_without_points_is_named_in_one_line(undrawn):
    rows = [*RECORD["card"]["table"]["rows"], *([["move_any_6m", value, "", "", "0"] for value in ("no", "yes")])]
    text = text_of(render(record(**{"card.table.rows": rows}), None))
    assert "No points, whatever the value: move: any in 6 months." in text
    assert "move: any in 6 months no 0 yes 0" not in text


def test_a_cell_that_is_not_testable_is_not_marked_a_pass(approved):
    row = re.search(r'<tr>\s*<th scope="row">U</th>.*?</tr>', approved, re.DOTALL).group()
    assert "not testable" in row
    assert "pass" not in row


def test_without_an_audit_file_nobody_knows_whom_the_list_misses(undrawn):
    text = text_of(render(without("groups"), None))
    assert "all: no audit file" in text
    assert "nobody knows whom the list misses" in text


def test_the_whole_card_is_there_one_row_per_bin(approved):
    text = text_of(approved)
    assert "missing: how many in 12 months 0 0 1 or more 17" in text


def test_chances_are_shown_as_the_card_states_them(approved):
    assert "score 0 17 chance 1.3 % 22.6 %" in text_of(approved)


def test_a_card_that_states_no_chances_has_no_ready_reckoner(undrawn):
    assert "What a score means" not in text_of(render(record(**{"card.text": "Add the points.\n\nfeature"}), None))


def test_agreements_indicators_and_digests_are_there(approved):
    text = text_of(approved)
    for said in ("DSA-7", "Children Act 2004 section 10", "2021-04-01 to 2028-03-31", "An established sign of harm."):
        assert said in text
    assert "May be told panel alone" in text
    assert all(digest in text for digest in ("a" * 64, "b" * 64, "c" * 64))


def test_the_profile_is_named_with_its_rule(approved):
    assert "profile opensafely: counts of 7 or fewer are redacted, others rounded to the nearest 5" in text_of(approved)


PLACES = """card.table.rows.0.0 about.features.0 about.indicators.0.rationale about.indicators.0.reason
about.purpose.name about.agreements.0.gateway about.agreements.0.feed about.purpose.statement about.model
about.purpose.not_for.0
findings.0.message findings.0.where tables.groups.rows.0.1 tables.groups.rows.1.1 tables.comparison.rows.1.0
tables.by_split.rows.0.1 tables.reliability.rows.0.0 tables.labels.columns.1 headline.missed digests.spec"""


def test_what_looks_like_a_script_is_shown_and_not_run():
    html = render(record(**dict.fromkeys(PLACES.split(), BAD), **{"card.text": f"score chance\n{BAD} {BAD}"}), None)
    page = Page(html)
    assert page.runs_and_fetches_nothing()
    assert page.balanced
    assert html.count("&lt;script&gt;") >= len(PLACES.split())


def test_a_script_in_a_reason_for_an_override_is_shown_and_not_run(undrawn):
    html = render(RECORD, APPROVAL | {"overrides": {"VRU302": BAD}, "approved_by": BAD})
    assert Page(html).runs_and_fetches_nothing()
    assert BAD in text_of(html)


def test_the_page_is_whole_and_asks_for_nothing(approved):
    page = Page(approved)
    assert page.balanced
    assert page.runs_and_fetches_nothing()
    assert page.has_policy()
    assert not re.search(r"https?:|//[a-z]", approved)


def test_a_screen_reader_finds_its_way(approved):
    page = Page(approved)
    assert page.skips_no_heading()
    assert page.every_table_is_labelled()
    assert len(page.ids) == len(set(page.ids))
    assert ("html", {"lang": "en-GB"}) in page.tags
    pictures = [attrs for _, attrs in page.tags if attrs.get("role") == "img"]
    assert len(pictures) == 3
    assert all(attrs["aria-label"] for attrs in pictures)


def test_links_on_the_page_lead_somewhere(approved):
    page = Page(approved)
    ids = set(page.ids)
    links = {attrs["href"].removeprefix("#") for tag, attrs in page.tags if tag == "a"}
    referred = {attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs}
    assert links | referred <= ids


def test_the_same_record_gives_the_same_bytes(approved):
    assert render(copy.deepcopy(RECORD), copy.deepcopy(APPROVAL)) == approved


def test_no_number_is_on_the_page_that_is_not_in_the_record(approved):
    template = resources.files("vru_models.audit").joinpath("report.html.j2").read_text(encoding="utf-8")
    prose = re.sub(r"<style>.*?</style>|{[{%].*?[}%]}", " ", template, flags=re.DOTALL)
    asked = re.sub(r"<[^>]*>", " ", prose)
    number = r"\d[\d,.]*\d|\d"
    known = set(re.findall(number, json.dumps([RECORD, APPROVAL], ensure_ascii=False) + asked)) | {"7", "5"}
    assert set(re.findall(number, text_of(approved))) - known == set()


def test_words_that_are_not_used_are_not_on_the_page(approved):
    words = r"anonymi[sz]ed|offender|dangerous|debias|ground truth|high-risk|predict"
    assert not re.search(words, text_of(approved), re.IGNORECASE)


def test_the_report_is_written_as_the_page(tmp_path, monkeypatch, undrawn):
    monkeypatch.setattr(report_module, "published", lambda run, evidence: RECORD)
    report("run", "evidence", out=tmp_path / "a" / "report.html", approval=APPROVAL)
    assert (tmp_path / "a" / "report.html").read_text(encoding="utf-8") == render(RECORD, APPROVAL)
