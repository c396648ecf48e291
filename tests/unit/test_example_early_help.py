import pytest

from vru_models.spec import Spec
from vru_models.splits import temporal_splits


@pytest.fixture(scope="module")
def spec():
    return Spec.example("early_help")


def test_the_example_survives_being_written_and_read(spec, tmp_path):
    spec.dump(tmp_path / "spec.toml")
    assert Spec.load(tmp_path / "spec.toml").digest == spec.digest


def test_four_splits_fit_into_the_synthetic_history(spec):
    rule = spec.splits
    splits = temporal_splits(
        label_end="2026-11-01",
        horizon=spec.outcome.horizon,
        embargo=spec.outcome.embargo,
        reporting_lag=spec.outcome.reporting_lag,
        first=rule.first,
        update_every=rule.update_every,
        train_every=rule.train_every,
    )
    assert [(s.name, len(s.train)) for s in splits] == [
        ("2024-08-01", 1),
        ("2025-02-01", 3),
        ("2025-08-01", 5),
        ("2026-02-01", 7),
    ]


def test_no_window_reaches_back_before_its_feed_was_shared(spec):
    for column in spec.columns:
        agreement = spec.feeds[spec.indicators[column.indicator].feed].agreement
        assert column.window.before(str(spec.splits.first)) >= agreement.start


def test_there_are_between_thirty_and_forty_five_features(spec):
    assert 30 <= len(spec.columns) <= 45


def test_domestic_abuse_is_told_to_the_panel_alone(spec):
    feed = [i for i in spec.indicators.values() if "domestic_abuse_incident" in i.where.get("kind", ())]
    assert [i.disclose_to for i in feed] == [("panel",)]


def test_a_parent_is_never_told_what_health_or_the_police_recorded(spec):
    private = [i for i in spec.indicators.values() if i.feed in ("health_mh", "police_da_missing")]
    assert private
    assert not [i for i in private if "parent" in i.disclose_to]


def test_a_child_against_whom_abuse_is_alleged_is_not_counted(spec):
    assert "suspect" not in spec.indicators["domestic_abuse"].where["role"]


def test_something_protective_is_among_the_features(spec):
    protective = {c.indicator for c in spec.columns if spec.indicators[c.indicator].direction == "lowers"}
    assert protective == {"mh_attended", "return_interview"}


def test_outcome_plans_and_offers_are_never_features(spec):
    assert not {"support_need", "protection_plan", "offer_accepted"} & {c.indicator for c in spec.columns}


def test_every_reason_is_one_plain_sentence(spec):
    reasons = [i.reason for i in spec.indicators.values() if i.use == "score"]
    assert all(r[0].isupper() and r.endswith(".") and r.count(".") == 1 and "_" not in r for r in reasons)
    assert len(set(reasons)) == len(reasons)


def test_protected_characteristics_may_be_used_for_audit_alone(spec):
    assert spec.feeds["equality_audit"].agreement.purposes == ("audit",)
    assert set(spec.fairness.sensitive) <= set(spec.table_of("equality_audit").columns)
