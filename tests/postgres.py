"""A PostgreSQL of its own for the tests: loopback, a free port, a random password, scram-sha-256, gone afterwards."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

USER = "vru"


def _binary(name: str) -> str:
    found = shutil.which(name) or next(
        (str(p) for p in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), None
    )
    return found or pytest.skip(f"no PostgreSQL on this machine: {name} was not found")


def _account() -> list[str]:
    """PostgreSQL refuses to run as root, so root runs it as somebody else."""
    if os.geteuid() != 0:
        return []
    runner = shutil.which("runuser") or pytest.skip("PostgreSQL does not run as root, and there is no runuser")
    return [runner, "-u", "nobody", "--"]


@dataclass(frozen=True)
class Server:
    data: Path
    port: int
    password: str = field(repr=False)

    def url(self, password: str | None = None) -> str:
        return f"postgresql+psycopg://{USER}:{password or self.password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        self._ctl("start", "-w", "-l", str(self.data / "log"), "-o", options)

    def stop(self) -> None:
        self._ctl("stop", "-m", "fast", "-w")

    def _ctl(self, *words: str) -> None:
        command = [*_account(), _binary("pg_ctl"), "-D", str(self.data), *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.data.parent)


@contextmanager
def server() -> Iterator[Server]:
    place = Path(tempfile.mkdtemp(prefix="vru-pg-"))
    try:
        secret = place / "password"
        password = secrets.token_hex(16)
        secret.write_text(password, encoding="utf-8")
        if _account():
            shutil.chown(place, "nobody")
            shutil.chown(secret, "nobody")
        words = ["-D", str(place / "data"), "-U", USER, "-A", "scram-sha-256", f"--pwfile={secret}", "--no-sync"]
        command = [*_account(), _binary("initdb"), *words, "--no-locale", "-E", "UTF8"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=place)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        made = Server(place / "data", port, password)
        made.start()
        yield made
        if (made.data / "postmaster.pid").exists():
            made.stop()
    finally:
        shutil.rmtree(place, ignore_errors=True)
