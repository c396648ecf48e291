from __future__ import annotations

import json
import stat
import sys

import pytest

from vru_models.cli import main
from vru_models.errors import DataError, SpecError, StorageError
from vru_models.identifiers.files import form_of, key_from, pseudonymise_csv, rotate_csv
from vru_models.identifiers.pseudonyms import PseudonymKey

KEY = PseudonymKey("early_help", bytes(range(32)))
RAW = 'n,upn,note\r\n1,B801200005001,"a, ""b"""\r\n2,,=x\r\n3, b8012-00005001,\r\n'
PSEUDONYM = "db19623ba5f79c0bfd0e5124c62a6faf"


def done(folder, text=RAW, **changed):
    content = text if isinstance(text, bytes) else text.encode()
    (folder / "in.csv").write_bytes(content)
    asked = {"column": "upn", "key": KEY, "purpose": "early_help", "id_type": "upn"} | changed
    return pseudonymise_csv(folder / "in.csv", folder / "out.csv", **asked)


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_only_the_identifiers_change_and_the_record_names_the_key(tmp_path, start):
    record, found = done(tmp_path, start + RAW.encode())
    assert (tmp_path / "out.csv").read_bytes().decode() == (
        f'n,person_id,note\n1,{PSEUDONYM},"a, ""b"""\n2,,=x\n3,{PSEUDONYM},\n'
    )
    assert record == json.loads((tmp_path / "out.csv.json").read_text()) == {
        "method": "HMAC-SHA-256, first 128 bits",
        "key_id": KEY.id,
        "purpose": "early_help",
        "id_type": "upn",
        "column": "person_id",
        "rows": 3,
        "people": 1,
        "missing": 1,
    }  # fmt: skip
    assert found.worst == "pass"
    assert {stat.S_IMODE((tmp_path / n).stat().st_mode) for n in ("out.csv", "out.csv.json")} == {0o600}


def test_what_still_looks_like_an_identifier_is_said(tmp_path):
    _, found = done(tmp_path, "upn,home_postcode\nB801200005001,\n")
    assert [(f.status, f.where) for f in found] == [("fail", "home_postcode")]


def test_a_blank_line_of_a_single_column_is_a_row(tmp_path):
    record, _ = done(tmp_path, "upn\nB801200005001\n\n")
    assert (record["rows"], record["missing"]) == (2, 1)


def test_a_file_is_read_in_the_encoding_and_with_the_delimiter_that_are_given(tmp_path):
    text = 'n;upn;note\r\n1;B801200005001;"é;""b"""\r\n'
    for encoding in ("cp1252", "utf-16"):
        record, _ = done(tmp_path, text.encode(encoding), form=form_of(encoding, ";"))
        assert (tmp_path / "out.csv").read_text("utf-8") == f'n,person_id,note\n1,{PSEUDONYM},"é;""b"""\n'
        assert (record["rows"], record["people"]) == (1, 1)
        (tmp_path / "out.csv").unlink()
        (tmp_path / "out.csv.json").unlink()
    with pytest.raises(DataError, match=r"is not UTF-8 text"):
        done(tmp_path, text.encode("cp1252"), form=form_of("utf-8", ";"))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("cp-1252", ","), r"^encoding: 'cp-1252' is not .* Did you mean 'cp1252'"),
        (("utf-8", "::"), r"^delimiter: is not"),
    ],
)
def test_a_form_that_no_feed_may_have_is_refused(given, why):
    with pytest.raises(SpecError, match=why):
        form_of(*given)


def test_nothing_is_written_over(tmp_path):
    done(tmp_path)
    before = [(tmp_path / n).read_bytes() for n in ("out.csv", "out.csv.json")]
    with pytest.raises(StorageError, match=r"Nothing is overwritten"):
        done(tmp_path, "upn\nA80120000501A\n")
    assert [(tmp_path / n).read_bytes() for n in ("out.csv", "out.csv.json")] == before


@pytest.mark.parametrize("taken", ["out.csv", "out.csv.json"])
@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_a_file_or_record_that_is_there_already_is_refused_before_anything_is_written(tmp_path, taken, kind):
    place = tmp_path / taken
    {
        "file": lambda: place.write_bytes(b"kept"),
        "folder": place.mkdir,
        "dangling link": lambda: place.symlink_to("nowhere"),
    }[kind]()
    role = "record of the file of pseudonyms" if taken.endswith("json") else "file of pseudonyms"
    with pytest.raises(StorageError, match=rf"^{role}: is there already. Nothing is overwritten: choose another name"):
        done(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", taken]
    assert kind != "file" or place.read_bytes() == b"kept"


@pytest.mark.parametrize("taken", ["map.csv", "map.csv.json"])
def test_a_rotation_writes_over_nothing_either(tmp_path, taken):
    (tmp_path / "in.csv").write_text(RAW)
    (tmp_path / taken).write_bytes(b"kept")
    keys = [KEY, PseudonymKey("early_help", bytes(range(32, 64)))]
    asked = {"column": "upn", "keys": keys, "purpose": "early_help", "id_type": "upn"}
    with pytest.raises(StorageError, match=r"mapping: is there already. Nothing is overwritten"):
        rotate_csv(tmp_path / "in.csv", tmp_path / "map.csv", **asked)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", taken]
    assert (tmp_path / taken).read_bytes() == b"kept"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", r"has 0 columns named upn, of none\. Expected: one\. Name its column, or its --delimiter"),
        ("n,note\n1,\n", r"has 0 columns named upn, of n, note\."),
        ("upn;n\nB801200005001;1\n", r"has 0 columns named upn, of 1 that are not all plain names\."),
        ("B801200005001,ward\n", r"has 0 columns named upn, of 2 that are not all plain names\."),
        ("Jack,Marsh\n", r"has 0 columns named upn, of 2 that are not all plain names\."),
        (",ward\n", r"has 0 columns named upn, of 2 that are not all plain names\."),
        (",".join("abcdefghijkl") + "\n", r"of a, b, c, d, e, f, g, h, i, j, 2 more\."),
        ("upn,upn\nB801200005001,1\n", "has 2 columns named upn"),
        ("upn,n,n\nB801200005001,1,2\n", "has 1 column names more than once"),
        ("upn,person_id\nB801200005001,1\n", "already has a column person_id"),
        ("upn,n\nB801200005001,1\nB801200005001\nx,1,2\n", "2 rows have more or fewer cells .* the first is row 2"),
        ('upn\n"B801200005001\n', "cannot be split into rows"),
        ('upn\n"B8"01200005001\n', "cannot be split into rows"),
        (
            b"upn\nB80120000500\xff\n",
            r"is not UTF-8 text\. Save it as UTF-8 .* or say which encoding .* \(--encoding\)",
        ),
        ("upn,n\nB801200005001,1\nB80120000500,1\n", "1 of 2 values are not of the form, in rows 2"),
    ],
)
def test_a_file_that_cannot_be_used_leaves_nothing_and_shows_nothing(tmp_path, text, why):
    with pytest.raises(DataError, match=why) as refused:
        done(tmp_path, text)
    assert "B8012" not in str(refused.value)
    assert [p.name for p in tmp_path.iterdir()] == ["in.csv"]


def test_a_rotation_writes_the_mapping_and_names_both_keys(tmp_path):
    new = PseudonymKey("early_help", bytes(range(32, 64)))
    (tmp_path / "in.csv").write_text(RAW)
    asked = {"column": "upn", "purpose": "early_help", "id_type": "upn"}
    record = rotate_csv(tmp_path / "in.csv", tmp_path / "map.csv", keys=[KEY, new], **asked)
    header, row = (tmp_path / "map.csv").read_text().split()
    assert header == "old_pseudonym,new_pseudonym"
    assert row.startswith(f"{PSEUDONYM},")
    assert (record["old_key_id"], record["new_key_id"], record["people"]) == (KEY.id, new.id, 1)
    assert json.loads((tmp_path / "map.csv.json").read_text()) == record
    assert stat.S_IMODE((tmp_path / "map.csv").stat().st_mode) == 0o600


def test_a_descriptor_is_named_by_its_number():
    for wrong in ("fd:three", "fd:", "fd:-1", "fd:\u0663", f"fd:{10**21 - 1}", f"fd:{'9' * 5_000}"):
        with pytest.raises(SpecError, match=r"names no descriptor. Expected: a file, or fd:3"):
            key_from(wrong, purpose="early_help")
    with pytest.raises(StorageError, match=r"cannot be read \(Bad file descriptor\)"):
        key_from("fd:987654", purpose="early_help")


@pytest.fixture
def call(monkeypatch, capfd):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["vru-models", *map(str, words)])
        with pytest.raises(SystemExit, match=r".*") as stop:
            main()
        return stop.value.code or 0, "".join(capfd.readouterr())

    return run


def test_the_commands_go_from_a_key_to_pseudonyms_to_a_mapping_and_show_no_identifier(call, tmp_path):
    (tmp_path / "in.csv").write_text(RAW)
    keys = [tmp_path / "a.key", tmp_path / "b.key"]
    said = [call("secret", key, "--purpose", "early_help") for key in keys]
    words = [tmp_path / "in.csv", "--column", "upn", "--id-type", "upn", "--purpose", "early_help", "--key", keys[0]]
    with keys[0].open() as stream:
        from_descriptor = [*words[:-1], f"fd:{stream.fileno()}", "--out", tmp_path / "out.csv", "--as", "child"]
        said.append(call("pseudonymise", *from_descriptor))
    said.append(call("rotate", *words, "--new-key", keys[1], "--out", tmp_path / "map.csv"))
    assert [code for code, _ in said] == [0, 0, 0, 0]
    old = (tmp_path / "map.csv").read_text().splitlines()[1].split(",")[0]
    assert (tmp_path / "out.csv").read_text().splitlines()[:2] == ["n,child,note", f'1,{old},"a, ""b"""']
    secrets = [key.read_text().splitlines()[2] for key in keys]
    for hidden in ("801200005001", *secrets):
        assert hidden not in "".join(text for _, text in said)
        assert hidden not in "".join(p.read_text() for p in tmp_path.glob("*.csv*") if p.name != "in.csv")


def test_the_commands_take_the_form_of_the_file(call, tmp_path):
    (tmp_path / "in.csv").write_bytes("upn;note\nB801200005001;é\n".encode("cp1252"))
    keys = [PseudonymKey.make(tmp_path / f"{n}.key", purpose="early_help") and tmp_path / f"{n}.key" for n in "ab"]
    words = [tmp_path / "in.csv", "--column", "upn", "--id-type", "upn", "--purpose", "early_help", "--key", keys[0]]
    form = ["--encoding", "cp1252", "--delimiter", ";"]
    assert call("pseudonymise", *words, "--out", tmp_path / "out.csv", *form)[0] == 0
    assert call("rotate", *words, "--new-key", keys[1], "--out", tmp_path / "map.csv", *form)[0] == 0
    code, text = call("pseudonymise", *words, "--out", tmp_path / "other.csv", "--delimiter", "ab")
    assert (code, text[:28]) == (2, "SpecError: delimiter: is not")
    old = (tmp_path / "map.csv").read_text().splitlines()[1].split(",")[0]
    assert (tmp_path / "out.csv").read_text("utf-8") == f"person_id,note\n{old},é\n"


@pytest.mark.parametrize(
    ("purpose", "loss"),
    [
        ("early_help", "Whoever loses it cannot link next month."),
        ("erasure", "Whoever loses it can record nothing more into a store from which somebody was purged."),
    ],
)
def test_a_new_key_comes_with_what_losing_it_means(call, tmp_path, purpose, loss):
    code, text = call("secret", tmp_path / "a.key", "--purpose", purpose)
    assert code == 0
    assert " ".join(text.split()).endswith(f" for {purpose}. {loss}")


@pytest.mark.parametrize("command", ["pseudonymise", "rotate"])
def test_the_help_says_that_raw_identifiers_are_needed(call, command):
    code, text = call(command, "--help")
    assert code == 0
    assert "raw identifiers" in " ".join(text.split("Arguments:")[0].split())


def test_a_descriptor_that_cannot_be_is_a_usage_error(call, tmp_path):
    (tmp_path / "in.csv").write_text(RAW)
    words = [tmp_path / "in.csv", "--column", "upn", "--id-type", "upn", "--purpose", "early_help"]
    code, text = call("pseudonymise", *words, "--key", f"fd:{10**21 - 1}", "--out", tmp_path / "out.csv")
    assert code == 2
    assert text.splitlines() == ["SpecError: pseudonym key: names no descriptor. Expected: a file, or fd:3."]


def test_a_command_that_is_refused_says_so_in_one_line(call, tmp_path):
    (tmp_path / "in.csv").write_text(RAW)
    PseudonymKey.make(tmp_path / "a.key", purpose="housing")
    words = [tmp_path / "in.csv", "--column", "upn", "--id-type", "upn", "--purpose", "early_help"]
    code, text = call("pseudonymise", *words, "--key", tmp_path / "a.key", "--out", tmp_path / "out.csv")
    assert code == 3
    assert text.splitlines() == [
        "RefusedError: pseudonym key: is for purpose housing, not for this one. Make one key for each purpose."
    ]
    assert not (tmp_path / "out.csv").exists()
