import re
import shlex
import subprocess
import sys
from importlib import import_module, resources
from pathlib import Path

import pytest

import vru_models
from vru_models.cli import app
from vru_models.spec import Spec

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_every_python_block_of_the_readme_runs(block, tmp_path):
    command = [sys.executable, "-W", "error", "-c", block]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stderr == ""
    assert done.returncode == 0
    assert done.stdout


def test_the_readme_holds_both_commands_that_ci_runs():
    commands = [line for line in README.splitlines() if line.startswith("python -m venv ")]
    assert [shlex.split(line)[3] for line in commands] == [".venv", ".venv-test"]


def test_every_command_of_the_readme_exists():
    registered = {command.name or command.callback.__name__ for command in app.registered_commands}
    named = set(re.findall(r"^\| [^|]+\| `(\w+) ", README, re.MULTILINE))
    assert named == registered - {"demo"}


def found(dotted):
    """What a dotted name under ``vru_models`` is; an attribute first, as a user's ``from ... import`` has it."""
    thing = vru_models
    for part in dotted.split("."):
        thing = getattr(thing, part, None) or import_module(f"{thing.__name__}.{part}")
    return thing


def test_every_function_in_the_table_of_the_readme_is_found_where_it_says():
    cells = re.findall(r"^\| [^|]+\| `[^`]+` \| (.+) \|$", README, re.MULTILINE)
    named = [re.match(r"[\w.]+", text)[0] for cell in cells for text in re.findall(r"`([^`]+)`", cell)]
    assert {"identifiers.PseudonymKey.make", "retention.expire", "build_dataset", "Events.purge"} <= set(named)
    assert [name for name in named if not callable(found(name))] == []


def test_the_feed_that_the_readme_declares_is_part_of_a_whole_spec(tmp_path):
    (block,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    example = resources.files("vru_models.examples").joinpath("early_help.toml").read_text(encoding="utf-8")
    (tmp_path / "spec.toml").write_text(f"{example}\n{block}", encoding="utf-8")
    spec = Spec.load(tmp_path / "spec.toml")
    (feed,) = [feed for name, feed in spec.feeds.items() if name not in Spec.example("early_help").feeds]
    assert (feed.source.encoding, feed.source.delimiter, feed.source.date_format) == ("cp1252", ";", "%d/%m/%Y")
    assert (feed.table, feed.delivery, feed.known.kind) == ("education_attendance", "append", "column")
