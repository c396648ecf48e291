"""Areas all the way: by function and by command, from extracts to a list; and the same numbers as for persons."""

import areas
import numpy as np
import pandas as pd
import pytest
import small
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models import evaluate, fit
from vru_models.audit.ledger import Ledger
from vru_models.dataset import Dataset, build_dataset
from vru_models.dataset.rows import day_of
from vru_models.errors import DataError
from vru_models.events import Events, record_events
from vru_models.evidence import Evidence
from vru_models.evidence.performance import supported
from vru_models.evidence.public_findings import public
from vru_models.executors import write_dataset
from vru_models.features.coded import encode
from vru_models.features.layout import Layout
from vru_models.feeds import admit


@pytest.fixture(scope="module")
def data():
    return build_dataset(areas.spec(), record_events(areas.admitted(), areas.spec()))


def test_features_and_labels_equal_a_plain_count(data):
    """The naive twin: dates compared one by one, in plain Python and pandas."""
    happened = areas.frames()["assaults"].astype({"happened_on": "datetime64[s]", "recorded_on": "datetime64[s]"})
    rng = np.random.default_rng(1)
    for row in rng.choice(len(data.X), 60, replace=False):
        ward, as_of = data.X.index[row]
        mine = happened[happened["ward"] == ward]
        for months in (3, 12):
            since = as_of - pd.DateOffset(months=months)
            inside = (mine["happened_on"] >= since) & (mine["happened_on"] < as_of) & (mine["recorded_on"] < as_of)
            weapons = inside & (mine["kind"] == "weapon")
            assert data.X.iloc[row][f"assault_count_{months}m"] == inside.sum()
            assert data.X.iloc[row][f"weapon_sum_{months}m"] == mine.loc[weapons, "hurt"].astype(int).sum()
        end = as_of + pd.DateOffset(months=3)
        later = (mine["happened_on"] >= as_of) & (mine["happened_on"] < end)
        later &= mine["recorded_on"] < end + pd.DateOffset(months=1)
        assert data.y.iloc[row] == (later.sum() >= 3)


def _as_persons(frames):
    """The same rows as if every ward were a person who nobody knows the age of."""
    return {
        "register": frames["register"].rename(columns={"area_id": "person_id"}).assign(birth_month=""),
        "assaults": frames["assaults"].rename(columns={"ward": "person_id"}),
        "cover": frames["cover"].assign(age_from="", age_to=""),
    }


def _spec_of_persons():
    def of_person(name, *more):
        made = {**areas.SCHEMAS[name]}
        renamed = [f | {"name": "person_id"} if f["name"] in ("area_id", "ward") else f for f in made["fields"]]
        vru = {k: v for k, v in made["x-vru"].items() if k not in ("unit", "person")}
        return made | {"fields": [*renamed, *more], "x-vru": vru}

    ages = [small.column("age_from", "integer"), small.column("age_to", "integer")]
    schemas = {
        "register": of_person("register", small.column("birth_month", "yearmonth")),
        "assaults": of_person("assaults"),
        "cover": of_person("cover", *ages),
    }
    fairness = {"sensitive": ["sex"], "limits": {"recall": 0.1}}
    return areas.spec(schemas=schemas, unit="person", fairness=fairness)


PERSONS = _spec_of_persons()
AREAS = areas.spec()


def _events(spec, frames):
    return record_events(admit(frames, spec, extract_dates=dict.fromkeys(spec.feeds, areas.EXTRACT_DATE)), spec)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n_areas=st.integers(1, 40),
    day=st.sampled_from(["2021-01-01", "2022-03-31", "2024-05-01"]),
)
def test_an_area_is_counted_exactly_as_a_person_is(seed, n_areas, day):
    frames = areas.frames(n_areas, seed)
    as_of = np.datetime64(day)
    one = day_of(Layout.of(AREAS), encode(AREAS, _events(AREAS, frames)), as_of)
    other = day_of(Layout.of(PERSONS), encode(PERSONS, _events(PERSONS, _as_persons(frames))), as_of)
    assert one.X.to_numpy().tobytes() == other.X.to_numpy().tobytes()
    assert one.status.to_numpy().tobytes() == other.status.to_numpy().tobytes()
    assert list(one.people) == list(other.people)
    assert (one.X.index.names, other.X.index.names) == (["area_id", "as_of"], ["person_id", "as_of"])


def test_whatever_makes_it_the_dataset_has_the_same_bytes(data, tmp_path):
    record_events(areas.admitted(), areas.spec()).save(tmp_path / "store")
    for executor in ("memory", "joblib"):
        write_dataset(areas.spec(), tmp_path / "store", tmp_path / executor, executor=executor, n_jobs=2)
        assert Dataset.open(tmp_path / executor).digest == data.digest


def test_evidence_needs_no_audit_file_and_never_says_pass(data, tmp_path, in_process):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    run = fit(areas.spec(), data, ledger=ledger)
    assert run.scores.index.names == ["area_id", "as_of"]
    assert "of 150 areas" in repr(run)
    evidence = evaluate(run, data, ledger=ledger)
    about_groups = evidence.findings.where(lambda f: f.code.startswith("VRU3"))
    assert [(f.code, f.status) for f in about_groups] == [("VRU302", "not applicable")]
    assert "groups" not in evidence.tables
    assert {"area_only", "flag_count", "single_indicator", "random"} <= set(evidence.tables["comparison"]["model"])
    assert Evidence.from_json(evidence.to_json()).digest == evidence.digest
    with pytest.raises(DataError, match="sensitive: is given, but an area has no protected characteristics"):
        evaluate(run, data, sensitive=pd.DataFrame({"area_id": ["W000"], "sex": ["F"]}))


def test_by_command_from_extracts_to_a_list_of_areas(call, tmp_path, in_process):
    spec, extracts = areas.written(tmp_path)
    work, trust = tmp_path / "work", tmp_path / "trust.toml"
    assert call("check", spec, "--extracts", extracts, "--leakage").code == 0
    assert call("readiness", spec, "--extracts", extracts, "--out", tmp_path / "ready").code in (0, 3)
    for words in (("build", spec, "--extracts", extracts, "--out", work), ("fit", spec, work), ("evaluate", work)):
        assert call(*words).code == 0
    assert call("key", tmp_path / "a.pem", "--name", "A. Name", "--trust", trust).code == 0
    by = ("--by", "A. Name, owner")
    signed = ("--key", tmp_path / "a.pem", "--trust", trust, "--out", work / "release")
    assert call("approve", work, *by, *signed).code == 0
    words = ("score", work / "release", extracts, "--as-of", "2024-10-20", "--out", work / "scores", "--trust", trust)
    refused = call(*words)
    assert "VRU501 fail, assaults" in refused.err
    codes = dict.fromkeys(line.split()[0] for line in refused.err.splitlines() if line.startswith("  VRU"))
    answers = [f"--override={code}=a reason may name an area: W000" for code in codes]
    assert call(*words, *by, *answers).code == 0
    frame = pd.read_csv(work / "scores" / "list.csv")
    assert frame.columns[0] == "area_id"
    assert len(frame) == frame["area_id"].nunique() == 20
    assert frame.loc[frame["kind"] == "points", "reason_1"].notna().all()
    sheets, page = (work / "scores" / "sheets.html").read_text(), (work / "release" / "report.html").read_text()
    assert "Why this area is put forward" in sheets
    assert "pseudonym" not in sheets.casefold()
    assert "an area has no protected characteristics" in page
    assert "areas ranked" in page
    assert not any(f"W{i:03d}" in page for i in range(150))
    assert call("verify", work, "--trust", trust).code == 0


def test_a_list_with_too_little_in_it_points_to_larger_areas_and_not_to_areas():
    found = supported(1.5, "area")
    assert (found.code, found.status) == ("VRU401", "fail")
    assert "ranking areas of this size is not supported by this data (use larger areas" in found.message
    assert "person" not in found.message
    told = public(found, groups=None, profile="opensafely")
    assert told.message.startswith("fewer than 5 areas with the outcome are expected in one list: ranking areas")


def test_a_store_keeps_one_name_for_its_key_whatever_the_unit():
    events = record_events(areas.admitted(), areas.spec())
    assert isinstance(events, Events)
    assert "person_id" in events.frame
    assert "area_id" not in events.frame
