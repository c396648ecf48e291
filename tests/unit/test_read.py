from __future__ import annotations

import datetime as dt
import io
import os
import traceback

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import small

from vru_models.errors import DataError, RefusedError, StorageError
from vru_models.events import record_events
from vru_models.feeds import files, read_feeds, write_extracts
from vru_models.feeds.files import csv_batches, parquet_batches
from vru_models.feeds.read import tables_of
from vru_models.spec.sources import Source

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
            "exclusions: its extract_date is not a date. Expected: extract_date = 2026-11-01, without quotation marks",
        ),
        (
            lambda f: (f / "extracts.toml").write_text("extract_date = 2024-09-01T00:00:00"),
            DataError,
            "its extract_date is not a date. Expected: .* without a time",
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
        (f"{HEADER}\n" + "a" * (1 << 24), "rows longer than 16,777,216 bytes: 1, the first on line 2"),
        (
            f"{HEADER}\n" + "a" * (3 << 24) + "\n\n" + "\u00e9" * (1 << 23),
            "longer than 16,777,216 bytes: 2, the first on line 2",
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


def test_a_file_with_another_delimiter_is_told_which_to_declare(folder):
    (folder / "missing.csv").write_text(f"{HEADER}\n{ROW}\n".replace(",", ";"))
    with pytest.raises(DataError, match=r'missing: none of the .* declare source.delimiter = ";"\n') as caught:
        read_feeds(folder, small.spec())
    assert "m1" not in str(caught.value)
    declared = small.spec(**{"feeds.missing.source": {"delimiter": ";"}})
    assert len(read_feeds(folder, declared).accepted["missing"]) == 1


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


NAME = "Zo\u00eb\u20ac"
ZOE = f"m1,{NAME},2022-06-01,2022-06-02"


def declared(**source):
    return small.spec(**{"feeds.missing.source": source})


@pytest.mark.parametrize(
    ("source", "content"),
    [
        ({"encoding": "cp1252"}, f"{HEADER}\n{ZOE}\n".encode("cp1252")),
        ({"encoding": "utf-16"}, f"{HEADER}\n{ZOE}\n".encode("utf-16")),
        ({"encoding": "utf-16-le"}, f"\ufeff{HEADER}\r\n{ZOE}".encode("utf-16-le")),
        ({"delimiter": ";"}, f"{HEADER}\n{ZOE}\n".replace(",", ";").encode()),
        ({"delimiter": "\t"}, f"{HEADER}\n{ZOE}\n".replace(",", "\t").encode()),
        (
            {"date_format": "%d/%m/%Y"},
            f"{HEADER}\nm1,{NAME},01/06/2022,02/06/2022\n".encode(),
        ),
    ],
)
def test_a_file_is_read_as_its_source_is_declared(folder, source, content):
    (folder / "missing.csv").write_bytes(content)
    feeds = read_feeds(folder, declared(**source))
    assert feeds.accepted["missing"].iloc[0].tolist() == [
        "m1",
        NAME,
        pd.Timestamp("2022-06-01"),
        pd.Timestamp("2022-06-02"),
    ]


def test_a_date_in_another_format_than_the_declared_is_quarantined_and_no_row_is_lost(folder):
    rows = ["m1,a,01/06/2022,02/06/2022", "m2,a,2022-06-01,02/06/2022", "m3,a,30/02/2022,1/2/2023", "m4,a,01/06/2022"]
    (folder / "missing.csv").write_text("\n".join([HEADER, *rows]))
    feeds = read_feeds(folder, declared(date_format="%d/%m/%Y"))
    assert feeds.frame().set_index("feed").loc["missing"].tolist() == [4, 1, 3]
    assert feeds.quarantine.values.tolist() == [
        ["missing", 2, "start_date:not_a_date"],
        ["missing", 3, "start_date:not_a_date; known_date:not_a_date"],
        ["missing", 4, "wrong_number_of_fields"],
    ]


def test_parquet_text_is_in_the_declared_format_and_a_typed_date_is_a_date(folder):
    parquet(folder, start_date=pa.array(["01/06/2022"]), known_date=pa.array([dt.date(2022, 6, 2)]))
    accepted = read_feeds(folder, declared(date_format="%d/%m/%Y")).accepted["missing"]
    assert accepted.iloc[0].tolist()[2:] == [pd.Timestamp("2022-06-01"), pd.Timestamp("2022-06-02")]


@pytest.mark.parametrize("source", [{"encoding": "cp1252"}, {"delimiter": ";"}])
def test_a_parquet_file_has_no_encoding_and_no_delimiter(folder, source):
    parquet(folder)
    with pytest.raises(
        DataError, match=r"missing.parquet: has no encoding and no delimiter, and the feed declares them"
    ):
        read_feeds(folder, declared(**source))


def test_a_file_in_another_encoding_than_the_declared_is_refused_without_its_text(folder):
    (folder / "missing.csv").write_bytes(f"{HEADER}\nSECRET\x81,a,2022-06-01,2022-06-02\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"missing.csv: is not CP1252 text. Save the file as CP1252 and run") as caught:
        read_feeds(folder, declared(encoding="cp1252"))
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))


def test_a_header_that_is_not_csv_is_refused_in_the_declared_terms(folder):
    (folder / "missing.csv").write_text("z" * 200_000)
    with pytest.raises(DataError, match=r"its header is not CSV. Expected: semicolon, double quotes"):
        read_feeds(folder, declared(delimiter=";"))


def test_blank_lines_are_no_rows_wherever_they_are(folder):
    (folder / "missing.csv").write_text(f"{HEADER}\n\n\nm0,a\n\n{ROW}\n\n")
    feeds = read_feeds(folder, small.spec())
    assert feeds.frame().set_index("feed").loc["missing"].tolist() == [2, 1, 1]
    assert feeds.quarantine["row"].tolist() == [1]


def lines(n):
    return "".join(f"m{i},a,2022-06-01,2022-06-02\n" for i in range(n))


def batches(text, malformed=None):
    given = [] if malformed is None else malformed
    return csv_batches(io.BytesIO(text.encode()), "missing.csv", source=Source(), malformed=given)


def test_a_file_is_read_no_further_than_its_batches_are_asked_for(monkeypatch):
    monkeypatch.setattr(files, "_BLOCK", 1_000)
    stream = io.BytesIO(f"{HEADER}\n{lines(10_000)}".encode())
    read = csv_batches(stream, "missing.csv", source=Source(), malformed=[])
    assert 30 <= next(read).num_rows <= 50
    assert stream.tell() <= 20_000
    assert sum(table.num_rows for table in read) + 38 == pytest.approx(10_000, abs=12)


def test_rows_that_cannot_be_split_are_numbered_over_the_whole_file_before_their_batch(monkeypatch):
    monkeypatch.setattr(files, "_BLOCK", 50)
    malformed: list[int] = []
    seen = [(table.num_rows, list(malformed)) for table in batches(f"{HEADER}\n{lines(2)}x\n{lines(2)}x\n", malformed)]
    assert seen == [(2, []), (2, [3]), (0, [3, 6])]


@pytest.mark.parametrize("block", [1, 60, 1 << 24])
def test_a_quotation_mark_that_is_not_closed_is_refused_whatever_a_batch_holds(monkeypatch, block):
    monkeypatch.setattr(files, "_BLOCK", block)
    text = f'{HEADER}\n{lines(3)}"m9,a,2022-06-01,2022-06-02\n{lines(3)}'
    with pytest.raises(DataError, match=r"missing.csv: .*a quotation mark is not closed"):
        list(batches(text))


@pytest.mark.parametrize(
    "text",
    [
        'a,"b\n1,2\n',
        '"a\n',
        '"a","b\n',
        '"\n',
        'a,b\n1,"2\n',
        'a,b\n"1,2',
        'a,b\n1,"x""\n',
        'a,b\n1,"x\ny"\n',
        'a,"b""\n',
    ],
)
def test_a_quotation_mark_on_the_last_line_or_in_the_header_is_no_exception(text):
    with pytest.raises(DataError, match=r"missing.csv: .*a quotation mark is not closed"):
        list(batches(text))


def test_a_quotation_mark_within_a_field_is_part_of_it():
    assert [table.to_pydict() for table in batches('a"x,b\n1,2"\n3,""\n"4""",5')] == [
        {'a"x': ["1", "3", '4"'], "b": ['2"', "", "5"]}
    ]


def test_batches_end_with_a_file_that_is_not_text_after_all(monkeypatch):
    monkeypatch.setattr(files, "_BLOCK", 1_000)
    content = f"{HEADER}\n{lines(1_000)}".encode() + b"\xff\n"
    read = csv_batches(io.BytesIO(content), "missing.csv", source=Source(), malformed=[])
    assert next(read).num_rows > 0
    with pytest.raises(DataError, match=r"missing.csv: is not UTF-8 text"):
        list(read)


def test_a_parquet_file_is_read_in_batches(monkeypatch):
    monkeypatch.setattr(files, "ROWS", 4)
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": list(range(10))}), buffer)
    assert [table.num_rows for table in parquet_batches(buffer, "x.parquet")] == [0, 4, 4, 2]


def test_a_parquet_file_that_breaks_off_is_refused(folder):
    parquet(folder)
    content = (folder / "missing.parquet").read_bytes()
    (folder / "missing.parquet").write_bytes(b"PAR1" + b"\xff" * 40 + content[44:])
    with pytest.raises(DataError, match=r"missing.parquet: is not a Parquet file that can be read"):
        read_feeds(folder, small.spec())


def test_a_feed_alone_is_read_as_it_is_delivered(folder):
    read = tables_of(folder, small.spec(), feed="missing", malformed=[])
    assert [table.to_pylist() for table in read] == [
        [dict(zip(HEADER.split(","), ["m1", "c", "2022-06-01", "2022-06-02"], strict=True))]
    ]
