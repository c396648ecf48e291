"""The Open University example: the official files against their published figures, and what the extracts may say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from oulad import FOLDER, SOURCE, load_prepare, needs_files

from vru_models.feeds import read_feeds
from vru_models.spec import Spec

DATE_COLUMNS = {
    "people": ["start_date", "end_date", "known_date"],
    "registration": ["registered_on", "known_date", "course_start", "course_start_known"],
    "submissions": ["submitted_on", "known_date"],
    "missed_work": ["due_on", "known_date"],
    "results": ["event_date", "known_date"],
    "coverage": ["start_date", "known_date"],
    "equality_audit": [],
}
SCORED = ("registration", "submissions", "missed_work")
PROTECTED = ("gender", "disability", "age_band", "imd_band")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_prepare()


def read_all(script: ModuleType, folder: Path) -> dict[str, pd.DataFrame]:
    return {name: script.read_official(folder, name) for name in script.OFFICIAL}


# A presentation of each kind with five students, small enough to be worked out by hand; runs without the real files.
TINY = {
    "courses": "code_module,code_presentation,module_presentation_length\nAAA,2013B,240\nAAA,2014J,269\n",
    "assessments": "code_module,code_presentation,id_assessment,assessment_type,date,weight\n"
    "AAA,2013B,1,TMA,20,10\nAAA,2013B,2,CMA,40,0\nAAA,2013B,3,Exam,230,100\nAAA,2013B,4,Exam,?,100\n"
    "AAA,2014J,5,TMA,20,10\n",
    "studentInfo": "code_module,code_presentation,id_student,gender,region,highest_education,imd_band,age_band,"
    "num_of_prev_attempts,studied_credits,disability,final_result\n"
    "AAA,2013B,11,F,East Anglian Region,Lower Than A Level,10-20,0-35,0,60,N,Withdrawn\n"
    "AAA,2013B,12,M,Scotland,HE Qualification,?,35-55,1,120,Y,Fail\n"
    "AAA,2013B,13,M,Wales,No Formal quals,0-10%,55<=,0,60,N,Withdrawn\n"
    "AAA,2013B,14,F,Wales,A Level or Equivalent,0-10%,0-35,0,60,N,Withdrawn\n"
    "AAA,2014J,11,F,East Anglian Region,Lower Than A Level,10-20,0-35,1,60,N,Pass\n",
    "studentRegistration": "code_module,code_presentation,id_student,date_registration,date_unregistration\n"
    "AAA,2013B,11,-30,40\nAAA,2013B,12,25,\nAAA,2013B,13,,-9\nAAA,2013B,14,-5,400\nAAA,2014J,11,-3,\n",
    "studentAssessment": "id_assessment,id_student,date_submitted,is_banked,score\n"
    "1,11,20,0,80\n1,14,21,0,?\n2,12,-1,1,55\n3,12,230,0,39\n5,11,280,0,70\n",
}


@pytest.fixture(scope="module")
def tiny_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("official")
    for name, text in TINY.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


@pytest.fixture(scope="module")
def tiny(script: ModuleType, tiny_source: Path) -> dict[str, pd.DataFrame]:
    frames = script.extracts(read_all(script, tiny_source))
    module, presentation = ["AAA"] * 5, ["2013B"] * 4 + ["2014J"]
    keys = [f"{m}|{p}|{s}" for m, p, s in zip(module, presentation, [11, 12, 13, 14, 11], strict=True)]
    names = dict(zip(script.pseudonyms(script.DEMONSTRATION_KEY, "enrolment", keys), "abcde", strict=True))
    return {n: f.replace({"person_id": names}) if "person_id" in f else f for n, f in frames.items()}


def rows(frame: pd.DataFrame, *columns: str) -> list[str]:
    texts = [frame[column].astype("string").fillna("-") for column in columns]
    return sorted(" ".join(row) for row in zip(*texts, strict=True))


def test_a_spell_is_known_from_registration_and_closed_by_a_correction_on_the_day_of_unregistering(tiny):
    assert rows(tiny["people"], "person_id", "start_date", "end_date", "known_date") == [
        "a 2012-02-02 2013-03-14 2013-03-13",
        "a 2012-02-02 2013-10-29 2013-01-02",
        "b 2012-02-02 2013-10-29 2013-02-26",
        "c 2012-02-02 2013-01-24 2013-01-23",
        "d 2012-02-02 2013-10-29 2013-01-27",
        "e 2013-10-01 2015-06-28 2014-09-28",
    ]


def test_a_student_with_two_enrolments_is_two_people_in_one_household(tiny):
    households = tiny["people"].groupby("person_id")["household_id"].first()
    assert households["a"] == households["e"]
    assert households[["a", "b", "c", "d"]].nunique() == 4


def test_withdrawals_are_dated_at_unregistering_and_otherwise_like_fails_at_the_end(tiny):
    assert rows(tiny["results"], "person_id", "result", "event_date", "known_date") == [
        "a withdrawn 2013-03-13 2013-03-13",
        "b fail 2013-09-29 2013-09-29",
        "c withdrawn 2013-01-23 2013-01-23",
        "d withdrawn 2013-09-29 2013-09-29",
    ]


def test_a_course_start_is_known_when_it_has_begun_and_the_student_has_registered(tiny):
    columns = ("person_id", "registered_on", "course_start", "course_start_known", "attempt", "prior_education")
    assert rows(tiny["registration"], *columns) == [
        "a 2013-01-02 2013-02-01 2013-02-01 first below_a_level",
        "b 2013-02-26 2013-02-01 2013-02-26 repeat higher",
        "c 2013-01-23 2013-02-01 2013-02-01 first none",
        "d 2013-01-27 2013-02-01 2013-02-01 first a_level",
        "e 2014-09-28 2014-10-01 2014-10-01 repeat below_a_level",
    ]


def test_work_is_late_after_its_due_date_and_not_in_the_extract_after_the_extract_date(tiny):
    assert rows(
        tiny["submissions"], "person_id", "assessment", "kind", "submitted_on", "known_date", "timing", "score"
    ) == [
        "a 1 tma 2013-02-21 2013-02-21 on_time 80",
        "b 2 banked 2013-01-31 2013-02-26 no_due_date 55",
        "b 3 exam 2013-09-19 2013-09-19 on_time 39",
        "d 1 tma 2013-02-22 2013-02-22 late -",
    ]


def test_work_is_missed_only_by_those_registered_on_the_due_date_who_had_not_handed_it_in(tiny):
    assert rows(tiny["missed_work"], "person_id", "assessment", "due_on", "known_date", "weight") == [
        "d 1 2013-02-21 2013-02-21 10",
        "d 2 2013-03-13 2013-03-13 0",
        "e 5 2014-10-21 2014-10-21 10",
    ]


def test_protected_characteristics_are_in_the_audit_file_with_unknown_left_missing(tiny):
    assert rows(tiny["equality_audit"], "person_id", *PROTECTED) == [
        "a F none_declared 0-35 10-20%",
        "b M declared 35-55 -",
        "c M none_declared 55<= 0-10%",
        "d F none_declared 0-35 0-10%",
        "e F none_declared 0-35 10-20%",
    ]


def test_another_key_makes_other_pseudonyms_and_the_same_key_the_same(script):
    one, same, other = (script.pseudonyms(key, "student", ["7"]) for key in (b"k" * 32, b"k" * 32, b"l" * 32))
    assert one == same != other
    assert len(one[0]) == 32


def test_a_missing_official_file_writes_nothing_and_exits_74(tiny_source, tmp_path):
    command = [sys.executable, str(FOLDER / "prepare.py"), str(tmp_path / "nowhere"), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 74
    assert "courses.csv (or .csv.gz) is missing" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_short_key_is_refused(script, tmp_path):
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(ValueError, match="at least 32, from a random source"):
        script.read_key(tmp_path / "key")


@pytest.mark.parametrize("day", [30, 60])
def test_each_spec_loads_and_no_feature_comes_from_a_result_or_a_protected_characteristic(day):
    spec = Spec.load(FOLDER / f"day{day}.toml")
    scored = {spec.indicators[column.indicator].feed for column in spec.columns}
    assert scored == set(SCORED)
    for feed in scored:
        assert not {*PROTECTED, "final_result", "date_unregistration"} & set(spec.table_of(feed).columns)
    assert spec.fairness.sensitive == PROTECTED


@pytest.mark.parametrize("day", [30, 60])
def test_every_window_lies_in_view_and_every_horizon_ends_on_day_270(day):
    spec = Spec.load(FOLDER / f"day{day}.toml")
    assert max(column.window.n for column in spec.columns) == day + 365
    assert spec.outcome.horizon.n == 270 - day
    assert spec.cohort.entry[0].window.n == day + 1
    starts = ["2013-02-01", "2013-10-01", "2014-02-01", "2014-10-01"]
    assert [pd.Timestamp(d) - pd.Timedelta(day, "D") for d in spec.splits.as_of] == [pd.Timestamp(s) for s in starts]


@pytest.fixture(scope="module")
def official(script: ModuleType) -> dict[str, pd.DataFrame]:
    return read_all(script, Path(SOURCE))


@pytest.fixture(scope="module")
def real(script: ModuleType, official: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return script.extracts(official)


def registered(real: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per enrolment: day of leaving if any, and whether and on which day the outcome came first."""
    people = real["people"].sort_values("known_date").groupby("person_id").last()
    start = people["start_date"] + pd.Timedelta(365, "D")
    left = (people["end_date"] - start).dt.days - 1
    first = real["results"].groupby("person_id")["event_date"].min()
    frame = pd.DataFrame({"start": start, "left": left.where(left < 269), "outcome": (first - start).dt.days})
    known = real["people"].groupby("person_id")["known_date"].min()
    return frame.assign(registered=(known - frame["start"]).dt.days)


class TestOfficialFiles:
    pytestmark = needs_files

    def test_enrolments_submissions_and_results_are_as_published(self, real):
        assert len(real["registration"]) == real["people"]["person_id"].nunique() == 32_593
        assert real["people"]["household_id"].nunique() == 28_785
        assert len(real["submissions"]) == 173_912 - 9
        fails = real["results"].query("result == 'fail'")["person_id"]
        withdrawn = real["results"].query("result == 'withdrawn'")["person_id"]
        assert len(fails) == 7_052
        assert len(withdrawn) - len(set(fails) & set(withdrawn)) == 10_156
        assert len(set(fails) & set(withdrawn)) == 9

    def test_the_deprivation_band_is_missing_for_1111(self, real):
        assert real["equality_audit"]["imd_band"].isna().sum() == 1_111
        assert real["equality_audit"][["gender", "disability", "age_band"]].notna().all().all()

    @pytest.mark.parametrize(("day", "share"), [(0, 0.478), (30, 0.440), (60, 0.416)])
    def test_the_share_with_the_outcome_is_as_published(self, real, day, share):
        people = registered(real)
        still = people[~(people["left"] <= day)]
        assert round((still["outcome"] > day).mean(), 3) == share

    @pytest.mark.parametrize(("day", "n", "positive"), [(30, 27_510, 12_131), (60, 26_395, 11_013)])
    def test_who_is_known_on_the_morning_of_the_as_of_day_is_in_the_cohort(self, real, day, n, positive):
        people = registered(real)
        cohort = people[~(people["left"] < day) & (people["registered"] < day)]
        assert (len(cohort), (cohort["outcome"] >= day).sum()) == (n, positive)

    def test_every_outcome_comes_before_day_270_so_that_no_label_is_cut_short(self, real):
        assert registered(real)["outcome"].max() == 269

    @pytest.mark.parametrize("feed", ["people", "registration", "submissions", "missed_work", "results"])
    def test_nothing_was_known_before_it_happened_or_after_the_extract(self, real, feed):
        frame = real[feed]
        assert (frame["known_date"] <= pd.Timestamp("2015-07-01")).all()
        if feed == "registration":
            assert (frame["course_start"] <= frame["course_start_known"]).all()
            assert frame["course_start_known"].max() <= pd.Timestamp("2015-07-01")
        if feed != "people":
            assert (frame[DATE_COLUMNS[feed][0]] <= frame["known_date"]).all()

    def test_changing_what_becomes_of_people_after_day_60_changes_nothing_known_before(self, script, official, real):
        registration = official["studentRegistration"]
        on_time = registration["date_unregistration"].where(registration["date_unregistration"] <= 60)
        changed = script.extracts(
            official
            | {"studentInfo": official["studentInfo"].assign(final_result="Pass")}
            | {"studentRegistration": registration.assign(date_unregistration=on_time)}
        )
        start = registered(real)["start"]
        for feed in ("people", *SCORED):
            before = [
                f[f["known_date"] < f["person_id"].map(start) + pd.Timedelta(60, "D")].reset_index(drop=True)
                for f in (real[feed], changed[feed])
            ]
            pd.testing.assert_frame_equal(*before)

    def test_the_gate_accepts_every_row(self, script, tmp_path):
        written = script.prepare(SOURCE, tmp_path)
        feeds = read_feeds(tmp_path, Spec.load(FOLDER / "day60.toml"))
        assert {row.feed: row.accepted for row in feeds.frame().itertuples()} == written
        assert len(feeds.quarantine) == 0
        assert feeds.findings.worst == "pass"
