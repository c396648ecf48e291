"""``python -m vru_models.cli``."""

from vru_models.cli import main

main()
