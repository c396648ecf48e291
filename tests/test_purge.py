import io
import sys

import kept
import pytest

from vru_models.cli import main
from vru_models.events import Events
from vru_models.identifiers.pseudonyms import PseudonymKey

LAST = "Datasets, runs and lists made before still hold their rows: build again, and remove the old ones.\n"


@pytest.fixture
def place(tmp_path):
    PseudonymKey.make(tmp_path / "erasure.key", purpose="erasure")
    return kept.kept(tmp_path / "w", made=kept.linked())[0]


@pytest.fixture
def call(place, monkeypatch, capsys):
    def run(people, *words):
        given = ["--people", "-", "--key", place.parent.parent / "erasure.key"]
        argv = ["vru-models", "purge", place, *given, "--ledger", place.parent / "ledger.jsonl", *words]
        monkeypatch.setattr(sys, "argv", [*map(str, argv)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(people.encode())))
        with pytest.raises(SystemExit, match=r".*") as stop:
            main()
        return stop.value.code or 0, *capsys.readouterr()

    return run


def test_it_says_how_many_were_there_and_how_many_were_not(call, place):
    code, out, err = call("d\ne\nnobody\n")
    assert (code, err) == (0, "")
    assert out == (
        "2 pseudonyms were in the store: gone, and kept out of what is added later.\n"
        "1 are not in the store. They are kept out of what is added later all the same.\n" + LAST
    )
    code, out, _ = call("d\n")
    assert (code, out.splitlines()[:2]) == (
        0,
        ["0 pseudonyms were in the store: gone, and kept out of what is added later.", "1 had been purged before."],
    )
    assert Events.open(place).people == {"a", "b", "c"}


def test_bad_data_where_none_of_them_is_in_the_store(call):
    code, out, err = call("A\n10/03/2010\n")
    assert code == 4
    assert "2 are not in the store. They are kept out of what is added later all the same.\n" in out
    assert err == (
        "DataError: people: none of the pseudonyms is in the store. Check them, and that this is the store.\n"
    )


def test_linked_pseudonyms_are_refused_until_it_is_said_what_becomes_of_them(call, place):
    code, out, err = call("a\n")
    assert (code, out) == (3, "")
    assert "2 other pseudonyms are linked to those given" in err
    assert "a" in Events.open(place).people


@pytest.mark.parametrize(
    ("words", "says", "left"),
    [
        (["--linked"], "2 others were linked to them: gone and kept out, too.", "de"),
        (["--not-linked"], "2 others that were linked to them stay, without the link.", "bcde"),
        (["--linked", "--same-person-from", "0.99"], "1 others were linked to them: gone and kept out, too.", "cde"),
    ],
)
def test_linked_pseudonyms_go_or_stay_as_is_said(call, place, words, says, left):
    code, out, _ = call("a\n", *words)
    assert (code, out.splitlines()[1]) == (0, says)
    assert Events.open(place).people == set(left)


def test_a_heading_is_no_pseudonym(call, place):
    code, out, err = call("person_id\na\n")
    assert (code, out) == (4, "")
    assert "people: holds the heading of a column (person_id). Expected: pseudonyms alone, one a line." in err
    assert "a" in Events.open(place).people
