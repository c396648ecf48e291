from __future__ import annotations

import copy
import datetime as dt
import json
import os
import tomllib

import pytest
import small
import tomli_w
from pydantic import ValidationError

from vru_models.errors import RefusedError, SpecError, StorageError
from vru_models.spec import Span, Spec


@pytest.fixture
def file(tmp_path):
    """The small spec as files: spec.toml, schemas/ and codelists/ beside it."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / "codelists").mkdir()
    for name, schema in small.SCHEMAS.items():
        (tmp_path / "schemas" / f"{name}.json").write_text(json.dumps(schema))
    (tmp_path / "codelists" / "kinds.csv").write_text(small.CODES)
    (tmp_path / "spec.toml").write_text(tomli_w.dumps(small.DECLARED))
    return tmp_path / "spec.toml"


def test_a_spec_from_files_is_the_spec_from_values(file):
    assert Spec.load(file) == small.spec()
    assert Spec.load(str(file)).digest == small.spec().digest


def test_what_is_dumped_is_loaded_again(file):
    before = Spec.load(file)
    before.dump(file)
    assert Spec.load(file) == before


def test_a_bundle_of_files_is_enough_and_nothing_else_is_consulted():
    files = small.spec().files()
    assert sorted(files) == [
        "codelists/kinds.csv", "schemas/audit.json", "schemas/cover.json", "schemas/exclusions.json",
        "schemas/missing.json", "schemas/people.json", "spec.toml",
    ]  # fmt: skip
    assert Spec.from_files(files, "bundle").digest == small.spec().digest
    with pytest.raises(SpecError, match=r"bundle: feeds.missing.schema: 'missing' is not known"):
        Spec.from_files({k: v for k, v in files.items() if "missing" not in k}, "bundle")


def test_the_digest_takes_in_schemas_and_code_lists():
    schema = small.SCHEMAS["missing"] | {"title": "Missing episodes"}
    changed = [small.spec(**{"capacity.k": 3}), small.spec(schemas={"missing": schema})]
    assert len({small.spec().digest, *(s.digest for s in changed)}) == 3


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"outcome.name": "other", "outcome.statement": "Said in quite other words, at length."}, True),
        ({"capacity.k": 7}, True),
        ({"outcome.horizon": "5 months"}, False),
        ({"outcome.at_least": 2}, False),
    ],
)
def test_the_question_is_what_is_counted_when_and_how_and_not_how_it_is_described(changes, same):
    assert (small.spec(**changes).question == small.spec().question) == same


def test_an_outcome_whose_indicator_has_another_name_is_the_same_question():
    plain = small.spec()
    rule = plain.indicators["permanent_exclusion"].model_dump(exclude_none=True)
    renamed = {"indicators.for_good": rule, "outcome.indicators": ["for_good"]}
    assert small.spec(**renamed).question == plain.question
    wider = {"indicators.for_good": rule | {"where": {"kind": ("P", "S")}}, "outcome.indicators": ["for_good"]}
    assert small.spec(**wider).question != plain.question


def test_a_spec_is_frozen():
    with pytest.raises(ValidationError, match=r"frozen"):
        small.spec().unit = "area"


def test_a_difference_is_rows_of_path_before_and_after():
    changed = small.spec(**{"capacity.k": 3, "cohort.areas": ["E01"]})
    assert small.spec().diff(changed).values.tolist() == [["capacity.k", 2, 3], ["cohort.areas[0]", "*", "E01"]]
    assert small.spec().diff(small.spec()).empty


def test_features_expand_in_declared_order():
    grid = {
        "indicators": ["missing_episode", "suspension"],
        "measures": ["count", "days_since_last"],
        "windows": ["90 days", "2 years"],
        "rationale": small.BECAUSE,
    }
    assert [c.name for c in small.spec(features=[grid]).columns] == [
        "missing_episode_count_90d", "missing_episode_count_24m", "missing_episode_days_since_last_90d",
        "missing_episode_days_since_last_24m", "suspension_count_90d", "suspension_count_24m",
        "suspension_days_since_last_90d", "suspension_days_since_last_24m",
    ]  # fmt: skip


def test_feeds_are_found_by_kind():
    spec = small.spec()
    assert [spec.feed_of_kind(k) for k in ("spells", "coverage", "audit")] == ["people", "cover", "audit"]
    assert small.spec(without=("audit",)).feed_of_kind("audit") is None
    assert spec.table_of("missing").name == "missing"


def grid(**changes):
    return [small.DECLARED["features"][0] | changes]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"feeds.missing.schema": "mising"}, "feeds.missing.schema: 'mising' is not known.*Did you mean 'missing'"),
        ({"indicators.suspension.feed": "ghosts"}, "indicators.suspension.feed: 'ghosts' is not known"),
        (
            {"features": grid(indicators=["suspensions"])},
            r"features\[0\].indicators: 'suspensions'.*Did you mean 'suspension'",
        ),
        ({"outcome.indicators": ["ghost"]}, "outcome.indicators: 'ghost' is not known"),
        ({"outcome.treated_by": ["ghost"]}, "outcome.treated_by: 'ghost' is not known"),
        ({"outcome.exits": ["ghost"]}, "outcome.exits: 'ghost' is not known"),
        ({"cohort.entry": [{"indicator": "ghost", "window": "1 year"}]}, "cohort.entry: 'ghost' is not known"),
        ({"features": grid(indicators=["permanent_exclusion"])}, "permanent_exclusion has use = 'context'"),
        ({"features": grid(windows=["1 year", "12 months"])}, "declared twice"),
        ({"features": grid(windows=["1 year"] * 5_001)}, "features: the grids make 10,002. Expected: at most 5,000"),
        ({"features": grid(measures=["max"])}, "is missing where there were no events. Add count or any"),
        ({"features": grid(measures=["sum"])}, "missing_episode_sum_12m needs a value"),
        ({"indicators.suspension.value": "session"}, "indicators.suspension.value: 'session' is not known.*'sessions'"),
        (
            {"indicators.suspension.value": "kind"},
            "indicators.suspension: kind: is a string. Expected: integer or number",
        ),
        ({"indicators.suspension.where": {"knd": ["S"]}}, "indicators.suspension.where: 'knd' is not known"),
        ({"indicators.suspension.where": {"kind": ["X"]}}, "indicators.suspension.where.kind: 'X' is not known"),
        ({"indicators.suspension.event_date": "kind"}, "kind: is a string. Expected: date"),
        ({"indicators.missing_episode.feed": "people"}, "feed people holds spells. Expected: a feed of events"),
    ],
)
def test_what_refers_to_nothing_is_refused_by_path(changes, message):
    with pytest.raises(SpecError, match=message):
        small.spec(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"indicators.suspension.activity_driver": "help_seeking"}, "asking for help must never raise a score"),
        ({"indicators.suspension.activity_driver": "enforcement"}, "an enforcement-driven indicator is refused"),
        ({"indicators.suspension.role": "suspect"}, "role 'suspect' is refused as a feature"),
        ({"indicators.suspension.role": "associate"}, "role 'associate' is refused as a feature"),
        ({"indicators.suspension.direction": None}, "'direction' .* is needed for use = 'score'"),
        (
            {"indicators.permanent_exclusion.direction": "raises"},
            "'direction' .* is needed for use = 'score', and for nothing",
        ),
        ({"indicators.suspension.reason": ""}, "'reason' is needed"),
        ({"indicators.suspension.rationale": "short"}, "rationale"),
        ({"feeds.missing.agreement.recipients": ["panel", "police"]}, "recipients police are refused"),
        ({"feeds.missing.agreement.to": dt.date(2019, 12, 31)}, "'to' is before 'from'"),
        ({"feeds.missing.agreement.purposes": ["enforce"]}, "Input should be 'train', 'score' or 'audit'"),
        ({"feeds.missing.known": {"kind": "assumed_lag"}}, "'median' and 'p95' .* are needed for assumed_lag"),
        ({"feeds.missing.known": {"median": 1, "p95": 2}}, "'median' and 'p95' .* and for nothing else"),
        ({"feeds.missing.known": {"kind": "assumed_lag", "median": 3, "p95": 2}}, "'p95' is below 'median'"),
        ({"cohort.age_to": 9}, "age_to is below age_from"),
        ({"cohort.age_to": None}, "give both age_from and age_to, or neither"),
        ({"features": grid(windows=["0 days"])}, "a length of zero holds nothing"),
        ({"features": grid(windows=["6m"])}, "'6m' is ambiguous"),
        ({"splits": {}}, "give either as_of .dates. or update_every"),
        ({"splits": {"update_every": "1 month"}}, "a rule needs 'first'"),
        ({"splits.as_of": [dt.date(2023, 1, 1), dt.date(2022, 1, 1)]}, "as_of dates must ascend, each once"),
        ({"splits.max_history": "1 year"}, "belong to a rule, not to explicit as_of dates"),
        ({"model.candidates": [{"name": "a", "kind": "scorecard"}] * 2}, "two candidates have the same name"),
        ({"capacity.random_share": 0.04}, "greater than or equal to 0.05"),
        ({"capacity.k": 1_000_001}, "less than or equal to 1000000"),
        ({"fairness.min_group": 1_000_001}, "less than or equal to 1000000"),
        ({"model.candidates": [{"name": "a", "kind": "scorecard", "l2": float("inf")}]}, "finite number"),
        ({"model.candidates": [{"name": "a", "kind": "scorecard", "l2": 2e6}]}, "less than or equal to 1000000"),
        ({"feeds.missing.known": {"kind": "assumed_lag", "median": 1, "p95": 36_526}}, "less than or equal to 36525"),
        ({"feeds.missing.agreement.to": dt.date(9999, 12, 31)}, "a day of the year 9999. Expected: a year from 1900"),
        ({"purpose.dpia.review_by": 1}, "not a day. Expected: YYYY-MM-DD"),
        ({"features": grid(windows=["99999999999 months"])}, "a length of time is from 0 days to 200 years"),
        ({"fairness.min_group": 9}, "greater than or equal to 10"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
    ],
)
def test_what_must_not_be_declared_is_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        small.spec(**changes)


def test_one_feed_at_most_of_spells_coverage_and_audit():
    feed = small.DECLARED["feeds"]["people"]
    with pytest.raises(SpecError, match=r"feeds: 2 hold spells. Expected: one at most"):
        small.spec(**{"feeds.more_people": feed})


def test_a_feed_with_no_known_date_needs_an_assumed_lag():
    schema = small.SCHEMAS["missing"] | {"x-vru": {"agency": "council", "event_date": "start_date"}}
    with pytest.raises(
        SpecError, match=r"has no column that says when it was known. Name known_date, or declare feeds.missing"
    ):
        small.spec(schemas={"missing": schema})
    known = {"kind": "assumed_lag", "median": 1, "p95": 2}
    assert small.spec(schemas={"missing": schema}, **{"feeds.missing.known": known}).feeds["missing"].known.median == 1
    own = small.spec(schemas={"missing": schema}, **{"indicators.missing_episode.known_date": "known_date"})
    assert own.indicators["missing_episode"].known_date == "known_date"


@pytest.mark.parametrize("use", ["context", "audit", "refuse"])
def test_a_source_that_is_refused_gives_context_only(use):
    schema = small.SCHEMAS["missing"] | {"x-vru": small.SCHEMAS["missing"]["x-vru"] | {"default_use": use}}
    with pytest.raises(SpecError, match=r"feed missing is refused as a source of features"):
        small.spec(schemas={"missing": schema})


def test_a_code_list_that_a_schema_names_must_be_there(file):
    (file.parent / "codelists" / "kinds.csv").unlink()
    with pytest.raises(SpecError, match=r"codelists/kinds.csv: is named by a schema but was not found. Add the file"):
        Spec.load(file)
    declared = small.DECLARED | {"tables": small.spec().tables}
    with pytest.raises(SpecError, match=r"schema exclusions: codelists.kind: 'kinds' is not known"):
        Spec.model_validate(declared)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"\xff", SpecError, "is not UTF-8 text. Expected: a TOML file"),
        (b"purpose =", SpecError, "spec.toml: is not TOML"),
        (b"a" + b".a" * 5_000 + b" = 1", SpecError, "a line is too long. Expected: lines of at most 10,000 characters"),
        (b"a = " + b"[\n" * 50_000, SpecError, r"is not TOML that can be used \(nested too deeply"),
        (b"a = " + b"9" * 5_000, SpecError, r"is not TOML that can be used .* a number or character is beyond"),
        (b"unit" + b".a" * 1_500 + b" = 1", SpecError, "unit: is not allowed. Expected: 'person'"),
        ("unit = 1".encode("utf-16"), SpecError, "is not UTF-8 text"),
        (
            b"z" * 5_000 + b" = 1",
            SpecError,
            r"\n  z{60}\.\.\.: is not a known key here\. Expected: one of capacity, .*, unit\.\n",
        ),
        (b"unit = '" + b"z" * 5_000 + b"'", SpecError, r"unit: 'z{60}\.\.\.' is not allowed"),
        (b"".join(b"z%d = 1\n" % i for i in range(99)), SpecError, r"111 faults.(\n.*){20}\n  and 91 more\nNothing"),
        (b"#" * (1 << 20) + b"\n", RefusedError, "spec.toml: is too long. Expected: at most 1,048,576 bytes"),
        (b"feeds = 3", SpecError, "spec.toml: 1[0-9] faults.*\n.*purpose: is missing"),
        (b"[tables]", SpecError, "spec.toml: tables: is not a known key here"),
    ],
)
def test_a_file_that_is_no_spec_is_refused_by_name(file, content, error, message):
    file.write_bytes(content)
    with pytest.raises(error, match=message):
        Spec.load(file)


def test_a_missing_file_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match=r"spec.toml: cannot be read \(No such file or directory\). Check the path"):
        Spec.load(tmp_path / "spec.toml")


@pytest.mark.parametrize("name", ["spec.toml", "schemas/missing.json", "codelists/kinds.csv"])
def test_a_file_that_is_no_file_is_refused_and_not_waited_for(file, name):
    place = file.parent / name
    place.unlink()
    os.mkfifo(place)
    with pytest.raises(RefusedError, match=f"{name}: is not a regular file"):
        Spec.load(file)


@pytest.mark.parametrize("name", ["schemas/missing.json", "codelists/kinds.csv"])
def test_a_file_beside_the_spec_is_read_up_to_its_bound(file, name):
    with (file.parent / name).open("wb") as large:
        large.truncate(1 << 33)
    with pytest.raises(RefusedError, match=f"{name}: is too long. Expected: at most 4,194,304 bytes"):
        Spec.load(file)


@pytest.mark.parametrize("name", ["schemas/missing.json", "codelists/kinds.csv"])
def test_a_file_beside_the_spec_in_another_encoding_is_refused(file, name):
    (file.parent / name).write_bytes("caf\u00e9".encode("latin-1"))
    with pytest.raises(SpecError, match=f"{name}: is not UTF-8 text. Save the file as UTF-8"):
        Spec.load(file)


def test_a_byte_order_mark_changes_nothing(file):
    for place in (file, file.parent / "schemas" / "missing.json", file.parent / "codelists" / "kinds.csv"):
        place.write_bytes(b"\xef\xbb\xbf" + place.read_bytes())
    assert Spec.load(file).digest == small.spec().digest


def test_a_link_to_a_spec_is_followed_and_its_own_neighbours_are_read(file):
    (file.parent / "store").mkdir()
    file.rename(file.parent / "store" / "v1.toml")
    file.symlink_to("store/v1.toml")
    assert Spec.load(file).digest == small.spec().digest


@pytest.mark.parametrize("name", ["../schemas/missing", "m" * 5_000, "", 3])
def test_no_file_is_looked_for_under_what_is_not_a_name(file, name):
    declared = tomllib.loads(file.read_text())
    declared["feeds"]["missing"]["schema"] = name
    file.write_text(tomli_w.dumps(declared))
    with pytest.raises(SpecError, match=r"spec.toml: 1 fault.\n  feeds.missing.schema: .*\nNothing was read"):
        Spec.load(file)


def test_a_schema_that_is_not_there_is_said_with_the_place_for_it(file):
    (file.parent / "schemas" / "missing.json").unlink()
    place = (
        r"spec.toml: feeds.missing.schema: 'missing' is not known. Expected: schemas/missing.json beside the spec, or "
        r"one that ships \(area_context, .*, youth_justice\). .*Put your own schema into schemas/."
    )
    with pytest.raises(SpecError, match=place):
        Spec.load(file)


def test_every_fault_is_named_by_path_with_the_nearest_allowed_value(file):
    text = (
        file.read_text()
        .replace('direction = "raises"', 'direction = "raise"')
        .replace("k = 2", 'k = 2\ncolour = "red"')
    )
    file.write_text(text)
    with pytest.raises(SpecError, match="is not allowed") as caught:
        Spec.load(file)
    assert str(caught.value).splitlines()[1:] == [
        "  indicators.suspension.direction: 'raise' is not allowed. Expected: 'raises', 'lowers' or 'either'. "
        "Did you mean 'raises'?",
        "  indicators.missing_episode.direction: 'raise' is not allowed. Expected: 'raises', 'lowers' or 'either'. "
        "Did you mean 'raises'?",
        "  capacity.colour: is not a known key here. Expected: one of k, random_share.",
        "Nothing was read. Correct the file and run again.",
    ]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"feeds.missing.delivry": "append"},
            "feeds.missing.delivry: is not a known key here. Did you mean 'delivery'?",
        ),
        (
            {"feeds.source": small.DECLARED["feeds"]["missing"] | {"shema": "missing"}},
            "feeds.source.shema: is not a known key here. Did you mean 'schema'?",
        ),
        (
            {"feeds.missing.known": {"kind": "first_seen", "lag": 3}},
            "feeds.missing.known.lag: is not a known key here. Expected: one of kind, median, p95.",
        ),
        (
            {"feeds.missing.agreement": small.agreement("train") | {"till": 1}},
            "feeds.missing.agreement.till: is not a known key here. Expected: one of areas, from, gateway, id, "
            "opt_out, purposes, recipients, to.",
        ),
        (
            {"features": [small.DECLARED["features"][0] | {"measure": ["any"]}]},
            "features[0].measure: is not a known key here. Did you mean 'measures'?",
        ),
        (
            {"table": 1},
            "table: is not a known key here. Expected: one of capacity, cohort, disclosure, fairness, "
            "features, feeds, further_outcomes, indicators, model, outcome, purpose, retention, splits, success, unit.",
        ),
    ],
)
def test_a_key_that_is_not_known_comes_with_the_nearest_or_with_all_that_are(file, changes, says):
    declared = copy.deepcopy(small.DECLARED)
    for dotted, value in changes.items():
        *path, last = dotted.split(".")
        at = declared
        for part in path:
            at = at[part]
        at[last] = value
    file.write_text(tomli_w.dumps(declared))
    with pytest.raises(SpecError, match="is not a known key here") as caught:
        Spec.load(file)
    assert f"  {says}" in str(caught.value).splitlines()


def test_an_example_that_does_not_ship_is_unknown():
    with pytest.raises(SpecError, match=r"Spec.example: 'early' is not known. Expected: one of .*early_help"):
        Spec.example("early")


def test_the_example_that_ships_survives_a_round_trip():
    example = Spec.example("early_help")
    assert Spec.from_files(example.files(), "bundle").digest == example.digest
    assert isinstance(example.outcome.horizon, Span)


def test_the_representation_is_one_line():
    assert (
        repr(small.spec())
        == f"Spec(small: 5 feeds, 3 indicators, 2 features, k = 2, digest {small.spec().digest[:12]})"
    )
