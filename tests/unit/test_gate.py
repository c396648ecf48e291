from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
import small

from vru_models.errors import DataError
from vru_models.feeds import Feeds, admit
from vru_models.findings import Findings


def admitted_without(name):
    frames = small.extracts()
    del frames[name]
    return admit(frames, small.spec(), extract_dates=dict.fromkeys(small.spec().feeds, small.EXTRACT_DATE))


def test_the_audit_feed_is_held_apart():
    feeds = small.admitted()
    assert "audit" not in feeds.accepted
    assert feeds.sensitive.columns.tolist() == ["person_id", "sex", "ethnicity"]
    assert feeds.sensitive["sex"].tolist() == ["F", "M", "F"]


def test_without_an_audit_feed_there_is_nothing_held_apart():
    assert small.admitted(declared=small.spec(without=("audit",))).sensitive is None


def test_rows_are_counted_per_feed():
    bad = small.rows("episode_id,person_id,start_date,known_date", "m1,c,2022-06-01,2022-06-02", "m2,c,x,2022-06-02")
    feeds = small.admitted({"missing": bad})
    assert feeds.frame().set_index("feed").loc["missing"].tolist() == [2, 1, 1]
    assert feeds.quarantine.values.tolist() == [["missing", 2, "start_date:not_a_date"]]
    assert repr(feeds) == "Feeds(5 feeds: 15 rows in, 14 accepted, 1 quarantined; findings: fail)"


def test_feeds_that_lost_a_row_cannot_be_made():
    one = pd.DataFrame({"person_id": ["a"]})
    none = pd.DataFrame({"feed": [], "row": [], "reasons": []})
    with pytest.raises(ValueError, match=r"rows in are not rows accepted \+ rows quarantined in: missing"):
        Feeds({"missing": one}, none, Findings(), {}, {"missing": 2})


def test_a_feed_that_is_missing_or_not_declared_or_undated_is_refused():
    with pytest.raises(DataError, match=r"extracts: no extract of missing. Expected: one per declared feed"):
        admitted_without("missing")
    with pytest.raises(DataError, match=r"'mising' is not known.*Did you mean 'missing'"):
        admit({"mising": small.extracts()["missing"]}, small.spec(), extract_dates={})
    with pytest.raises(DataError, match=r"extracts: no extract date for exclusions, missing, people, cover, audit"):
        admit(small.extracts(), small.spec(), extract_dates={})


def test_every_fault_of_whole_files_is_in_one_error_and_nothing_is_let_in():
    frames = {
        "missing": small.rows("episode_id,person_id,start_date,extra", "m1,c,2022-06-01,1"),
        "audit": small.rows("person_id,sex,ethnicity,home_postcode", "a,F,,x"),
    }
    with pytest.raises(DataError, match="4 faults of whole files") as caught:
        small.admitted(frames)
    assert str(caught.value).splitlines() == [
        "extracts: 4 faults of whole files.",
        "  missing: columns missing: known_date",
        "  missing: columns not declared: extra",
        "  audit: columns not declared: home_postcode",
        "  audit: column home_postcode: the column is named as a direct identifier (VRU110)",
        "Nothing was let in. Correct the extracts at their source and run again.",
    ]


def test_a_declared_column_full_of_nhs_numbers_refuses_the_feed():
    numbers = [f"99900000{i:02d}" for i in range(100)]
    valid = [n for n in numbers if sum(int(d) * w for d, w in zip(n, range(10, 0, -1), strict=True)) % 11 == 0]
    frame = small.rows("episode_id,person_id,start_date,known_date", *(f"{n},c,2022-06-01,2022-06-02" for n in valid))
    with pytest.raises(
        DataError, match=r"missing: column episode_id: looks like a NHS number: 9 of 9 .*\(VRU110\)"
    ) as caught:
        small.admitted({"missing": frame})
    assert "99900" not in str(caught.value)


def test_a_file_without_a_header_does_not_show_its_first_record():
    frame = small.rows("m1,Smithson,2022-06-01,2022-06-02", "m2,c,2022-06-01,2022-06-02")
    with pytest.raises(DataError, match=r"missing: none of the declared columns is there") as caught:
        small.admitted({"missing": frame})
    assert "Smithson" not in str(caught.value)


def test_arrow_tables_are_admitted_as_frames_are():
    tables = {name: pa.Table.from_pandas(frame, preserve_index=False) for name, frame in small.extracts().items()}
    assert small.events(tables).digest == small.events().digest


def test_the_inputs_are_not_changed():
    frames = small.extracts()
    small.admitted(frames)
    for name, frame in small.extracts().items():
        pd.testing.assert_frame_equal(frames[name], frame)


def test_text_dates_of_a_frame_are_in_the_declared_format_and_typed_ones_are_dates():
    declared = small.spec(**{"feeds.missing.source": {"date_format": "%d/%m/%Y"}})
    header = "episode_id,person_id,start_date,known_date"
    text = small.rows(header, "m1,c,01/06/2022,02/06/2022", "m2,c,2022-06-01,2022-06-02", "m3,c,31/06/2022,01/07/2022")
    typed = text.iloc[:1].assign(start_date=pd.Timestamp("2022-06-01"), known_date=pd.Timestamp("2022-06-02"))
    given, same = (small.admitted({"missing": frame}, declared) for frame in (text, typed))
    pd.testing.assert_frame_equal(given.accepted["missing"], same.accepted["missing"])
    held = given.quarantine[given.quarantine["feed"] == "missing"]
    assert held[["row", "reasons"]].to_numpy().tolist() == [
        [2, "start_date:not_a_date; known_date:not_a_date"],
        [3, "start_date:not_a_date"],
    ]
