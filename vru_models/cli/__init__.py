"""The command line: the same words as the functions, one clear error, exit codes that mean something."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from vru_models.cli import account, data, identity, keeping, steps  # noqa: F401  their commands join the app
from vru_models.cli.app import app, err_console
from vru_models.errors import VruError

__all__ = ["app", "main"]


class _OneClearError:
    """Whatever goes wrong leaves as one paragraph and an exit code; a traceback could hold a person's value."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, SystemExit):
            return
        if isinstance(error, VruError):
            _fail(f"{type(error).__name__}: {error}", error.exit_code)
        if isinstance(error, KeyboardInterrupt):
            _fail("Stopped. Nothing half-written was left.", 130)
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "unknown place"
        _fail(f"A defect ({type(error).__name__} at {where}). Please report it with this line; it holds no data.", 70)


def _fail(message: str, code: int) -> None:
    err_console.print(message, markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)


def main() -> None:
    """Entry point of ``vru-models``; what it writes is for its owner alone, because rows of people are among it."""
    os.umask(0o077)
    with _OneClearError():
        app()
