from __future__ import annotations

import dataclasses
import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest
import small
from asked import EXTRACTED, events, spec

from vru_models.dataset import Dataset, build_dataset
from vru_models.errors import DataError, LeakageError, StorageError
from vru_models.events import Events
from vru_models.features.coded import Timeline
from vru_models.spec.digest import canonical_json, digest_json

SAID = """
    person_id | indicator           | event_date | known_date | value
    a         | suspension          | 2022-01-10 | 2022-01-12 | 2
    a         | permanent_exclusion | 2022-10-10 | 2022-10-12 |
    a         | permanent_exclusion | 2023-10-10 | 2023-10-12 |
    b         | suspension          | 2022-12-10 | 2022-12-12 | 1
    b         | offer               | 2023-10-10 | 2023-10-12 |
    c         | plan                | 2023-08-01 | 2023-08-02 |
    d         | departure           | 2022-10-10 | 2022-10-12 |
"""
ROUTED = {"cohort.routed": [{"indicator": "plan", "window": "12 months"}]}


@pytest.fixture(scope="module")
def data() -> Dataset:
    return build_dataset(spec(**ROUTED), events(SAID))


def test_rows_are_ordered_by_date_and_person_and_hold_features_statuses_and_labels(data):
    keys = [(p, str(d.date())) for p, d in data.X.index]
    assert keys == [*((p, "2022-09-01") for p in "abcd"), *((p, "2023-09-01") for p in "abd")]
    assert data.X.to_numpy().tolist() == [[1, 0], [0, 0], [0, 0], [0, 0], [0, 0], [1, 0], [0, 0]]
    assert list(data.X.columns) == ["suspension_count_12m", "missing_episode_count_12m"]
    assert set(data.X.dtypes) == {np.dtype("float32")}
    assert list(data.status.columns) == ["exclusions_12m", "missing_12m"]
    assert set(data.status.dtypes) == {np.dtype("uint8")}
    assert data.status["exclusions_12m"].tolist() == [1, 0, 0, 0, 1, 1, 0]
    assert data.rows["why_missing"].tolist() == ["", "", "", "exited", "", "treated", ""]
    np.testing.assert_array_equal(data.y, [1, 0, 0, np.nan, 1, np.nan, 0])
    assert data.labelled.tolist() == [True, True, True, False, True, False, True]
    for part in (data.status, data.rows):
        assert part.index.equals(data.X.index)


def test_the_frame_counts_each_date(data):
    frame = data.frame()
    assert list(frame.index.strftime("%Y-%m-%d")) == ["2022-09-01", "2023-09-01"]
    assert frame.to_dict("list") == {
        "in_view": [4, 4],
        "eligible": [4, 3],
        "routed": [0, 1],
        "objecting": [0, 0],
        "labelled": [3, 2],
        "positives": [1, 1],
        "exited": [1, 0],
        "treated": [0, 1],
    }


def test_the_repr_has_counts_and_no_person(data):
    assert repr(data) == (
        f"Dataset(7 rows of 4 people on 2 as-of dates, 2 features, 5 labelled, 2 positive, digest {data.digest[:12]})"
    )


def test_the_findings_say_what_was_checked_and_travel_with_the_dataset(data):
    assert [(f.code, f.status) for f in data.findings] == [
        ("VRU204", "pass"), ("VRU205", "pass"), ("VRU201", "pass"), ("VRU202", "pass"),
        ("VRU206", "cannot tell"),
    ]  # fmt: skip
    assert "4 people on 2 as-of dates" in data.findings.items[2].message


def test_it_says_which_spec_and_which_events_it_was_built_from(data):
    assert data.spec_digest == spec(**ROUTED).digest
    assert data.events_digest == events(SAID).digest


def test_a_row_that_is_not_labelled_keeps_its_features(data):
    assert data.X.loc[("d", pd.Timestamp("2022-09-01"))].tolist() == [0, 0]


def test_the_same_events_give_the_same_digest_and_any_change_another(data):
    assert build_dataset(spec(**ROUTED), events(SAID)).digest == data.digest
    others = {
        "X": data.X + 1,
        "status": data.status + 1,
        "rows": data.rows.assign(y=0.0),
        "counts": data.counts + 1,
        "splits": data.splits.most_recent(1).__class__(data.splits.items, (("2020-01-01", "another reason"),)),
        "findings": data.findings + data.findings,
        "events_digest": "0" * 64,
    }
    for name, value in others.items():
        assert dataclasses.replace(data, **{name: value}).digest != data.digest


def test_saved_and_opened_it_is_the_same(data, tmp_path):
    data.save(tmp_path / "dataset")
    opened = Dataset.open(tmp_path / "dataset")
    for name in ("X", "status", "rows", "counts"):
        pd.testing.assert_frame_equal(getattr(opened, name), getattr(data, name))
    assert (opened.splits, opened.digest, repr(opened)) == (data.splits, data.digest, repr(data))
    assert opened.findings.records() == data.findings.records()
    assert opened.files() == data.files()
    assert sorted(f.name for f in (tmp_path / "dataset").iterdir()) == [
        "dataset.json",
        "part-000.parquet",
    ]


def test_a_place_that_is_taken_is_refused(data, tmp_path):
    data.save(tmp_path / "dataset")
    with pytest.raises(StorageError, match="cannot be written"):
        data.save(tmp_path / "dataset")


@pytest.mark.parametrize("name", ["part-000.parquet", "dataset.json"])
@pytest.mark.parametrize("where", [0, 1, 2])
def test_a_file_with_one_byte_changed_is_refused_before_it_is_read(data, tmp_path, name, where):
    data.save(tmp_path / "dataset")
    file = tmp_path / "dataset" / name
    content = bytearray(file.read_bytes())
    content[where * (len(content) - 1) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match=rf"^dataset: {name} is not what was written\. Build the dataset again\.$"):
        Dataset.open(tmp_path / "dataset")


@pytest.mark.parametrize("head", [b"", b"[]", b"{}", b'{"format": "vru-dataset/3"}'])
def test_a_head_that_is_not_one_is_refused(data, tmp_path, head):
    data.save(tmp_path / "dataset")
    (tmp_path / "dataset" / "dataset.json").write_bytes(head)
    with pytest.raises(DataError, match=r"^dataset: dataset\.json is not what was written"):
        Dataset.open(tmp_path / "dataset")


def test_another_format_is_refused_by_name(data, tmp_path):
    data.save(tmp_path / "dataset")
    file = tmp_path / "dataset" / "dataset.json"
    head = json.loads(file.read_bytes()) | {"format": "vru-dataset/9"}
    del head["digest"]
    file.write_bytes(canonical_json(head | {"digest": digest_json(head)}))
    with pytest.raises(DataError, match=r"dataset: has another format\. Expected: vru-dataset/3"):
        Dataset.open(tmp_path / "dataset")


def test_a_missing_folder_or_file_is_a_storage_error(data, tmp_path):
    with pytest.raises(StorageError, match="dataset: is not a folder"):
        Dataset.open(tmp_path / "nowhere")
    data.save(tmp_path / "dataset")
    (tmp_path / "dataset" / "part-000.parquet").unlink()
    with pytest.raises(StorageError, match=r"dataset: part-000\.parquet: cannot be read"):
        Dataset.open(tmp_path / "dataset")


def test_an_empty_cohort_on_one_date_is_a_date_of_zeros():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date | known_date
        s1       | a         | E01  | 2010-01-01  | 2022-01-01 |          | 2022-01-01
        s2       | b         | E01  | 2010-01-01  | 2022-01-01 |          | 2022-01-01
    """
    said = """
        person_id | indicator           | event_date | known_date
        a         | permanent_exclusion | 2022-10-10 | 2022-10-12
    """
    dates = [dt.date(2021, 9, 1), dt.date(2022, 9, 1), dt.date(2023, 9, 1)]
    data = build_dataset(spec(splits={"as_of": dates}), events(said, spells=spells))
    assert data.frame()[["in_view", "eligible", "labelled", "positives"]].to_numpy().tolist() == [
        [0, 0, 0, 0],
        [2, 2, 2, 1],
        [2, 2, 2, 0],
    ]


def test_where_no_split_is_possible_the_error_says_why():
    held = events(SAID, extracted=dt.date(2024, 1, 1))
    with pytest.raises(
        DataError, match=r"splits: none is possible .*2023-09-01: its labels are complete only on 2024-04-01"
    ):
        build_dataset(spec(), held)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (SAID.replace("permanent_exclusion", "missing_episode    "), "outcome: 6 labelled rows, 0 of them positive"),
        (
            """
            person_id | indicator           | event_date | known_date
            a         | permanent_exclusion | 2022-10-10 | 2022-10-12
            a         | permanent_exclusion | 2023-10-10 | 2023-10-12
            """,
            "outcome: 2 labelled rows, 2 of them positive",
        ),
    ],
)
def test_labels_of_one_kind_are_an_error_with_the_counts(said, message):
    with pytest.raises(DataError, match=f"{message}. Expected: labels of both kinds. Check the outcome's indicators"):
        build_dataset(spec(), events(said))


@pytest.mark.parametrize("feed", ["exclusions", "missing", "people"])
def test_a_feed_whose_agreement_does_not_allow_training_is_refused(feed):
    declared = spec(**{f"feeds.{feed}.agreement": small.agreement("score")})
    message = rf"feeds\.{feed}\.agreement: does not allow training. Expected: purposes with 'train'. Leave the feed out"
    with pytest.raises(DataError, match=message):
        build_dataset(declared, events(SAID))


def test_a_feed_behind_a_label_or_a_rule_alone_needs_training_in_its_agreement_too():
    features = [small.DECLARED["features"][0] | {"indicators": ["suspension"]}]
    barred = {"feeds.missing.agreement": small.agreement("score"), "features": features}
    with pytest.raises(DataError, match=r"feeds\.missing\.agreement: does not allow training"):
        build_dataset(spec(**barred), events(SAID))
    without = {"outcome.treated_by": [], "outcome.exits": []}
    with pytest.raises(DataError, match=r"feeds\.missing\.agreement: does not allow training"):
        build_dataset(spec(**barred, **without, **ROUTED), events(SAID))
    assert len(build_dataset(spec(**barred, **without), events(SAID)).X) == 8


def test_a_leak_stops_the_build(monkeypatch):
    monkeypatch.setattr(Timeline, "known_at", lambda self, day, at=slice(None): self.known[at] <= day)
    with pytest.raises(LeakageError, match="as-of date 2022-09-01: rows change when the future is changed"):
        build_dataset(spec(), events(SAID))


def test_events_from_a_gate_build_as_those_from_a_frame():
    said = """
        person_id | indicator           | event_date | known_date | feed
        a         | suspension          | 2022-01-10 | 2022-01-12 | exclusions
        a         | permanent_exclusion | 2022-10-10 | 2022-10-12 | exclusions
        b         | suspension          | 2022-01-10 | 2022-01-12 | exclusions
    """
    held = events(said)
    dated = Events(held.frame, {**held.rows}, held.extract_dates)
    assert held.extract_dates["exclusions"] == EXTRACTED
    assert build_dataset(spec(), dated).X.equals(build_dataset(spec(), held).X)


def frame_of(**columns):
    return pd.DataFrame(columns, dtype="float32")
