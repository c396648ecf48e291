"""The tables of readiness before protection, against ten plain lines each, on random extracts."""

from collections import Counter
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import ready
import small
import world
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.disclosure.profiles import PROFILES, Profile
from vru_models.quality.calendar import states
from vru_models.spec.calendar import as_days


@pytest.fixture
def unprotected(monkeypatch):
    """A profile that hides nothing but what is below nothing, so that true counts can be compared."""
    shown = Profile("opensafely", 0, 1, "for the twin")
    monkeypatch.setattr("vru_models.disclosure.profiles.PROFILES", {**PROFILES, "opensafely": shown})


def random_extracts(seed):
    rng = np.random.default_rng(seed)
    made = world.extracts(n=int(rng.integers(20, 60)), seed=seed)
    strange = rng.random(len(made["missing"])) < 0.3
    made["missing"].loc[strange, "person_id"] = "z" + made["missing"]["person_id"][strange].str[1:]
    made["exclusions"].loc[rng.random(len(made["exclusions"])) < 0.3, "sessions"] = ""
    made["exclusions"].loc[rng.random(len(made["exclusions"])) < 0.2, "kind"] = ""
    made["audit"] = made["audit"].sample(frac=0.8, random_state=seed)
    return made


def shown(table, *keys):
    """Counts by label; a redacted cell is nothing (0, with this profile)."""
    rows = table.table.fillna(dict.fromkeys(table.counts, 0)).to_dict("records")
    return {tuple(row[k] for k in keys): {c: row[c] for c in table.counts} for row in rows}


@pytest.mark.parametrize("seed", range(4))
def test_every_count_is_that_of_its_naive_twin(seed, unprotected):
    frames = random_extracts(seed)
    feeds = small.admitted(frames)
    events = small.events(frames).frame.to_dict("records")
    view = set(feeds.accepted["people"]["person_id"])
    held = {name: set(feeds.accepted[name]["person_id"]) for name in ("exclusions", "missing", "people")}
    made = ready.made(frames)

    reach = shown(made.tables["reach"], "feed")
    joins = shown(made.tables["joins"], "feed", "other")
    for a in ("exclusions", "missing"):
        assert reach[a,] == {
            "people": len(held[a]),
            "in_view": len(view),
            "known": hidden(len(held[a] & view), len(view)),
        }
    for (a, mine), (b, theirs) in permutations(held.items(), 2):
        assert joins[a, b] == {"people": len(mine), "shared": hidden(len(mine & theirs), len(mine))}

    complete = shown(made.tables["completeness"], "feed", "column", "of")
    for name, frame in feeds.accepted.items():
        for column in frame.columns:
            gone = sum(map(is_absent, frame[column].astype(object)))
            assert complete[name, column, "every row"] == {"rows": len(frame), "missing": hidden(gone, len(frame))}

    first = {}
    for event in sorted(events, key=lambda e: e["known_date"]):
        first.setdefault(event["event_id"], event)
    lags = shown(made.tables["lags"], "indicator")
    for name in {e["indicator"] for e in events}:
        days = [(e["known_date"] - e["event_date"]).days for e in first.values() if e["indicator"] == name]
        assert lags[name,]["events"] == len(days)
        assert lags[name,]["late"] == hidden(sum(d > 31 for d in days), len(days))
        assert lags[name,]["known_0_to_7"] == hidden(sum(d <= 7 for d in days), len(days))
        assert lags[name,]["known_8_to_31"] == hidden(sum(7 < d <= 31 for d in days), len(days))
        row = ready.table(made, "lags", indicator=name)
        assert row["median_days"] == sorted(days)[int(np.ceil(0.5 * (len(days) - 1)))]


@pytest.mark.parametrize("seed", range(4))
def test_every_count_by_group_is_that_of_its_naive_twin(seed, unprotected):
    frames = random_extracts(seed)
    feeds = small.admitted(frames)
    view = set(feeds.accepted["people"]["person_id"])
    sex = dict(zip(feeds.sensitive["person_id"], feeds.sensitive["sex"], strict=True))
    made = shown(ready.made(frames).tables["groups"], "group", "measure", "feed")
    used = {"exclusions": ["person_id", "start_date", "known_date", "status", "kind"],
            "missing": ["person_id", "start_date", "known_date"]}  # fmt: skip
    for name, columns in used.items():
        rows = feeds.accepted[name].astype(object).to_dict("records")
        theirs = {row["person_id"] for row in rows}
        for group in ("F", "M", "not recorded"):
            members = {p for p in view | theirs if sex.get(p, "not recorded") == group}
            seen, mine = members & view, [r for r in rows if r["person_id"] in members & view]
            cells = [row[c] for row in mine for c in columns]
            gone = sum(map(is_absent, cells))
            check = {
                "reach": (len(seen), len(seen & theirs), len(seen)),
                "joined": (len(members & theirs), len(members & theirs & view), len(members & theirs)),
                "missing": (len({r["person_id"] for r in mine}), gone, len(cells)),
            }
            for measure, (people, part, whole) in check.items():
                expected = {"people": people, "part": hidden(part, whole), "whole": whole}
                assert made.get((group, measure, name), dict.fromkeys(expected, 0)) == expected, (group, measure, name)


def is_absent(value):
    return value is None or value is pd.NA or value != value


def hidden(part, whole):
    """A part is not shown when it, or what is left of the whole, is nothing."""
    return part if 0 < part < whole else 0


DAYS = st.integers(0, 120).map(lambda n: np.datetime64("2024-01-01") + np.timedelta64(n, "D"))
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["*", "A", "B", "C"]), st.none() | st.integers(8, 20), st.none() | st.integers(8, 20), DAYS,
        st.none() | DAYS,
    ),
    max_size=5,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(ROWS, DAYS)
def test_a_month_is_what_its_days_areas_and_ages_are(rows, extract):
    columns = ["area", "age_from", "age_to", "start_date", "end_date"]
    frame = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[3:], "datetime64[s]"))
    months = np.arange("2023-12", "2024-07", dtype="datetime64[M]")
    found = states(frame, months, ["A", "B"], (10, 17), extract)
    for month, state in zip(months, found, strict=True):
        days = np.arange(month.astype("datetime64[D]"), (month + np.timedelta64(1, "M")).astype("datetime64[D]"))
        cells = Counter(
            any(
                area in (where, "*")
                and (low is None or low <= age)
                and (high is None or age <= high)
                and start <= day
                and (end is None or day < end)
                for area, low, high, start, end in rows
            )
            for day in days[days <= as_days(extract)]
            for where in ("A", "B")
            for age in range(10, 18)
        )
        assert state == ("not shared" if not cells[True] else "partly" if cells[False] else "shared")
