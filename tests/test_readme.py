import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from vru_models.cli import app

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
