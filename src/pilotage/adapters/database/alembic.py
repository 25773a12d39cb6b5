"""Alembic's folder: a chain of Python files, read and not imported.

What a file does is asked of Alembic's own offline mode (``upgrade A:B --sql``): it prints the SQL and touches
no database. The line of a finding is the line of the operation that names the same thing.
"""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
from pathlib import Path

from pilotage.adapters.database.marks import marks
from pilotage.adapters.database.script import Script
from pilotage.adapters.hooks.runner import located
from pilotage.adapters.hooks.secrets import covered
from pilotage.adapters.supervisor.detached import minimal_environment
from pilotage.errors import Place, Problem
from pilotage.ports import DatabaseError

INI = "alembic.ini"
_RUNNING = re.compile(r"^-- Running upgrade (.*) -> (\S+)\s*$", re.M)
_WITHIN = 60


def versions_folder(folder: Path) -> Path:
    """Where the files are. DatabaseError when there is no alembic.ini that says so."""
    config = configparser.ConfigParser(interpolation=None)
    if not config.read(folder / INI):
        what = f"there is no {INI} in {folder}"
        raise DatabaseError(Problem(code="database.no-migrations", what=what, mend="see `database.folder`"))
    location = config.get("alembic", "script_location", fallback="alembic").replace("%(here)s", str(folder))
    return folder / location / "versions"


def scripts(folder: Path, variables: dict[str, str]) -> list[Script]:
    """From the first change to the last. ``variables``: what Alembic's env.py needs."""
    files = {}
    for path in sorted(versions_folder(folder).glob("*.py")):
        module = _Module(path)
        if module.revision is not None:
            files[module.revision] = module
    if not files:
        what = f"there are no migrations in {versions_folder(folder)}"
        raise DatabaseError(Problem(code="database.no-migrations", what=what, mend="see `database.folder`"))
    chain = _chain(files)
    sql, why = _offline(folder, variables)
    return [module.script(sql.get(module.id), why) for module in chain]


class _Module:
    """One file of the chain."""

    def __init__(self, path: Path) -> None:
        self.path, self.text = path, path.read_text(encoding="utf-8")
        try:
            self.tree = ast.parse(self.text)
        except SyntaxError as error:
            raise _unreadable(path, error.lineno or 1, f"it is not Python: {error.msg}") from None
        self.revision = self._value("revision")
        self.below = self._value("down_revision")

    @property
    def id(self) -> str:
        assert self.revision is not None
        return self.revision

    def _value(self, name: str) -> str | None:
        for node in self.tree.body:
            if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
                continue
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                return self._text(node.value)
        return None

    def _text(self, node: ast.expr) -> str | None:
        value = node.value if isinstance(node, ast.Constant) else node
        if value is None or isinstance(value, str):
            return value
        raise _unreadable(self.path, node.lineno, "a change with two before it: branches are not read")

    def _function(self, name: str) -> ast.FunctionDef | None:
        found = (node for node in self.tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
        return next(found, None)

    def _undoes(self) -> bool:
        down = self._function("downgrade")
        steps = [n for n in (down.body if down else []) if not isinstance(n, ast.Pass | ast.Raise)]
        return any(not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)) for n in steps)

    def line_of(self, line: int, words: str) -> int:
        """Of the operation in ``upgrade`` that names most of what the SQL names."""
        up = self._function("upgrade")
        if up is None:
            return 1
        named = set(re.findall(r"\w+", words.lower()))
        best, place = 0, up.lineno
        for node in ast.walk(up):
            if isinstance(node, ast.Call):
                texts = [
                    n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)
                ]
                score = len(named & set(re.findall(r"\w+", " ".join(texts).lower())))
                if score > best:
                    best, place = score, node.lineno
        return place

    def script(self, sql: str | None, why: str) -> Script:
        doc = (ast.get_docstring(self.tree) or "").strip().splitlines()
        return Script(
            id=self.id,
            title=doc[0] if doc else "",
            file=str(self.path),
            text=self.text,
            marks=marks(self.text, str(self.path)),
            undo=self._undoes(),
            whole="autocommit_block" not in self.text,
            sql=sql,
            line_of=self.line_of,
            unreadable=why,
        )


def _chain(files: dict[str, _Module]) -> list[_Module]:
    after: dict[str | None, _Module] = {}
    for module in files.values():
        if module.below in after:
            other = after[module.below].path.name
            raise _unreadable(module.path, 1, f"two changes follow {module.below}: this one and {other}")
        after[module.below] = module
    chain: list[_Module] = []
    place: str | None = None
    while place in after:
        chain.append(after[place])
        place = chain[-1].id
    if len(chain) < len(files):
        lost = next(module for module in files.values() if module not in chain)
        raise _unreadable(lost.path, 1, f"it follows {lost.below}, which is not in this folder")
    return chain


def _offline(folder: Path, variables: dict[str, str]) -> tuple[dict[str, str], str]:
    """By revision, what it would do; and why there is none of some."""
    words = located(("alembic", "-c", str(folder / INI), "upgrade", "base:head", "--sql"))
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env={**minimal_environment(), **variables},
            capture_output=True,
            text=True,
            timeout=_WITHIN,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DatabaseError(_no_tool(type(error).__name__)) from None
    parts = _RUNNING.split(done.stdout)
    found = dict(zip(parts[2::3], parts[3::3], strict=True))
    if done.returncode == 0:
        return found, ""
    if parts[2::3]:
        found.pop(parts[-2])  # it broke in this one
    last = (done.stderr.strip().splitlines() or ["alembic said nothing"])[-1]
    return found, covered(last, tuple(variables.values()))


def _no_tool(why: str) -> Problem:
    mend = "install it where the worker runs: pip install 'pilotage[database]'"
    return Problem(code="database.no-tool", what="alembic can not be run", why=why, mend=mend)


def _unreadable(path: Path, line: int, what: str) -> DatabaseError:
    where = Place(file=str(path), line=line)
    mend = "make it one chain: `alembic merge` is not followed"
    return DatabaseError(Problem(code="database.chain", what=what, mend=mend, where=where))
