"""The Open University files: where they are, whether they are there, and the script that prepares them."""

import importlib.util
import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "notebooks" / "specs" / "oulad"
SOURCE = os.environ.get("VRU_OULAD_DIR", "")
HERE = bool(SOURCE) and Path(SOURCE).is_dir()

needs_files = [
    pytest.mark.oulad,
    pytest.mark.skipif(not HERE, reason="VRU_OULAD_DIR does not name a folder with the Open University files"),
]


def load_prepare():
    loader = importlib.util.spec_from_file_location("oulad_prepare", FOLDER / "prepare.py")
    module = importlib.util.module_from_spec(loader)
    loader.loader.exec_module(module)
    return module
