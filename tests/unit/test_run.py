import json
import shutil

import numpy as np
import pandas as pd
import pytest
import world as worlds

from vru_models.errors import DataError, RefusedError, StorageError
from vru_models.evidence import Run, fit


@pytest.fixture(scope="module")
def stored(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    world.run.save(folder)
    return folder


def test_what_was_saved_is_what_opens(world, stored):
    opened = Run.open(stored)
    assert opened.digest == world.run.digest
    assert opened.card == world.run.card
    assert opened.findings == world.run.findings
    pd.testing.assert_frame_equal(opened.scores, world.run.scores)
    pd.testing.assert_frame_equal(opened.frame(), world.run.frame())
    pd.testing.assert_frame_equal(opened.regret, world.run.regret, check_dtype=False)


def test_the_same_run_gives_the_same_bytes(world, stored, tmp_path):
    Run.open(stored).save(tmp_path / "again")
    for file in stored.rglob("*.*"):
        assert (tmp_path / "again" / file.relative_to(stored)).read_bytes() == file.read_bytes(), file.name


def test_the_same_inputs_give_the_same_bytes(world, stored, tmp_path):
    fit(world.spec, world.built.data).save(tmp_path / "again")
    assert (tmp_path / "again" / "run.json").read_bytes() == (stored / "run.json").read_bytes()


def test_the_sealed_split_is_the_last_test_date(world):
    assert world.run.sealed == "2024-02-01"


def test_it_prints_what_it_is_and_of_how_many(world):
    assert repr(world.run).startswith(f"Run(small: {world.run.winner}, ")
    assert "2,000 rows of 400 people" in repr(world.run)


def test_nothing_is_written_over(world, stored):
    with pytest.raises(StorageError, match=r"run: cannot be written.*choose another name"):
        world.run.save(stored)


def test_a_folder_without_a_run_says_so(tmp_path):
    with pytest.raises(StorageError, match=r"run: holds no run.json"):
        Run.open(tmp_path)


@pytest.fixture
def copy(stored, tmp_path):
    return shutil.copytree(stored, tmp_path / "copy")


@pytest.mark.parametrize("name", ["model.json", "scores.parquet", "spec.toml", "cards/2023-07-01.json"])
def test_a_changed_file_is_refused_before_it_is_parsed(copy, name):
    (copy / name).write_bytes(b"\x00 no such thing")
    with pytest.raises(DataError, match="run: 1 files are not what was written, 0 are missing"):
        Run.open(copy)


def test_a_missing_file_is_refused(copy):
    (copy / "model.json").unlink()
    with pytest.raises(DataError, match="0 files are not what was written, 1 are missing"):
        Run.open(copy)


def test_a_further_file_is_refused(copy):
    (copy / "extra.json").write_text("{}")
    with pytest.raises(DataError, match="1 files are not what was written"):
        Run.open(copy)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"digest": "0"}'])
def test_a_head_that_is_none_is_refused(copy, content):
    (copy / "run.json").write_bytes(content)
    with pytest.raises(DataError, match=r"run: run.json: is not what was written"):
        Run.open(copy)


def test_a_changed_winner_is_refused(copy):
    head = json.loads((copy / "run.json").read_bytes())
    (copy / "run.json").write_text(json.dumps(head | {"winner": "flags"}))
    with pytest.raises(DataError, match="is not what was written"):
        Run.open(copy)


def test_a_link_in_the_folder_is_refused(copy):
    (copy / "link.json").symlink_to(copy / "run.json")
    with pytest.raises(RefusedError, match="run: is or holds a symbolic link"):
        Run.open(copy)


@pytest.mark.usefixtures("in_process")
def test_a_run_whose_choice_is_undefined_round_trips(tmp_path):
    few = worlds.spec(**{"splits.as_of": worlds.AS_OF[:2]})
    one_home = worlds.dataset(few, household=lambda date, people: ["h"] * len(people))
    run = fit(few, one_home)
    assert run.choice["mean_auc"].isna().all()
    run.save(tmp_path / "run")
    opened = Run.open(tmp_path / "run")
    assert opened.digest == run.digest
    assert opened.choice["mean_auc"].dtype == np.float64
