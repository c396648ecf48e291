import ast
import re
import subprocess
import sys
from pathlib import Path
from statistics import median, quantiles

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "vru_models"
ROOMS = [
    "errors", "findings", "frames", "spec", "disclosure", "identifiers", "feeds", "events", "quality", "splits",
    "features", "dataset", "executors",
    "models", "evaluation", "fairness", "evidence", "audit", "scoring", "synthetic", "examples", "workflow",
    "retention", "demo", "cli",
]  # fmt: skip
MODULES = sorted(PACKAGE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _calls(tree: ast.AST) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def _functions():
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def _body_lines(node) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno - body[0].lineno + 1) if body else 0


def test_every_folder_is_a_room_of_the_design():
    folders = {p.name for p in PACKAGE.iterdir() if p.is_dir() and p.name != "__pycache__"}
    files = {p.stem for p in PACKAGE.glob("*.py")} - {"__init__"}
    assert folders | files == set(ROOMS)


def test_imports_point_upstream_only():
    wrong = []
    for path, tree in TREES.items():
        if path == PACKAGE / "__init__.py":
            continue
        here = ROOMS.index(_room(path))
        for name in _imports(tree):
            parts = name.split(".")
            if parts[0] == "vru_models" and len(parts) > 1 and parts[1] in ROOMS and ROOMS.index(parts[1]) > here:
                wrong.append(f"{_shown(path)} imports {name}")
    assert wrong == []


def test_models_know_nothing_of_agencies():
    allowed = {"numpy", "scipy", "pandas", "sklearn", "joblib", "matplotlib"}
    for path, tree in TREES.items():
        if _room(path) == "models":
            outside = {n.split(".")[0] for n in _imports(tree)} - set(sys.stdlib_module_names) - allowed
            ours = {n for n in _imports(tree) if n.startswith("vru_models")}
            assert outside <= {"vru_models"}, _shown(path)
            assert all(n.startswith(("vru_models.models", "vru_models.errors")) for n in ours), _shown(path)


@pytest.mark.parametrize(
    ("library", "places"),
    [
        ("hashlib", {"vru_models/spec/digest.py"}),
        ("hmac", {"vru_models/spec/digest.py"}),
        ("fairlearn", None),
        ("sqlalchemy", {"vru_models/feeds/sql.py"}),
        ("psycopg", set()),
        ("pickle", set()),
        ("cloudpickle", set()),
        ("shelve", set()),
        ("socket", set()),
        ("urllib", set()),
        ("requests", set()),
        ("http", set()),
    ],
)
def test_a_library_is_imported_only_in_its_place(library, places):
    users = {_shown(p) for p, t in TREES.items() if any(n.split(".")[0] == library for n in _imports(t))}
    if places is None:
        assert users
        assert all(user.startswith("vru_models/fairness/") for user in users)
    else:
        assert users == places


def test_nothing_from_outside_is_executed():
    for path, tree in TREES.items():
        assert not _calls(tree) & {"eval", "exec", "compile", "joblib.load", "__import__", "os.system"}, _shown(path)


def test_only_one_place_adds_months_to_dates():
    users = [
        _shown(path)
        for path, tree in TREES.items()
        if re.search(r"relativedelta|DateOffset|timedelta64\([^)]*\"M\"|\.replace\(month", ast.unparse(tree))
    ]
    assert [u for u in users if u != "vru_models/spec/calendar.py" and not u.startswith("vru_models/synthetic/")] == []


def test_the_clock_is_read_only_where_the_account_is_kept():
    clocks = {
        "datetime.now",
        "dt.datetime.now",
        "date.today",
        "dt.date.today",
        "time.time",
        "pd.Timestamp.now",
        "datetime.today",
    }
    users = {_room(path) for path, tree in TREES.items() if _calls(tree) & clocks}
    assert users <= {"audit", "scoring"}


def test_randomness_comes_only_from_random_state():
    for path, tree in TREES.items():
        text = ast.unparse(tree)
        assert "np.random.seed" not in text, _shown(path)
        assert not re.search(r"default_rng\(\)", text), _shown(path)
        assert not any(n.split(".")[0] == "random" for n in _imports(tree)), _shown(path)


def test_protected_characteristics_are_joined_only_for_the_audit():
    users = {_shown(p) for p, t in TREES.items() if "join_sensitive" in ast.unparse(t)}
    fairness = {f"vru_models/fairness/{name}.py" for name in ("sensitive", "readiness", "base_rates")}
    assert users <= fairness | {"vru_models/evidence/evaluate.py"}
    for path, tree in TREES.items():
        if _room(path) in ("features", "dataset", "executors", "models", "scoring"):
            assert "sensitive" not in {a.split(".")[-1] for a in _imports(tree)}, _shown(path)
            assert ".sensitive" not in ast.unparse(tree), _shown(path)


def test_nothing_prints_but_the_command_line():
    assert [_shown(p) for p, t in TREES.items() if "print" in _calls(t) and _room(p) != "cli"] == []


def test_no_except_is_broad():
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler):
                names = {ast.unparse(node.type)} if node.type else {"bare"}
                assert not names & {"Exception", "BaseException", "bare"}, f"{_shown(path)}:{node.lineno}"


def test_modules_and_functions_keep_to_their_size():
    lines = {p: sum(bool(row.strip()) for row in p.read_text(encoding="utf-8").splitlines()) for p in MODULES}
    assert {_shown(p): n for p, n in lines.items() if n > 350} == {}
    bodies = {f"{_shown(p)}:{n.name}": _body_lines(n) for p, n in _functions()}
    assert {name: n for name, n in bodies.items() if n > 60} == {}
    assert median(bodies.values()) <= 6
    assert quantiles(bodies.values(), n=10)[8] <= 25


def test_functions_take_few_parameters():
    long = {}
    for path, node in _functions():
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        count = len([n for n in names if n not in ("self", "cls")])
        if count > (9 if path.parts[-2] == "cli" or path.parts[-1] == "scorecard.py" else 8):
            long[f"{_shown(path)}:{node.name}"] = count
    assert long == {}


def test_a_folder_can_be_scanned():
    counts = {p.name: len(list(p.glob("*.py"))) - 1 for p in PACKAGE.iterdir() if p.is_dir()}
    assert {name: n for name, n in counts.items() if n > 12} == {}


def test_no_module_is_called_utils():
    assert [p for p in MODULES if re.search(r"util|helper|misc|common", p.stem)] == []


FORBIDDEN = (
    r"anonymi[sz]|offender score|predict(s|ing)? violence|dangerous|debias|fair model|ground truth|high-risk individual"
)


def test_words_that_are_not_used_are_not_used():
    texts = [*MODULES, *PACKAGE.rglob("*.j2"), *PACKAGE.rglob("*.toml"), ROOT / "README.md"]
    texts += [*(ROOT / "data_schema").rglob("*.json"), *(ROOT / "data_schema").rglob("*.csv")]
    found = [
        f"{_shown(path)}:{number}"
        for path in texts
        for number, row in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(FORBIDDEN, row, re.IGNORECASE)
    ]
    assert found == []


def test_importing_the_package_reads_writes_and_prints_nothing(tmp_path):
    code = (
        "import sys\n"
        "opened = []\n"
        "def hook(event, args):\n"
        "    name = str(args[0]) if args else ''\n"
        "    if event == 'open' and not name.endswith(('.py', '.pyc')) and 'site-packages' not in name:\n"
        "        opened.append(args[0])\n"
        "    if event.startswith('socket'):\n"
        "        opened.append(event)\n"
        "sys.addaudithook(hook)\n"
        "import vru_models\n"
        "print(len([n for n in opened if isinstance(n, str)]), *(n in sys.modules for n in ('numpy', 'sklearn')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.split() == ["0", "False", "False"]
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []
