"""The gate and the fold against row-by-row twins, on random data."""

from __future__ import annotations

import datetime as dt
import itertools
import re

import numpy as np
import pandas as pd
import small
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.events import Events
from vru_models.events.folding import fold
from vru_models.feeds.batches import Batch, Verdict
from vru_models.feeds.validate import validate, validate_batches
from vru_models.frames import arrow_table
from vru_models.spec.calendar import known_on

HEADER = "exclusion_id,person_id,kind,start_date,known_date,sessions,status"
DATES = st.sampled_from(
    ["", "x", "2019-12-31", "2022-02-30", "2022-08-31", "2022-09-01", "2022-09-02", "2024-09-01", "2024-09-02"]
)
ROW = st.tuples(
    st.sampled_from(["", "x1", "x2"]),
    st.sampled_from(["", "a", "b1", "B", "a b"]),
    st.sampled_from(["", "S", "L", "Z"]),
    DATES,
    DATES,
    st.sampled_from(["", "0", "1", "90", "91", "1.0", "many"]),
    st.sampled_from(["", "recorded", "withdrawn", "unknown"]),
)


def day(text):
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def broken(row):
    """Every rule that one row breaks, as the schema of ``small`` has it, read row by row."""
    _, person, kind, start, known, sessions, status = row
    happened, learnt = day(start), day(known)
    yield from (
        f"{c}:required" for c, v in zip(HEADER.split(","), row, strict=True) if not v and c not in ("kind", "sessions")
    )
    yield from (
        f"{c}:not_a_date" for c, v, d in (("start_date", start, happened), ("known_date", known, learnt)) if v and not d
    )
    if person and not re.fullmatch("[a-z][0-9a-z]*", person):
        yield "person_id:pattern"
    if sessions == "many":
        yield "sessions:not_a_number"
    elif sessions and not 1 <= float(sessions) <= 90:
        yield "sessions:below_minimum" if float(sessions) < 1 else "sessions:above_maximum"
    if kind == "Z" and happened:
        yield "kind:not_in_codelist"
    if kind == "L" and happened and happened > dt.date(2022, 8, 31):
        yield "kind:not_valid_then"
    if status == "unknown":
        yield "status:not_declared"
    if happened and (happened > small.EXTRACT_DATE or (learnt and happened > learnt)):
        yield "start_date:date_order"
    if learnt and learnt > small.EXTRACT_DATE:
        yield "known_date:date_order"
    if happened and happened < dt.date(2020, 1, 1):
        yield "outside_agreement"


def twin(rows, unique=None):
    """What is broken by row number; ``unique`` is the column, if any, whose numbers are to be unique."""
    found, keys, values = {}, set(), set()
    for number, row in enumerate(rows, 1):
        reasons = set(broken(row))
        if not reasons:
            value = float(row[unique]) if unique and row[unique] else None
            reasons |= {"duplicate"} if (row[0], row[4]) in keys else set()
            reasons |= {"sessions:not_unique"} if value is not None and value in values else set()
            keys.add((row[0], row[4]))
            values.add(value)
        if reasons:
            found[number] = reasons
    return found


@given(st.lists(ROW, max_size=12))
@settings(max_examples=50, deadline=None)
def test_the_gate_says_of_every_row_what_a_reading_row_by_row_says(rows):
    table = arrow_table(pd.DataFrame(rows, columns=HEADER.split(","), dtype="str"))
    verdict = validate(table, SPEC, feed="exclusions", extract_date=small.EXTRACT_DATE)
    assert found_in(verdict) == twin(rows)
    assert len(verdict.accepted) + len(verdict.quarantine) == len(rows)


@st.composite
def cut_feeds(draw):
    """Rows, among which some could not be split (None), and the places at which the file is cut."""
    rows = draw(st.lists(st.one_of(ROW, ROW, ROW, st.none()), max_size=20))
    return rows, sorted(draw(st.lists(st.integers(0, len(rows)), max_size=6)))


def batch_of(rows, first):
    split = pd.DataFrame([row for row in rows if row], columns=HEADER.split(","), dtype="str")
    return Batch(arrow_table(split), first, tuple(i for i, row in enumerate(rows, first) if row is None))


def found_in(verdict):
    return {row: set(reasons.split("; ")) for row, reasons in verdict.quarantine.itertuples(index=False)}


@given(cut_feeds())
@settings(max_examples=60, deadline=None)
def test_however_a_feed_is_cut_the_verdict_is_that_of_the_whole_and_of_a_reading_row_by_row(feed):
    rows, cuts = feed
    edges = [0, *cuts, len(rows)]
    batches = [batch_of(rows[a:b], a + 1) for a, b in itertools.pairwise(edges)]
    about = {"feed": "exclusions", "extract_date": small.EXTRACT_DATE}
    parts = list(validate_batches(batches, UNIQUE, **about))
    whole = batch_of(rows, 1)
    verdict = validate(whole.table, UNIQUE, **about, malformed=whole.malformed)
    joined = Verdict.joined(parts)
    assert [part.rows_in for part in parts] == [b - a for a, b in itertools.pairwise(edges)]
    assert joined.table.equals(verdict.table)
    assert joined.rows_in == verdict.rows_in == verdict.table.num_rows + len(verdict.quarantine)
    pd.testing.assert_frame_equal(joined.quarantine, verdict.quarantine)
    expected = twin([row or BAD for row in rows], unique=5)
    expected |= {i: {"wrong_number_of_fields"} for i, row in enumerate(rows, 1) if row is None}
    assert found_in(joined) == expected


SPEC = small.spec()
BAD = ("",) * 7
FIELDS = small.SCHEMAS["exclusions"]["fields"]
UNIQUE = small.spec(
    schemas={
        "exclusions": small.SCHEMAS["exclusions"]
        | {"fields": [f | {"constraints": f["constraints"] | {"unique": f["name"] == "sessions"}} for f in FIELDS]}
    }
)
VERSIONS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.booleans()), max_size=10)


def known_by_reading(versions, key, at):
    """The last version of a key known strictly before a day; none when it is a withdrawal."""
    said = [(known, i, void) for i, (k, known, void) in enumerate(versions) if k == key and known < at]
    _, i, void = max(said, default=(None, None, True))
    return None if void else i


@given(VERSIONS)
@settings(max_examples=60, deadline=None)
def test_what_was_known_on_a_day_is_the_last_version_said_before_it(versions):
    frame = pd.DataFrame(versions, columns=["event_id", "day", "void"])
    frame["known_date"] = (np.datetime64("2024-01-01") + frame["day"].to_numpy().astype("timedelta64[D]")).astype(
        "datetime64[s]"
    )
    folded = fold(frame.assign(n=range(len(frame))), "event_id")
    folded = folded[~folded["void"].astype(bool)]
    for at in range(8):
        known = known_on(
            folded["known_date"].to_numpy(),
            folded["known_until"].to_numpy(),
            np.datetime64("2024-01-01") + np.timedelta64(at, "D"),
        )
        expected = {known_by_reading(versions, key, at) for key in "abc"} - {None}
        assert set(folded["n"][known]) == expected


EVENTS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from("xy"),
        st.integers(0, 3),
        st.integers(0, 3),
        st.sampled_from(["recorded", "withdrawn"]),
    ),
    max_size=8,
)


@given(EVENTS, st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_events_do_not_depend_on_the_order_of_their_versions_and_unfold_to_themselves(rows, random):
    distinct = {
        (f"e-{person}-{code}", lag): (person, code, date, lag, status) for person, code, date, lag, status in rows
    }
    frame = pd.DataFrame(
        [
            {
                "event_id": event,
                "person_id": person,
                "indicator": code,
                "event_date": np.datetime64("2024-01-01") + np.timedelta64(date, "D"),
                "known_date": np.datetime64("2024-02-01") + np.timedelta64(lag, "D"),
                "status": status,
            }
            for (event, _), (person, code, date, lag, status) in distinct.items()
        ],
        columns=["event_id", "person_id", "indicator", "event_date", "known_date", "status"],
    )
    order = list(range(len(frame)))
    random.shuffle(order)
    events = Events.from_frame(frame)
    assert Events.from_frame(frame.iloc[order]).digest == events.digest
    assert Events.from_frame(events.versions).digest == events.digest
