from __future__ import annotations

import subprocess
import sys
import textwrap

from vru_models.audit.ledger import Ledger


def run(script: str, *args: object) -> str:
    """Run a script in an interpreter of its own, where forking and killing disturb nobody."""
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, args)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


FOUR_WRITERS = """
    import os, sys
    from vru_models.audit.ledger import Ledger

    writers = []
    for writer in range(4):
        pid = os.fork()
        if not pid:
            ledger = Ledger(sys.argv[1])
            for n in range(50):
                ledger.append("step", writer=writer, n=n)
            os._exit(0)
        writers.append(pid)
    assert all(os.waitpid(pid, 0)[1] == 0 for pid in writers)
"""


def test_four_processes_writing_at_once_leave_one_chain_with_every_entry_in_each_ones_order(tmp_path):
    run(FOUR_WRITERS, tmp_path / "ledger.jsonl")
    ledger = Ledger(tmp_path / "ledger.jsonl")
    written = [(entry.body["writer"], entry.body["n"]) for entry in ledger]
    assert sorted(written) == [(writer, n) for writer in range(4) for n in range(50)]
    assert all([n for who, n in written if who == writer] == list(range(50)) for writer in range(4))
    assert not ledger.verify().where(lambda f: f.code != "VRU603").with_status("fail", "cannot tell").items


# Every second life writes slowly and tells when it is inside an entry, so that kills land there, not only in between.
KILLED_WRITERS = """
    import os, random, signal, sys, time
    from vru_models.audit.ledger import Ledger

    draw = random.Random(7)
    write = os.write
    acknowledged = 0
    for life in range(40):
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            def slow(fd, data):
                taken = write(fd, bytes(data)[:16])
                write(writing, b"w")
                time.sleep(0.0003)
                return taken

            if life % 2:
                os.write = slow
            ledger = Ledger(sys.argv[1])
            for n in range(10_000):
                ledger.append("step", life=life, n=n)
                write(writing, b".")
            os._exit(0)
        os.close(writing)
        told = os.read(reading, 1)
        time.sleep(draw.uniform(0, 0.01))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        while block := os.read(reading, 65536):
            told += block
        os.close(reading)
        told = told.count(b".")
        kept = len(Ledger(sys.argv[1]).find("step", life=life))
        assert told <= kept <= told + 1, (life, told, kept)
        acknowledged += told
    print(acknowledged)
"""


def test_forty_kills_lose_no_acknowledged_entry_and_leave_one_chain(tmp_path):
    acknowledged = int(run(KILLED_WRITERS, tmp_path / "ledger.jsonl"))
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("after")
    assert acknowledged >= 20
    assert len(ledger.find("step")) >= acknowledged
    assert ledger.verify().where(lambda f: f.code != "VRU603").with_status("fail", "cannot tell").items == ()
    assert len(ledger.torn()) >= len(ledger.find("torn_tail")) > 0
