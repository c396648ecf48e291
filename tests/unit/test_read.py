from __future__ import annotations

import datetime as dt
import os

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import small

from vru_models.errors import DataError, RefusedError, StorageError
from vru_models.events import record_events
from vru_models.feeds import read_feeds, write_extracts

HEADER = "episode_id,person_id,start_date,known_date"
ROW = "m1,a,2022-06-01,2022-06-02"


@pytest.fixture
def folder(tmp_path):
    write_extracts(tmp_path / "x", small.extracts(), extract_date=small.EXTRACT_DATE)
    return tmp_path / "x"


def test_what_was_written_is_read_and_gives_the_same_events(folder):
    feeds = read_feeds(folder, small.spec())
    assert record_events(feeds, small.spec()).digest == small.events().digest
    assert set(feeds.extract_dates.values()) == {small.EXTRACT_DATE}


def test_the_same_frames_give_the_same_bytes(folder, tmp_path):
    write_extracts(tmp_path / "y", small.extracts(), extract_date=small.EXTRACT_DATE)
    assert {f.name: f.read_bytes() for f in folder.iterdir()} == {
        f.name: f.read_bytes() for f in (tmp_path / "y").iterdir()
    }


def test_typed_frames_are_written_as_the_contract_has_it(tmp_path):
    frame = pd.DataFrame(
        {
            "birth_month": pd.to_datetime(["2010-01-01", None]),
            "start_date": pd.to_datetime(["2021-09-01", None]),
            "roll": [True, False],
            "n": pd.array([1, None], dtype="Int64"),
            "note": ["a,b", None],
        }
    )
    write_extracts(
        tmp_path / "x", {"people": frame}, extract_date=dt.date(2024, 1, 2), own_dates={"people": dt.date(2024, 1, 1)}
    )
    assert (tmp_path / "x" / "people.csv").read_text() == (
        'birth_month,start_date,roll,n,note\n2010-01,2021-09-01,true,1,"a,b"\n,,false,,\n'
    )
    assert (tmp_path / "x" / "extracts.toml").read_text() == (
        "extract_date = 2024-01-02\n\n[feeds.people]\nextract_date = 2024-01-01\n"
    )


def test_a_feeds_own_extract_date_is_used(folder):
    (folder / "extracts.toml").write_text("extract_date = 2024-09-01\n[feeds.missing]\nextract_date = 2024-08-20\n")
    dates = read_feeds(folder, small.spec()).extract_dates
    assert (dates["missing"], dates["people"]) == (dt.date(2024, 8, 20), dt.date(2024, 9, 1))


def test_parquet_is_read_as_csv_is(folder):
    small.extracts()["missing"].to_parquet(folder / "missing.parquet", index=False)
    (folder / "missing.csv").unlink()
    assert record_events(read_feeds(folder, small.spec()), small.spec()).digest == small.events().digest


def test_a_byte_order_mark_and_windows_line_ends_are_not_data(folder):
    text = (folder / "missing.csv").read_bytes()
    (folder / "missing.csv").write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    assert read_feeds(folder, small.spec()).frame()["quarantined"].sum() == 0


def test_rows_that_cannot_be_split_are_quarantined_under_their_own_numbers(folder):
    with (folder / "missing.csv").open("a") as file:
        file.write('m2,c\nm3,c,2022-06-01,2022-06-02,more\nm4,c,2022-06-01,bad\n"m5",c,2022-06-01,2022-06-02\n')
    feeds = read_feeds(folder, small.spec())
    assert feeds.quarantine.values.tolist() == [
        ["missing", 2, "wrong_number_of_fields"],
        ["missing", 3, "wrong_number_of_fields"],
        ["missing", 4, "known_date:not_a_date"],
    ]
    assert feeds.frame().set_index("feed").loc["missing"].tolist() == [5, 2, 3]


@pytest.mark.parametrize(
    "row", ['"m2,c,2022-06-01,2022-06-02\nm3,c,2022-06-01,2022-06-02\n', '"m\n2",c,2022-06-01,2022-06-02\n']
)
def test_a_quotation_mark_that_swallows_a_line_end_is_refused_and_no_row_is_lost_unseen(folder, row):
    with (folder / "missing.csv").open("a") as file:
        file.write(row)
    with pytest.raises(DataError, match=r"missing.csv: .* a quotation mark is not closed, or a field holds a line end"):
        read_feeds(folder, small.spec())


def test_a_feed_with_a_header_alone_is_an_empty_feed(folder):
    (folder / "missing.csv").write_text("episode_id,person_id,start_date,known_date\n")
    feeds = read_feeds(folder, small.spec())
    found = feeds.findings.where(lambda f: f.where == "missing" and f.code == "VRU102")
    assert [(f.status, f.message) for f in found] == [("cannot tell", "the extract has no rows")]


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda f: (f / "extracts.toml").unlink(), StorageError, "extracts.toml is missing.*Write it: extract_date"),
        (
            lambda f: (f / "missing.csv").unlink(),
            StorageError,
            "no file for feed missing. Expected: missing.csv or missing.parquet",
        ),
        (
            lambda f: (f / "missing.parquet").write_bytes(b""),
            DataError,
            "missing.csv and missing.parquet are both there",
        ),
        (lambda f: (f / "missing.csv").write_bytes(b""), DataError, "missing.csv: is empty. Expected: a header line"),
        (
            lambda f: (f / "missing.csv").write_bytes("episode_id\nZo\u00eb".encode("latin-1")),
            DataError,
            "missing.csv: is not UTF-8 text",
        ),
        (
            lambda f: (f / "missing.csv").write_bytes(b"person_id,person_id\na,b\n"),
            DataError,
            "columns there twice: person_id",
        ),
        (
            lambda f: (f / "missing.csv").rename(f / "missing.parquet"),
            DataError,
            "missing.parquet: is not a Parquet file",
        ),
        (lambda f: (f / "extracts.toml").write_text("extract_date ="), DataError, "extracts.toml: is not TOML"),
        (lambda f: (f / "extracts.toml").write_bytes(b"\xff"), DataError, "extracts.toml: is not UTF-8 text"),
        (
            lambda f: (f / "extracts.toml").write_text("extract_date = " + "[\n" * 50_000),
            DataError,
            r"extracts.toml: is not TOML that can be used \(nested too deeply.*Expected: extract_date = 2026-11-01",
        ),
        (
            lambda f: (f / "extracts.toml").write_text("extract_date = 2999-11-01"),
            DataError,
            "extracts.toml: exclusions: a day of the year 2999. Expected: a year from 1900 to 2200",
        ),
        (
            lambda f: (f / "extracts.toml").write_bytes(b"#" * ((1 << 20) + 1)),
            RefusedError,
            "extracts.toml: is too long. Expected: at most 1,048,576 bytes",
        ),
        (
            lambda f: (f / "extracts.toml").write_text("extract_date = '2024-09-01'"),
            DataError,
            "extracts.toml: exclusions: has no extract date",
        ),
        (
            lambda f: (f / "extracts.toml").write_text("extract_date = 2024-09-01T00:00:00"),
            DataError,
            "has no extract date",
        ),
        (lambda f: (f / "extracts.toml").write_text("date = 2024-09-01"), DataError, "extracts.toml: has other keys"),
        (lambda f: (f / "extracts.toml").write_text("feeds = 3"), DataError, "extracts.toml: has other keys"),
        (
            lambda f: (f / "extracts.toml").write_text("[feeds]\nmissing = 1"),
            DataError,
            "exclusions: has no extract date",
        ),
        (
            lambda f: (f / "extracts.toml").write_text("extract_date = 2024-09-01\n[feeds.mising]"),
            DataError,
            "Did you mean 'missing'",
        ),
    ],
)
def test_what_is_wrong_with_a_folder_is_said_with_the_remedy(folder, spoil, error, message):
    spoil(folder)
    with pytest.raises(error, match=message):
        read_feeds(folder, small.spec())


def test_a_taken_folder_is_not_overwritten(folder):
    with pytest.raises(StorageError, match=r"extracts: cannot be written"):
        write_extracts(folder, small.extracts(), extract_date=small.EXTRACT_DATE)


@pytest.mark.parametrize("text", ["{header}", "{header}\r", '"episode_id",person_id,start_date,known_date'])
def test_a_header_needs_no_line_end_to_be_an_empty_feed(folder, text):
    (folder / "missing.csv").write_text(text.format(header=HEADER))
    feeds = read_feeds(folder, small.spec())
    assert feeds.frame().set_index("feed").loc["missing"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_lines_end_as_they_do_on_any_machine(folder, end):
    (folder / "missing.csv").write_bytes(
        end.join([f'"{HEADER.replace(",", chr(34) + "," + chr(34))}"', ROW, ""]).encode()
    )
    feeds = read_feeds(folder, small.spec())
    assert feeds.frame().set_index("feed").loc["missing"].tolist() == [1, 1, 0]


def test_a_carriage_return_within_a_row_makes_two_that_cannot_be_split(folder):
    (folder / "missing.csv").write_text(f"{HEADER}\nm1,a\rb,2022-06-01,2022-06-02\n{ROW}\n", newline="")
    feeds = read_feeds(folder, small.spec())
    assert feeds.quarantine["row"].tolist() == [1, 2]
    assert feeds.frame().set_index("feed").loc["missing"].tolist() == [3, 1, 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("\n" + HEADER + "\n", "missing.csv: its first line is empty. Expected: a header line"),
        (HEADER + "," + "z" * 200_000 + "\n", "missing.csv: its header is not CSV"),
        (HEADER + "," + "z" * (1 << 20) + "\n", "missing.csv: its header is too long. Expected: at most 1,048,576"),
        (HEADER + ",c" * 997 + "\n", "missing.csv: has 1,001 columns. Expected: the declared ones, at most 1,000"),
        (
            f"{HEADER}\n{ROW}\n" + "a" * (2 << 24) + ",c,,\n",
            "rows longer than 16,777,216 bytes: 1, the first on line 3",
        ),
        (f'{HEADER},"\n{ROW}\n', "cannot be split into rows: a quotation mark is not closed"),
        (f"{HEADER}\n{ROW}\n".encode("utf-16"), "missing.csv: is not UTF-8 text"),
        (f"{HEADER}\n{ROW}\n".encode("utf-16-le"), "missing: none of the declared columns is there"),
    ],
)
def test_a_file_that_cannot_be_read_as_csv_is_refused_with_the_reason(folder, content, message):
    (folder / "missing.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=message) as caught:
        read_feeds(folder, small.spec())
    assert "m1" not in str(caught.value)


def parquet(folder, **columns):
    texts = dict(zip(HEADER.split(","), ROW.split(","), strict=True))
    table = pa.table({name: columns.get(name, pa.array([text])) for name, text in texts.items()})
    (folder / "missing.csv").unlink()
    pq.write_table(table, folder / "missing.parquet")


INVALID = pa.Array.from_buffers(
    pa.string(), 1, [None, pa.array([0, 1], pa.int32()).buffers()[1], pa.py_buffer(b"\xff")]
)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            pa.array([["a"]]),
            "missing.parquet: columns of lists, bytes or another type that is not read: 1. Expected: text",
        ),
        (pa.array([{"code": "a"}]), "another type that is not read: 1"),
        (pa.array([b"a"]), "another type that is not read: 1"),
        (pa.array([b"a"]).dictionary_encode(), "another type that is not read: 1"),
        (pa.array([dt.time(1)]), "another type that is not read: 1"),
        (pa.array([1.5], pa.float16()), "another type that is not read: 1"),
        (INVALID, "missing.parquet: is not a Parquet file that can be read, or holds text that is not UTF-8"),
        (
            INVALID.dictionary_encode(),
            "missing.parquet: is not a Parquet file that can be read, or holds text that is not",
        ),
    ],
)
def test_a_parquet_column_that_is_not_a_column_of_values_is_refused(folder, column, message):
    parquet(folder, person_id=column)
    with pytest.raises(DataError, match=message):
        read_feeds(folder, small.spec())


@pytest.mark.parametrize(
    "columns",
    [
        {"person_id": pa.array(["a"]).dictionary_encode()},
        {"person_id": pa.array(["a"], pa.large_string())},
        {"start_date": pa.array([dt.date(2022, 6, 1)])},
        {"start_date": pa.array([dt.date(2022, 6, 1)]).dictionary_encode()},
        {"start_date": pa.array([dt.datetime(2022, 6, 1)])},  # noqa: DTZ001
    ],
)
def test_a_parquet_column_is_read_whatever_its_type_of_text_or_date(folder, columns):
    parquet(folder, **columns)
    accepted = read_feeds(folder, small.spec()).accepted["missing"]
    assert accepted.iloc[0].tolist() == ["m1", "a", pd.Timestamp("2022-06-01"), pd.Timestamp("2022-06-02")]


def test_dates_beyond_any_calendar_are_quarantined(folder):
    beyond = {"start_date": pa.array([2**62], pa.timestamp("us")), "known_date": pa.array([-(2**31)], pa.int32())}
    parquet(folder, **beyond | {"known_date": beyond["known_date"].cast(pa.date32())})
    assert read_feeds(folder, small.spec()).quarantine["reasons"].tolist() == [
        "start_date:not_a_date; known_date:not_a_date"
    ]


@pytest.mark.parametrize("name", ["missing.csv", "extracts.toml"])
def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(RefusedError, match=f"{name}: is not a regular file"):
        read_feeds(folder, small.spec())


def test_a_path_that_no_file_system_takes_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match=r"extracts: cannot be read \(File name too long\)"):
        read_feeds(tmp_path / ("a" * 5_000), small.spec())
