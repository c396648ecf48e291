import dataclasses
import datetime as dt
import json
import shutil
import sys

import pytest
import world as worlds

from vru_models.audit.ledger import Ledger
from vru_models.audit.release import Release
from vru_models.audit.trust import Trust
from vru_models.errors import RefusedError, StorageError
from vru_models.evidence import Evidence, evaluate, fit
from vru_models.findings import Finding, Findings

module = sys.modules["vru_models.audit.approve"]


def on(monkeypatch, *day):
    """The clock of approval and of loading at a day after the ledger began."""
    for name in ("approve", "release"):
        monkeypatch.setattr(sys.modules[f"vru_models.audit.{name}"], "today", lambda: dt.date(*day))


@pytest.fixture
def own(world, tmp_path):
    """The session's world with a ledger of its own, and nothing approved."""
    place = tmp_path / "own"
    place.mkdir()
    shutil.copy(world.place / "ledger.jsonl", place / "ledger.jsonl")
    shutil.copytree(world.place / "keys", place / "keys")
    shutil.copy(world.place / "trust.toml", place / "trust.toml")
    return dataclasses.replace(world, place=place)


def with_findings(own, *changed, without=()):
    """The world with other findings in its evidence, all of it in the ledger."""
    kept = [f for f in own.evidence.findings if f.code not in without]
    evidence = dataclasses.replace(own.evidence, findings=Findings([*kept, *changed]))
    own.ledger.append("evidence", run=own.run.digest, evidence=evidence.digest)
    return dataclasses.replace(own, evidence=evidence)


def refusal(own, **changes):
    with pytest.raises(RefusedError, match="approve: refused") as caught:
        own.approved(**changes)
    assert caught.value.exit_code == 3
    assert not (own.place / "release").exists()
    assert not own.ledger.find("approval")
    return str(caught.value)


def test_a_release_says_who_approved_what_until_when(own, monkeypatch):
    on(monkeypatch, 2028, 2, 28)
    release = own.approved()
    assert (release.purpose, release.version) == ("small", 1)
    assert (release.approved_by, release.approved_on) == (worlds.APPROVER, dt.date(2028, 2, 28))
    assert release.expires_on == dt.date(2029, 2, 28)
    assert release.card == own.run.card
    assert release.spec.digest == own.spec.digest
    assert dict(release.overrides) == own.overrides
    assert release.pinned


def test_the_approval_is_in_the_ledger_before_the_release_is_there(own, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "write_folder", stop)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        own.approved()
    (entry,) = own.ledger.find("approval")
    assert entry.body["version"] == 1
    assert not (own.place / "release").exists()


def test_the_ledger_entry_is_the_approval_and_names_the_release(own):
    release = own.approved()
    (entry,) = own.ledger.find("approval", release=release.digest)
    assert entry.body["overrides"] == own.overrides
    assert (entry.body["run"], entry.body["evidence"]) == (own.run.digest, own.evidence.digest)
    assert entry.body["signed_by"] == [signer.fingerprint for signer in release.signers]


def test_versions_only_rise(own):
    versions = [own.approved(out=own.place / name).version for name in ("r1", "r2", "r3")]
    assert versions == [1, 2, 3]


def test_a_version_that_was_never_published_is_not_given_again(own, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(module, "write_folder", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt, match=r"^$"):
            own.approved()
    assert own.approved().version == 2


def test_the_bundle_holds_everything_that_is_needed_to_use_and_question_it(own):
    own.approved()
    files = {str(p.relative_to(own.place / "release")) for p in (own.place / "release").rglob("*") if p.is_file()}
    assert files >= {
        "manifest.json", "manifest.sig.json", "spec.toml", "card.json", "card.txt", "published.json", "approval.json",
        "known_answers.json", "report.html", "checkpoint.json", "schemas/exclusions.json", "codelists/kinds.csv",
    }  # fmt: skip
    approval = json.loads((own.place / "release" / "approval.json").read_bytes())
    assert sum(approval["findings"].values()) == len(own.evidence.findings)
    page = (own.place / "release" / "report.html").read_text()
    assert worlds.APPROVER in page
    assert worlds.BECAUSE in page


def test_the_checkpoint_in_it_vouches_for_the_ledger_up_to_then(own):
    own.approved()
    checkpoint = (own.place / "release" / "checkpoint.json").read_bytes()
    found = own.ledger.verify(checkpoint=checkpoint)
    assert not found.with_status("fail")
    assert f"the first {len(own.ledger) - 1} entries are as signed" in repr(found)


def test_every_open_finding_must_be_answered_and_all_are_named_at_once(own):
    text = refusal(own, overrides={})
    for finding in own.evidence.findings.with_status("fail", "cannot tell"):
        assert f"{finding.code} {finding.status}, {finding.where}: " in text
    assert "Nothing was written. A finding may be answered" in text.splitlines()[-1]


def test_everything_that_stands_in_the_way_is_said_in_one_error(own):
    bad = with_findings(own, Finding("VRU201", "fail", "leakage", "rows change"), without=("VRU201",))
    text = refusal(bad, overrides={"VRU999": worlds.BECAUSE, "VRU402": "short"}, by=" ")
    for part in (
        "VRU201 leakage: cannot be overridden (rows change)",
        "VRU404 fail",
        "overrides.VRU999: nothing with this code stands in the way",
        "overrides.VRU402: gives no reason",
        "VRU201: the dataset carries no proof against leakage",
        "by: names nobody",
    ):
        assert part in text, part


@pytest.mark.parametrize("code", ["VRU201", "VRU202", "VRU204", "VRU601"])
def test_leakage_lawfulness_and_the_account_cannot_be_overridden(own, code):
    bad = with_findings(own, Finding(code, "fail", "thing", "it is so"))
    assert f"{code} thing: cannot be overridden (it is so)" in refusal(bad, overrides=bad.overrides)


def test_too_few_splits_can_be_answered_for(own):
    few = with_findings(own, Finding("VRU203", "cannot tell", "splits", "2 splits"), without=("VRU203",))
    assert few.approved(overrides=few.overrides).version == 1


def test_without_a_proof_against_leakage_nothing_is_approved(own):
    unproved = with_findings(own, without=("VRU201",))
    assert "VRU201: the dataset carries no proof against leakage" in refusal(unproved)


@pytest.mark.parametrize(("by", "refused"), [("A. B", False), ("A.B", True), ("   ", True), ("A. Name\nSRO", True)])
def test_somebody_approves_by_name_in_one_line(own, by, refused):
    if refused:
        assert "by: names nobody; give name and role in one line" in refusal(own, by=by)
    else:
        assert own.approved(by=by).approved_by == by


@pytest.mark.parametrize(("reason", "refused"), [("123456789", True), ("1234567890", False), ("  1234567   ", True)])
def test_a_reason_has_ten_characters_at_least(own, reason, refused):
    given = own.overrides | {"VRU402": reason}
    if refused:
        assert "overrides.VRU402: gives no reason" in refusal(own, overrides=given)
    else:
        assert own.approved(overrides=given).overrides["VRU402"] == reason


@pytest.mark.parametrize("name", ["dpia", "equality_assessment"])
def test_an_assessment_that_is_out_of_date_is_refused_the_day_after(own, name, monkeypatch):
    on(monkeypatch, 2090, 1, 2)
    assert f"purpose.{name}: was to be reviewed by 2090-01-01" in refusal(own)
    on(monkeypatch, 2090, 1, 1)
    assert own.approved().approved_on == dt.date(2090, 1, 1)


def test_a_ledger_that_is_not_intact_is_refused(own):
    path = own.place / "ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"kind":"fit"', b'"kind":"fat"'))
    with pytest.raises(RefusedError, match="ledger: is not intact; run verify on it"):
        own.approved()
    assert not (own.place / "release").exists()


def test_a_ledger_that_knows_nothing_of_the_fit_is_refused(own):
    (own.place / "ledger.jsonl").unlink()
    assert "ledger: holds no fit of this run; give the ledger to fit and evaluate" in refusal(own)


def test_evidence_of_another_run_is_refused(own):
    other = dataclasses.replace(own.evidence, run_digest="0" * 64)
    assert "evidence: is of another run" in refusal(dataclasses.replace(own, evidence=other))


def test_evidence_that_the_ledger_does_not_hold_is_refused(own):
    better = dataclasses.replace(own.evidence, headline=dict(own.evidence.headline) | {"precision": 0.99})
    text = refusal(dataclasses.replace(own, evidence=better))
    assert "ledger: does not hold this evidence; give the ledger to evaluate" in text


def test_bars_that_were_not_there_before_the_fit_are_refused(own):
    book = Ledger(own.place / "ledger.jsonl")
    kept = [(e.kind, dict(e.body)) for e in book if e.kind != "bars"]
    bars = [(e.kind, dict(e.body)) for e in book if e.kind == "bars"]
    (own.place / "ledger.jsonl").unlink()
    for kind, body in kept + bars:
        book.append(kind, **body)
    assert "success: these bars were not in the ledger before the fit" in refusal(own)


def test_bars_that_were_changed_for_the_same_outcome_and_dates_are_refused(own):
    (bars,) = own.ledger.find("bars")
    own.ledger.append("bars", **dict(bars.body) | {"bars": ["precision_at_k >= 0.05"], "spec": "0" * 64})
    assert "success: other bars were fixed for the same outcome in the same time" in refusal(own)


def test_other_bars_for_another_outcome_are_nobodys_business(own):
    (bars,) = own.ledger.find("bars")
    own.ledger.append("bars", **dict(bars.body) | {"bars": ["precision_at_k >= 0.05"], "question": "0" * 64})
    assert own.approved().version == 1


@pytest.mark.parametrize(("sealed", "refused"), [("2023-08-02", True), ("2024-08-02", True), ("2023-08-01", False)])
def test_other_bars_for_outcomes_of_the_same_time_are_refused(own, sealed, refused):
    (bars,) = own.ledger.find("bars")
    changed = {"bars": ["precision_at_k >= 0.05"], "test_dates": ["2022-01-01", sealed]}
    own.ledger.append("bars", **dict(bars.body) | changed)
    if refused:
        assert "success: other bars were fixed for the same outcome in the same time" in refusal(own)
    else:
        assert own.approved().version == 1


def test_a_reason_that_names_somebody_by_pseudonym_is_refused(own):
    somebody = own.run.scores.index.get_level_values("person_id")[0]
    text = refusal(own, overrides=own.overrides | {"VRU402": f"see {somebody}, whom we know"})
    assert "overrides: hold a pseudonym; write reasons without naming anybody" in text
    assert somebody not in text.replace("VRU402", "")


def test_a_release_inside_a_release_would_break_it(own):
    own.approved()
    with pytest.raises(StorageError, match="lies inside a release"):
        own.approved(out=own.place / "release" / "inner")
    assert len(own.ledger.find("approval")) == 1


def test_evidence_from_before_another_opening_of_the_sealed_split_is_refused(own):
    (opening,) = own.ledger.find("sealed_split_opened")
    own.ledger.append("sealed_split_opened", **opening.body)
    assert "evidence: the sealed split has been opened since" in refusal(own)


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("reworded", [{}, {"outcome.statement": "The same outcome in other words, a full stop less"}])
def test_bars_cannot_be_lowered_by_fitting_again_however_the_outcome_is_described(own, reworded):
    bars = {"success.bars": [{"metric": "precision_at_k", "at_least": 0.01}]}
    lower = worlds.spec(**bars, **reworded)
    data = dataclasses.replace(own.built.data, spec_digest=lower.digest)
    run = fit(lower, data, ledger=own.ledger)
    evidence = evaluate(run, data, sensitive=own.built.feeds.sensitive, ledger=own.ledger)
    again = dataclasses.replace(own, run=run, evidence=evidence, spec=lower)
    text = refusal(again, overrides=again.overrides)
    assert "success: other bars were fixed for the same outcome in the same time" in text
    assert {f.status for f in evidence.findings if f.code == "VRU406"} == {"cannot tell"}


def test_a_place_that_is_taken_is_refused_before_anything_else(own):
    (own.place / "release").mkdir()
    with pytest.raises(StorageError, match="is already there"):
        own.approved()
    assert not own.ledger.find("approval")


def own_trust(own, **changes):
    """A trust file with the world's key under another name, role or date of revocation."""
    (key,) = Trust.load(own.place / "trust.toml").keys
    return Trust.of(dataclasses.replace(key, **changes))


@pytest.mark.parametrize(
    ("changes", "by"),
    [({}, worlds.APPROVER), ({"name": "A. Name"}, worlds.APPROVER), ({"name": "A. Name"}, "A. Name")],
)
def test_the_key_is_held_against_the_trust_file_by_name(own, changes, by):
    release = own.approved(trusted=own_trust(own, **changes), by=by)
    assert release.signers[0].name == changes.get("name", worlds.APPROVER)


@pytest.mark.parametrize(
    ("changes", "by", "says"),
    [
        ({"name": "A. Name"}, "A. Namesake", "the trust file does not list this key as an approver's under this name"),
        ({"name": "A. Name"}, "B. Other, owner", "does not list this key as an approver's under this name"),
        ({"role": "witness"}, worlds.APPROVER, "does not list this key as an approver's under this name"),
        ({"revoked": dt.date(2026, 1, 1)}, worlds.APPROVER, "was revoked on 2026-01-01"),
    ],
)
def test_a_key_of_somebody_else_or_of_no_approver_is_refused(own, changes, by, says):
    assert says in refusal(own, trusted=own_trust(own, **changes), by=by)


def test_a_key_that_is_not_in_the_trust_file_is_refused(own):
    assert "is not among the 0 keys of the trust file" in refusal(own, trusted=Trust.of())


def test_one_finding_alone_can_be_answered_for(own):
    two = with_findings(
        own, *(Finding("VRU302", "cannot tell", w, "too few") for w in ("sex", "age")), without=("VRU302",)
    )
    kept = {code: reason for code, reason in two.overrides.items() if code != "VRU302"}
    text = refusal(two, overrides=kept | {"VRU302:sex": worlds.BECAUSE})
    assert "VRU302 cannot tell, age" in text
    assert "VRU302 cannot tell, sex" not in text
    release = two.approved(overrides=kept | {"VRU302:sex": worlds.BECAUSE, "VRU302:age": worlds.BECAUSE})
    assert release.overrides["VRU302:age"] == worlds.BECAUSE


def test_the_release_says_since_when_the_ledger_tells(own):
    own.approved()
    approval = json.loads((own.place / "release" / "approval.json").read_bytes())
    assert approval["ledger_began"] == next(iter(own.ledger)).at[:10]


def test_a_key_that_others_can_read_is_refused_and_nothing_is_recorded(own):
    own.key.chmod(0o644)
    with pytest.raises(RefusedError, match="signing key: its group or everyone can read or change it"):
        own.approved()
    assert not own.ledger.find("approval")


def test_stored_evidence_and_run_approve_as_well(own, world):
    stored = dataclasses.replace(own, evidence=Evidence.open(world.place / "evidence"))
    release = stored.approved()
    trust = Trust.load(world.place / "trust.toml")
    assert Release.load(own.place / "release", trusted=trust).digest == release.digest
