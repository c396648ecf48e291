from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
import small
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.feeds.dates import in_iso_dates

SCHEMA = small.spec().table_of("missing")
FORMS = ["%d/%m/%Y", "%m/%d/%Y", "%d-%b-%y", "%d %B %Y", "%Y%m%d", "%d/%m/%Y 00:00:00"]
DAYS = st.dates(dt.date(1969, 1, 1), dt.date(2068, 12, 31))


def read(texts, form, **kind):
    return in_iso_dates(pa.table({"start_date": pa.array(texts, **kind)}), SCHEMA, form=form)["start_date"].to_pylist()


def naive(text, form):
    if text is None or text == "":
        return text
    try:
        day = dt.datetime.strptime(text, form).date()  # noqa: DTZ007
    except ValueError:
        day = None
    if day is not None and day.strftime(form.replace("%Y", f"{day.year:04d}")) == text:  # a C library may not pad years
        return day.isoformat()
    return f"?{text}" if len(text) == 10 and text[4] == text[7] == "-" and text.replace("-", "").isdigit() else text


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("10/01/2022", "2022-01-10"),
        ("29/02/2024", "2024-02-29"),
        ("29/02/2023", "29/02/2023"),
        ("30/02/2024", "30/02/2024"),
        ("31/04/2022", "31/04/2022"),
        ("1/2/2022", "1/2/2022"),
        (" 10/01/2022", " 10/01/2022"),
        ("10/01/2022 ", "10/01/2022 "),
        ("10/01/22", "10/01/22"),
        ("2022-01-10", "?2022-01-10"),
        ("2022-02-30", "?2022-02-30"),
        ("", ""),
        (None, None),
    ],
)
def test_a_text_is_a_date_only_as_it_would_be_written(text, iso):
    assert read([text], "%d/%m/%Y") == [iso]


def test_a_year_of_two_digits_is_from_1969_to_2068():
    assert read(["01-Jan-69", "31-Dec-68"], "%d-%b-%y") == ["1969-01-01", "2068-12-31"]


def test_a_value_that_is_declared_missing_is_left_to_be_missing():
    schema = SCHEMA.model_copy(update={"missing_values": ("", "01/01/1900")})
    table = pa.table({"start_date": ["01/01/1900", "02/01/1900"]})
    assert in_iso_dates(table, schema, form="%d/%m/%Y")["start_date"].to_pylist() == ["01/01/1900", "1900-01-02"]


def test_only_text_in_declared_date_columns_is_rewritten():
    day, text = dt.date(2022, 1, 10), "10/01/2022"
    table = pa.table({"start_date": [day], "known_date": [text], "episode_id": [text], "other": [text]})
    assert in_iso_dates(table, SCHEMA, form="%d/%m/%Y").to_pydict() == {
        "start_date": [day],
        "known_date": ["2022-01-10"],
        "episode_id": [text],
        "other": [text],
    }


def test_columns_that_are_there_twice_stay_so():
    table = pa.Table.from_arrays([pa.array(["10/01/2022"])] * 2, names=["start_date"] * 2)
    rewritten = in_iso_dates(table, SCHEMA, form="%d/%m/%Y")
    assert rewritten.column_names == ["start_date", "start_date"]
    assert [c.to_pylist() for c in rewritten.itercolumns()] == [["2022-01-10"]] * 2


def test_iso_dates_are_the_gates_to_read():
    table = pa.table({"start_date": ["2022-01-10", "10/01/2022"]})
    assert in_iso_dates(table, SCHEMA, form="%Y-%m-%d") is table


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_text_is_text_however_it_is_kept(kind):
    table = pa.table({"start_date": pa.array(["10/01/2022", None]).cast(kind)})
    assert in_iso_dates(table, SCHEMA, form="%d/%m/%Y")["start_date"].to_pylist() == ["2022-01-10", None]


TEXTS = st.one_of(
    st.builds(lambda day, form: day.strftime(form), DAYS, st.sampled_from([*FORMS, "%Y-%m-%d"])),
    st.from_regex(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4}", fullmatch=True),
    st.sampled_from([None, "", "x", "00/00/0000", "01/01/0000", "2022-13-01"]),
)


@given(st.lists(TEXTS, max_size=20), st.sampled_from(FORMS))
@settings(max_examples=100, deadline=None)
def test_dates_are_as_python_reads_and_writes_them_one_by_one(texts, form):
    assert read(texts, form, type=pa.string()) == [naive(text, form) for text in texts]
