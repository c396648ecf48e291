"""Reshape the official Open University files into an extracts folder, as the agencies' own extract jobs would.

    python prepare.py SOURCE OUT [--key FILE]

SOURCE holds assessments, courses, studentAssessment, studentInfo and studentRegistration as .csv or .csv.gz. OUT is
made and receives one CSV file per feed and, last, extracts.toml. The person is an enrolment (module, presentation,
student); the student is the household. Every row says when it happened and when it was known, and nothing known after
the extract date is written. The rules and their reasons are in README.md beside this file.
"""

from __future__ import annotations

import argparse
import hmac
import sys
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

EXTRACT_DATE = pd.Timestamp("2015-07-01")
FIRST_DAY = {"B": "-02-01", "J": "-10-01"}
DAYS_IN_VIEW_BEFORE_START = 365
FIRST_DAY_OUT_OF_VIEW = 270
SHARED_FROM = pd.Timestamp("2012-01-01")

DEMONSTRATION_KEY = b"public data: this key hides nothing"
"""Makes repeatable pseudonyms of data that anyone may download. Never for data that are not public."""

ENROLMENT = ["code_module", "code_presentation", "id_student"]
OFFICIAL = {
    "courses": [*ENROLMENT[:2], "module_presentation_length"],
    "assessments": [*ENROLMENT[:2], "id_assessment", "assessment_type", "date", "weight"],
    "studentAssessment": ["id_assessment", "id_student", "date_submitted", "is_banked", "score"],
    "studentInfo": [
        *ENROLMENT, "gender", "region", "highest_education", "imd_band", "age_band", "num_of_prev_attempts",
        "studied_credits", "disability", "final_result",
    ],
    "studentRegistration": [*ENROLMENT, "date_registration", "date_unregistration"],
}  # fmt: skip
EDUCATION = {
    "No Formal quals": "none",
    "Lower Than A Level": "below_a_level",
    "A Level or Equivalent": "a_level",
    "HE Qualification": "higher",
    "Post Graduate Qualification": "postgraduate",
}


def prepare(source: str | Path, out: str | Path, *, key: bytes = DEMONSTRATION_KEY) -> dict[str, int]:
    """Rows written per feed.

    Raises FileNotFoundError for an official file that is missing and ValueError for one without its columns; in both
    cases nothing is written.
    """
    feeds = extracts({name: read_official(Path(source), name) for name in OFFICIAL}, key)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in feeds.items():
        frame.to_csv(folder / f"{name}.csv", index=False, date_format="%Y-%m-%d", lineterminator="\n")
    (folder / "extracts.toml").write_text(f"extract_date = {EXTRACT_DATE.date()}\n", encoding="utf-8")
    return {name: len(frame) for name, frame in feeds.items()}


def extracts(official: dict[str, pd.DataFrame], key: bytes = DEMONSTRATION_KEY) -> dict[str, pd.DataFrame]:
    """The feeds, one frame each, in the order in which their rows became known."""
    enrolled = enrolments(official, key)
    work = submitted_work(enrolled, official)
    return {
        "people": people(enrolled),
        "registration": registration(enrolled),
        "submissions": submissions(work),
        "missed_work": missed_work(enrolled, work, official["assessments"]),
        "results": results(enrolled),
        "coverage": coverage(["registration", "submissions", "missed_work", "results"]),
        "equality_audit": equality_audit(enrolled),
    }


def read_official(folder: Path, name: str) -> pd.DataFrame:
    """One official file, plain or gzip-compressed; "?" and empty are missing."""
    found = [file for file in (folder / f"{name}.csv", folder / f"{name}.csv.gz") if file.is_file()]
    if not found:
        raise FileNotFoundError(f"{folder}: {name}.csv (or .csv.gz) is missing. Expected: the five official files.")
    frame = pd.read_csv(found[0], na_values=["?"])
    if absent := [column for column in OFFICIAL[name] if column not in frame.columns]:
        raise ValueError(f"{found[0]}: lacks {', '.join(absent)}. Expected: the columns of the official file.")
    return frame[OFFICIAL[name]]


def enrolments(official: dict[str, pd.DataFrame], key: bytes) -> pd.DataFrame:
    """One row per enrolment with its pseudonyms and its dates: start, end, registered, unregistered.

    A registration without a date counts as known when the presentation starts, or when it ended if that was earlier.
    An unregistration dated after the presentation's end is no date of leaving it, and counts as not dated.
    """
    frame = official["studentInfo"].merge(official["studentRegistration"], on=ENROLMENT, validate="1:1")
    frame = frame.merge(official["courses"], on=ENROLMENT[:2], validate="m:1")
    presentation, student = frame["code_presentation"], frame["id_student"].astype(str)
    start = pd.to_datetime(presentation.str[:4] + presentation.str[4].map(FIRST_DAY))
    end = start + days(frame["module_presentation_length"])
    unregistered = start + days(frame["date_unregistration"])
    unregistered = unregistered.where(unregistered <= end)
    known_by = unregistered.where(unregistered < start, start)
    return frame.assign(
        person_id=pseudonyms(key, "enrolment", frame["code_module"] + "|" + presentation + "|" + student),
        household_id=pseudonyms(key, "student", student),
        start=start,
        end=end,
        registered=(start + days(frame["date_registration"])).fillna(known_by),
        unregistered=unregistered,
    )


def submitted_work(enrolled: pd.DataFrame, official: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Every submission with its enrolment's dates and the date on which the work was due, if it had one."""
    work = official["studentAssessment"].merge(official["assessments"], on="id_assessment", validate="m:1")
    dates = enrolled[[*ENROLMENT, "person_id", "start", "registered"]]
    work = work.merge(dates, on=ENROLMENT, validate="m:1")
    return work.assign(
        submitted=work["start"] + days(work["date_submitted"]),
        due=work["start"] + days(work["date"]),
        banked=work["is_banked"].astype(str).str.lower().isin(["true", "1"]),
    )


def people(enrolled: pd.DataFrame) -> pd.DataFrame:
    """Spells: known from registration, corrected on the day of unregistering, which is the last day in view."""
    opened = enrolled.assign(
        end_date=enrolled["start"] + pd.Timedelta(FIRST_DAY_OUT_OF_VIEW, "D"), known_date=enrolled["registered"]
    )
    closed = enrolled[enrolled["unregistered"].notna()]
    closed = closed.assign(end_date=closed["unregistered"] + pd.Timedelta(1, "D"), known_date=closed["unregistered"])
    stayed_a_day = ~(enrolled["unregistered"] <= enrolled["registered"])
    spells = pd.concat([opened[stayed_a_day], closed])
    spells = spells.assign(
        spell_id=spells["person_id"] + "-1",
        area=spells["region"].str.removesuffix(" Region").str.lower().str.replace(" ", "_"),
        birth_month="",
        start_date=spells["start"] - pd.Timedelta(DAYS_IN_VIEW_BEFORE_START, "D"),
        roll=spells["code_module"].str.lower(),
    )
    columns = ["spell_id", "person_id", "household_id", "area", "roll", "birth_month", "start_date", "end_date"]
    return spells[[*columns, "known_date"]].sort_values(["known_date", "spell_id"])


def registration(enrolled: pd.DataFrame) -> pd.DataFrame:
    """What is on the registration form, and the start of the course as an event of its own."""
    frame = pd.DataFrame(
        {
            "person_id": enrolled["person_id"],
            "registered_on": enrolled["registered"],
            "known_date": enrolled["registered"],
            "course_start": enrolled["start"],
            "course_start_known": later(enrolled["start"], enrolled["registered"]),
            "module": enrolled["code_module"].str.lower(),
            "attempt": (enrolled["num_of_prev_attempts"] > 0).map({True: "repeat", False: "first"}),
            "credits": enrolled["studied_credits"],
            "prior_education": enrolled["highest_education"].map(EDUCATION),
        }
    )
    return frame.sort_values(["known_date", "person_id"])


def submissions(work: pd.DataFrame) -> pd.DataFrame:
    """Work handed in by the extract date, with its score; a banked score is known from registration."""
    late, no_due_date = work["submitted"] > work["due"], work["due"].isna() | work["banked"]
    frame = pd.DataFrame(
        {
            "person_id": work["person_id"],
            "assessment": work["id_assessment"].astype(str),
            "kind": work["assessment_type"].str.lower().where(~work["banked"], "banked"),
            "submitted_on": work["submitted"],
            "known_date": later(work["submitted"], work["registered"]),
            "timing": late.map({True: "late", False: "on_time"}).where(~no_due_date, "no_due_date"),
            "score": work["score"].astype("Int64"),
        }
    )
    frame = frame[frame["known_date"] <= EXTRACT_DATE]
    return frame.sort_values(["known_date", "person_id", "assessment"])


def missed_work(enrolled: pd.DataFrame, work: pd.DataFrame, assessments: pd.DataFrame) -> pd.DataFrame:
    """Assignments that fell due while the person was registered and were not in by then; exams are not among them."""
    assignments = assessments[assessments["assessment_type"].isin(["TMA", "CMA"]) & assessments["date"].notna()]
    dates = enrolled[[*ENROLMENT, "person_id", "start", "registered", "unregistered"]]
    due = dates.merge(assignments, on=ENROLMENT[:2])
    due = due.assign(due_on=due["start"] + days(due["date"]))
    in_time = work.loc[work["submitted"] <= work["due"], ["person_id", "id_assessment"]].assign(in_time=True)
    due = due.merge(in_time, on=["person_id", "id_assessment"], how="left")
    registered = (due["registered"] <= due["due_on"]) & ~(due["unregistered"] <= due["due_on"])
    due = due[registered & due["in_time"].isna()]
    frame = pd.DataFrame(
        {
            "person_id": due["person_id"],
            "assessment": due["id_assessment"].astype(str),
            "kind": due["assessment_type"].str.lower(),
            "due_on": due["due_on"],
            "known_date": due["due_on"],
            "weight": due["weight"],
        }
    )
    return frame.sort_values(["known_date", "person_id", "assessment"])


def results(enrolled: pd.DataFrame) -> pd.DataFrame:
    """Withdrawals on the day of unregistering; fails, and withdrawals without a date, on the last day."""
    left = enrolled["unregistered"].notna() | (enrolled["final_result"] == "Withdrawn")
    dates = {
        "withdrawn": enrolled.loc[left, "unregistered"].fillna(enrolled["end"]),
        "fail": enrolled.loc[enrolled["final_result"] == "Fail", "end"],
    }
    parts = [
        pd.DataFrame({"person_id": enrolled["person_id"][on.index], "result": code, "event_date": on, "known_date": on})
        for code, on in dates.items()
    ]
    return pd.concat(parts).sort_values(["known_date", "person_id", "result"])


def coverage(feeds: Iterable[str]) -> pd.DataFrame:
    """Every feed of events, shared for everyone since before the first registration."""
    return pd.DataFrame([
        {"coverage_id": feed, "feed": feed, "area": "*", "age_from": "", "age_to": "", "start_date": SHARED_FROM,
         "end_date": "", "known_date": SHARED_FROM}
        for feed in feeds
    ])  # fmt: skip


def equality_audit(enrolled: pd.DataFrame) -> pd.DataFrame:
    """Protected characteristics, held apart; a deprivation band that is not known stays missing."""
    disabled = enrolled["disability"].astype(str).str.lower().isin(["true", "y", "1"])
    frame = pd.DataFrame(
        {
            "person_id": enrolled["person_id"],
            "gender": enrolled["gender"],
            "disability": disabled.map({True: "declared", False: "none_declared"}),
            "age_band": enrolled["age_band"],
            "imd_band": enrolled["imd_band"].replace("10-20", "10-20%"),
        }
    )
    return frame.sort_values("person_id")


def days(numbers: pd.Series) -> pd.Series:
    """Whole days as lengths of time; missing stays missing."""
    return pd.to_timedelta(numbers, unit="D")


def later(one: pd.Series, other: pd.Series) -> pd.Series:
    """The later of two dates, row by row."""
    return one.where(one > other, other)


def pseudonyms(key: bytes, kind: str, identifiers: Iterable[str]) -> list[str]:
    """HMAC-SHA-256 of each identifier under the key, 128 bits of it in hexadecimal."""
    return [hmac.digest(key, f"{kind}|{identifier}".encode(), "sha256").hex()[:32] for identifier in identifiers]


def read_key(file: Path) -> bytes:
    """The key in a file: at least 32 bytes."""
    key = file.read_bytes()
    if len(key) < 32:
        raise ValueError(f"{file}: the key has {len(key)} bytes. Expected: at least 32, from a random source.")
    return key


def main(arguments: list[str] | None = None) -> int:
    """Prepare one folder from the command line; 0 when done, 4 for unusable files, 74 for files that are not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, metavar="SOURCE", help="folder with the five official files")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the extracts")
    parser.add_argument("--key", type=Path, metavar="FILE", help="key for the pseudonyms (default: a public one)")
    given = parser.parse_args(arguments)
    try:
        key = read_key(given.key) if given.key else DEMONSTRATION_KEY
        rows = prepare(given.source, given.out, key=key)
    except OSError as error:
        print(f"prepare: {error}", file=sys.stderr)
        return 74
    except ValueError as error:
        print(f"prepare: {error}", file=sys.stderr)
        return 4
    for feed, count in rows.items():
        print(f"{feed:<15} {count:>8,} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
