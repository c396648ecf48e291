"""No person leaves: unique pseudonyms and areas go the whole way, and appear where they must and nowhere else."""

import dataclasses
import shutil
import traceback

import pandas as pd
import pytest
import world as worlds

from vru_models.audit.ledger import Ledger
from vru_models.audit.release import Release
from vru_models.audit.verify import verify
from vru_models.errors import VruError
from vru_models.events import Events
from vru_models.evidence import Evidence, Run, evaluate, fit
from vru_models.evidence.published import published
from vru_models.scoring import score
from vru_models.spec.digest import canonical_json

CANARY, AREA = "zq7canary", "E0CANARY9"
LATE = "2024-10-20"


@pytest.fixture(scope="module")
def canary(tmp_path_factory):
    place = tmp_path_factory.mktemp("canary")
    made = worlds.made(place, n=300, seed=5, prefix=CANARY, areas=(AREA, AREA + "B"))
    release = made.approved()
    scores = score(release, made.built.events, as_of=worlds.SCORED, ledger=made.ledger)
    scores.save(place / "scores", ledger=made.ledger)
    return made, release, scores


def holds(text):
    content = text if isinstance(text, bytes) else str(text).encode()
    return CANARY.encode() in content.lower() or AREA.encode() in content


def test_the_list_names_its_people_and_no_area(canary):
    made, _, scores = canary
    for name in ("list.csv", "sheets.html"):
        content = (made.place / "scores" / name).read_text()
        assert content.count(CANARY) >= len(scores.list) == 20
        assert AREA not in content
    stored = pd.read_parquet(made.place / "scores" / "list.parquet")
    assert stored["person_id"].str.startswith(CANARY).all()


def test_the_list_names_nobody_who_is_not_on_it(canary):
    made, _, scores = canary
    everyone = set(made.built.data.X.index.get_level_values("person_id"))
    content = (made.place / "scores" / "list.csv").read_text() + (made.place / "scores" / "sheets.html").read_text()
    assert not {person for person in everyone - set(scores.list["person_id"]) if person in content}


def test_nothing_that_leaves_or_accounts_names_anybody(canary):
    made, _, _ = canary
    kept = [
        made.place / "ledger.jsonl",
        made.place / "scores" / "scores.json",
        made.place / "evidence" / "evidence.json",
    ]
    kept += [made.place / "run" / "run.json", made.place / "dataset" / "dataset.json"]
    kept += [p for p in (made.place / "release").rglob("*") if p.is_file()]
    assert len(kept) > 15
    assert [p.name for p in kept if holds(p.read_bytes())] == []


def test_what_is_printed_and_published_names_nobody(canary):
    made, release, scores = canary
    printed = [
        canonical_json(published(made.run, made.evidence)), repr(made.run), repr(made.evidence),
        repr(made.evidence.findings),
        repr(release), repr(scores), repr(scores.findings), repr(made.built.data), verify(made.place),
        made.evidence.frame("groups"), made.evidence.frame("by_split"), made.run.frame(),
    ]  # fmt: skip
    assert [i for i, text in enumerate(printed) if holds(text)] == []


def broken(made, tmp_path):
    """Ways to go wrong, each with the people at hand."""
    data, run, events = made.built.data, made.run, made.built.events
    sensitive = made.built.feeds.sensitive
    book = Ledger(shutil.copy(made.place / "ledger.jsonl", tmp_path / "ledger.jsonl"))
    twice = pd.concat([sensitive, sensitive.iloc[:3]])
    few = dataclasses.replace(data, rows=data.rows.assign(y=0.0))
    bare = Events.from_frame(events.frame, spells=events.spells, coverage=events.coverage)
    release = Release.load(made.place / "release", trusted=made.place / "trust.toml")
    run_copy = shutil.copytree(made.place / "run", tmp_path / "run")
    (run_copy / "scores.parquet").write_bytes(CANARY.encode())
    evidence_copy = shutil.copytree(made.place / "evidence", tmp_path / "evidence")
    (evidence_copy / "evidence.json").write_bytes(b'{"headline": "' + CANARY.encode() + b'"}')
    bundle = shutil.copytree(made.place / "release", tmp_path / "release")
    (bundle / "card.json").write_bytes(CANARY.encode())
    without = release.card.features[0]
    card = dataclasses.replace(release.card, features=(dataclasses.replace(without, name="other"),))
    return {
        "another spec": lambda: fit(worlds.spec(**{"capacity.k": 7}), data),
        "one kind of label": lambda: fit(made.spec, few),
        "another dataset": lambda: evaluate(run, few),
        "no attribute": lambda: evaluate(run, data, sensitive=sensitive.rename(columns={"sex": "gender"})),
        "a repeated person": lambda: evaluate(run, data, sensitive=twice),
        "approval refused": lambda: made.approved(overrides={}, out=tmp_path / "never"),
        "a changed run": lambda: Run.open(run_copy),
        "changed evidence": lambda: Evidence.open(evidence_copy),
        "a changed release": lambda: Release.load(bundle, trusted=None),
        "not pinned": lambda: score(
            Release.load(made.place / "release", trusted=None), events, as_of=worlds.SCORED, ledger=book
        ),
        "stale": lambda: score(release, events, as_of=LATE, ledger=book),
        "no extract dates": lambda: score(release, bare, as_of=worlds.SCORED, ledger=book),
        "nobody eligible": lambda: score(release, events, as_of="2020-01-01", ledger=book),
        "no such column": lambda: score(
            dataclasses.replace(release, card=card), events, as_of=worlds.SCORED, ledger=book
        ),
        "written already": lambda: score(release, events, as_of=worlds.SCORED, ledger=book).save(
            made.place / "scores", ledger=book
        ),
    }


def test_no_failure_names_anybody(canary, tmp_path):
    made, _, _ = canary
    told, ways = {}, broken(made, tmp_path)
    for name, fail in ways.items():
        try:
            fail()
        except VruError as error:
            told[name] = "".join(traceback.format_exception_only(error)) + repr(error.__cause__)
    assert list(told) == list(ways)
    assert [name for name, text in told.items() if holds(text)] == []


def test_the_world_is_in_order_at_the_end(canary):
    made, _, _ = canary
    assert verify(made.place).worst == "pass"
