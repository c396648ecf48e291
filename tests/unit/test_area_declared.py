"""A declaration about areas: what it holds, what is refused in it and why, and what is written under which name."""

import json

import areas
import pandas as pd
import pytest
import small

from vru_models import readiness, synthetic_feeds
from vru_models.dataset import build_dataset
from vru_models.dataset.explain import explain_feature
from vru_models.errors import DataError, SpecError
from vru_models.events import Events, record_events, record_extracts
from vru_models.feeds import read_feeds
from vru_models.spec import Spec, TableSchema


def test_the_key_is_decided_by_the_unit_alone():
    assert (small.spec().key, small.spec().whom) == ("person_id", "people")
    assert (areas.spec().key, areas.spec().whom) == ("area_id", "areas")


def test_a_spec_about_areas_is_written_and_read_again(tmp_path):
    path, _ = areas.written(tmp_path)
    spec = Spec.load(path)
    assert spec == areas.spec()
    assert spec.digest == areas.spec().digest
    assert Spec.from_files(spec.files(), "bundle") == spec
    assert json.dumps(spec.model_dump(mode="json", exclude_none=True)).count("fairness") == 0


def test_the_same_question_about_areas_is_another_question():
    asked = areas.spec()
    assert asked.question != asked.model_copy(update={"unit": "person"}).question


FAIRNESS = {"sensitive": ["sex"], "limits": {"recall": 0.1}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fairness": FAIRNESS}, "fairness: is declared, but an area has no protected characteristics. Leave it out"),
        ({"cohort.age_from": 10, "cohort.age_to": 17}, "cohort: has age_from and age_to, but an area has no age"),
        ({"unit": "person"}, "fairness: is missing"),
        (
            {"unit": "person", "fairness": FAIRNESS},
            "feeds.register: holds one row per area and has no lawful join to a",
        ),
        ({"unit": "ward"}, "unit: 'ward' is not allowed. Expected: 'person' or 'area'"),
    ],
)
def test_what_does_not_fit_the_unit_is_refused_with_its_reason(tmp_path, changes, message):
    path, _ = areas.written(tmp_path, **changes)
    with pytest.raises(SpecError, match=message):
        Spec.load(path)


def test_what_does_not_fit_is_told_with_every_other_fault(tmp_path):
    path, _ = areas.written(tmp_path, **{"fairness": FAIRNESS, "capacity.k": 1, "cohort.age_from": 3})
    with pytest.raises(SpecError, match="3 faults"):
        Spec.load(path)


@pytest.mark.parametrize("name", ["people", "exclusions", "cover", "audit"])
def test_a_feed_about_persons_cannot_serve_a_spec_about_areas(name):
    other = {f"feeds.{name}": {"schema": name, "agreement": small.agreement("train", "score")}}
    kinds = {"people": "register", "cover": "cover"}
    gone = {f"feeds.{kinds[name]}": None} if name in kinds else {}
    schema = dict(small.SCHEMAS[name])
    schema["x-vru"] = {k: v for k, v in schema["x-vru"].items() if k != "codelists"}
    with pytest.raises(SpecError, match=f"feeds.{name}: holds one row per person and has no lawful join to an area"):
        areas.spec(schemas={name: schema}, **{**gone, **other})


def _changed(name, **changes):
    made = json.loads(json.dumps(areas.SCHEMAS[name]))
    for at, value in changes.items():
        if at == "fields":
            made["fields"] += value
        else:
            made["x-vru"][at] = value
    return json.dumps(made)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (_changed("register", kind="audit"), "holds no audit: an area has no protected characteristics"),
        (_changed("register", kind="links"), "holds no links: .* deliver every feed in the codes of one year"),
        (_changed("register", kind="objections"), "holds no objections: an objection is a person's right"),
        (_changed("register", person="person_id"), "a feed of unit area holds no person_id"),
        (
            _changed("register", fields=[small.column("birth_month", "yearmonth")]),
            "holds no birth_month: only a person",
        ),
        (_changed("register", fields=[small.column("household_id")]), "holds no household_id: only a person has one"),
        (_changed("cover", fields=[small.column("age_from", "integer")]), "holds no age_from: only a person has one"),
        (_changed("assaults", fields=[small.column("person_id")]), "a feed of unit area holds no person_id"),
        (_changed("register").replace('"area_id", "type"', '"lsoa", "type"'), "not among the fields: area_id"),
        (
            _changed("assaults").replace('"maxLength": 12', '"maxLength": 32'),
            "field ward is not a string with .* of at m",
        ),
        (_changed("register").replace('"maxLength": 12', '"minLength": 12'), "minLength"),
        (_changed("register").replace('{"maxLength": 12}', "{}"), "a code of an area is short, and a pseudonym is not"),
        (_changed("assaults", person="hurt"), "field hurt is not a string with constraints.maxLength of at most 20"),
    ],
)
def test_a_schema_of_areas_holds_nothing_that_only_a_person_has(text, message):
    with pytest.raises(SpecError, match=message):
        TableSchema.parse(text, "schema.json")


def test_a_pseudonym_does_not_pass_for_an_area():
    given = areas.frames(20)
    given["register"].loc[0, "area_id"] = "0123456789abcdef0123456789abcdef"
    feeds = areas.admitted(given)
    held = feeds.quarantine[feeds.quarantine["feed"] == "register"]
    assert held["reasons"].tolist() == ["area_id:too_long"]
    assert "0123456789abcdef" not in str(feeds.findings) + repr(feeds)


def test_an_area_without_a_code_or_a_larger_area_is_held_back_under_its_own_name():
    given = areas.frames(20)
    given["register"].loc[0, "area_id"] = ""
    given["register"].loc[1, "area"] = ""
    given["assaults"].loc[0, "ward"] = ""
    assert sorted(areas.admitted(given).quarantine["reasons"]) == ["area:required", "area_id:required", "ward:required"]


def test_a_dataset_is_by_area_and_date_and_comes_back_as_it_was_written(tmp_path):
    spec = areas.spec()
    data = build_dataset(spec, record_events(areas.admitted(), spec))
    assert data.X.index.names == data.status.index.names == data.y.index.names == ["area_id", "as_of"]
    assert "rows of 150 areas" in repr(data)
    data.save(tmp_path / "data")
    again = type(data).open(tmp_path / "data")
    pd.testing.assert_frame_equal(again.X, data.X)
    assert again.digest == data.digest
    assert "areas on 12 as-of dates: identical" in str(data.findings)


def test_a_store_recorded_batch_by_batch_is_the_same(tmp_path):
    path, extracts = areas.written(tmp_path)
    spec = Spec.load(path)
    record_extracts(extracts, spec, tmp_path / "store")
    assert Events.open(tmp_path / "store").digest == record_events(read_feeds(extracts, spec), spec).digest


def test_a_later_register_closes_an_area():
    spec, given = areas.spec(), areas.frames(20)
    held = record_events(areas.admitted(given), spec)
    gone = given["register"].iloc[[0]].assign(end_date="2024-09-01", known_date="2024-08-30")
    later = {**given, "register": pd.concat([given["register"], gone], ignore_index=True)}
    events = record_events(areas.admitted(later), spec, earlier=held)
    closed = events.spells[events.spells["end_date"].notna()]
    assert closed["person_id"].tolist() == ["W000"]
    assert events.findings.where(lambda f: f.code == "VRU121").worst in ("pass", "not applicable")


def test_a_cell_is_explained_by_the_events_of_the_area():
    spec, given = areas.spec(), areas.frames()
    events = record_events(areas.admitted(given), spec)
    told = explain_feature(spec, events, "W001", "2024-05-01", "assault_count_12m")
    assert set(told.events["area_id"]) == {"W001"}
    assert len(told.events) == told.value > 0
    with pytest.raises(DataError, match="the area is not eligible") as refused:
        explain_feature(spec, events, "W999", "2024-05-01", "assault_count_12m")
    assert "W999" not in str(refused.value)


def test_readiness_of_areas_looks_at_every_feed_and_at_no_group():
    spec = areas.spec()
    feeds = areas.admitted()
    ready = readiness(feeds, record_events(feeds, spec), spec)
    assert ready.tables["reach"].table["feed"].tolist() == ["assaults"]
    (of_groups,) = ready.findings.where(lambda f: f.code == "VRU116")
    assert of_groups.status == "not applicable"


def test_made_up_people_do_not_serve_a_spec_about_areas():
    with pytest.raises(SpecError, match="register"):
        synthetic_feeds(areas.spec(), n_people=200, random_state=0)


def test_an_area_may_be_routed_have_an_offer_and_leave_as_a_person_may():
    programme = {
        "feed": "assaults",
        "where": {"kind": ["weapon"]},
        "use": "context",
        "activity_driver": "agency_decision",
    }
    spec = areas.spec(
        **{
            "indicators.programme": programme | {"rationale": small.BECAUSE},
            "outcome.treated_by": ["programme"],
            "cohort.routed": [{"indicator": "weapon", "at_least": 8, "window": "12 months"}],
        }
    )
    given = areas.frames()
    quiet = ~given["register"]["area_id"].isin(given["assaults"]["ward"])
    closed = given["register"][quiet].iloc[[0]].assign(end_date="2022-08-10", known_date="2022-08-10")
    given["register"] = pd.concat([given["register"], closed], ignore_index=True)
    told = build_dataset(spec, record_events(areas.admitted(given, spec), spec)).frame()
    assert told["routed"].min() > 0
    assert told["treated"].min() > 0
    assert told["exited"].sum() == 1
    assert told["in_view"].tolist() == [150, 150, *[149] * (len(told) - 2)]
