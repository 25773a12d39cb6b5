"""What a folder says about the service in it. Reads a few well-known files; runs nothing, asks nobody."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_MOST_BYTES = 256_000
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_APP = re.compile(r"^(\w+)(?:\s*:\s*[\w.]+)?\s*=\s*(?:\w+\.)?(FastAPI|Flask|Starlette|Quart|Litestar)\(", re.M)
_NUMBERED = re.compile(r"(.*?)(\d+(?:\.\d+)+[a-z0-9.]*)((?:\.tar(?:\.gz|\.xz)?|\.tgz|\.zip))")
_CHECK_PATHS = " (it runs beside this file; write {root}/… for what lies in the artifact)"
_PORT = re.compile(r"\$\{PORT(?::-?\d+)?\}|\$PORT\b")


@dataclass
class Survey:
    """``command`` may hold {host} and {port}; ``artifact`` is a key of the artifact block and its value."""

    name: str
    command: list[str] = field(default_factory=list)
    health: str = "/"
    artifact: tuple[str, str] = ("directory", ".")
    found: list[str] = field(default_factory=list)
    """Sentences: what was seen, and what was made of it."""

    @property
    def copied(self) -> bool:
        """The artifact is a copy of files, so that what runs must be taken from {root}."""
        return self.artifact[0] != "requirement"

    def file(self, name: str) -> str:
        return f"{{root}}/{name}" if self.copied else name


def survey(folder: Path) -> Survey:
    """Never raises for what is in the folder: what can not be read is not there."""
    files = _Files(folder)
    seen = Survey(name=files.name())
    _look_at_artifact(files, seen)
    for look in (
        _procfile,
        _dockerfile,
        _datasette,
        _django,
        _streamlit,
        _web_app,
        _script,
        _package_json,
        _main,
    ):
        if look(files, seen):
            break
    exposed = files.exposed()
    if exposed:
        seen.found.append(f"Dockerfile exposes port {exposed}; each instance gets a port of its own instead")
    return seen


class _Files:
    """The well-known files, read once and forgivingly."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project: dict[str, Any] = _mapping(_toml(folder / "pyproject.toml").get("project"))
        self.package = _mapping(_json(folder / "package.json"))
        self.depends = self._dependencies()

    def text(self, *names: str) -> str:
        return next((text for text in (_text(self.folder / name) for name in names) if text), "")

    def has(self, name: str) -> bool:
        return (self.folder / name).is_file()

    def name(self) -> str:
        for name in (self.project.get("name"), self.package.get("name"), self.folder.absolute().name):
            plain = (
                re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
                if isinstance(name, str)
                else ""
            )
            if plain:
                return plain
        return "service"

    def match(self, pattern: str) -> list[Path]:
        try:
            return sorted(path for path in self.folder.glob(pattern) if path.is_file())[:50]
        except OSError:
            return []

    def exposed(self) -> str:
        found = re.search(r"^EXPOSE\s+(\d+)", self.text("Dockerfile"), re.M | re.I)
        return found[1] if found else ""

    def _dependencies(self) -> set[str]:
        lines = self.text("requirements.txt").splitlines()
        listed = self.project.get("dependencies")
        lines += [line for line in listed if isinstance(line, str)] if isinstance(listed, list) else []
        names = (_REQUIREMENT.match(line) for line in lines)
        return {name[1].lower().replace("_", "-") for name in names if name}


def _look_at_artifact(files: _Files, seen: Survey) -> None:
    name = files.project.get("name")
    for path in files.match("dist/*"):
        numbered = _NUMBERED.fullmatch(path.name)
        if numbered:
            seen.artifact = ("archive", f"dist/{numbered[1]}{{version}}{numbered[3]}")
            seen.found.append(f"dist/{path.name}: an archive for each version")
            return
    if isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", name):
        seen.artifact = ("requirement", f"{name}=={{version}}")
        seen.found.append(f"pyproject.toml: the Python package {name}, installed from your package index")


def _procfile(files: _Files, seen: Survey) -> bool:
    web = re.search(r"^web:\s*(\S.*)$", files.text("Procfile"), re.M)
    return _command_line(web[1], f"Procfile: the process `web`{_CHECK_PATHS}", seen) if web else False


def _dockerfile(files: _Files, seen: Survey) -> bool:
    commands = re.findall(r"^CMD\s+(\S.*)$", files.text("Dockerfile"), re.M | re.I)
    if not commands:
        return False
    command = commands[-1].strip()
    try:
        words = json.loads(command) if command.startswith("[") else shlex.split(command)
    except ValueError:
        return False
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return False
    port = files.exposed()
    if port:
        words = [re.sub(rf"(?<!\d){port}(?!\d)", "{port}", word) for word in words]
    return _use(words, f"Dockerfile: CMD{_CHECK_PATHS}", seen)


def _datasette(files: _Files, seen: Survey) -> bool:
    if "datasette" not in files.depends:
        return False
    databases = [path.name for path in [*files.match("*.db"), *files.match("*.sqlite")]]
    seen.health = "/-/versions.json"
    if not files.project:
        seen.artifact = ("requirement", "datasette=={version}")
    served = [f"{{folder}}/{name}" for name in databases]
    words = ["datasette", "serve", *served, "--host", "{host}", "--port", "{port}"]
    return _use(words, "datasette among the dependencies", seen)


def _django(files: _Files, seen: Survey) -> bool:
    if not files.has("manage.py"):
        return False
    projects = [path.parent.name for path in files.match("*/wsgi.py")]
    if "gunicorn" in files.depends and projects:
        inside = ["--chdir", "{root}"] if seen.copied else []
        words = ["gunicorn", f"{projects[0]}.wsgi", *inside, "--bind", "{host}:{port}"]
        return _use(words, "manage.py and gunicorn: a Django project", seen)
    why = "manage.py: a Django project; its development server, for want of gunicorn"
    words = ["python", seen.file("manage.py"), "runserver", "--noreload", "{host}:{port}"]
    return _use(words, why, seen)


def _streamlit(files: _Files, seen: Survey) -> bool:
    if "streamlit" not in files.depends:
        return False
    names = [name for name in ("streamlit_app.py", "app.py", "main.py") if files.has(name)]
    seen.health = "/_stcore/health"
    options = ["--server.address", "{host}", "--server.port", "{port}", "--server.headless", "true"]
    words = ["streamlit", "run", seen.file((names or ["app.py"])[0]), *options]
    return _use(words, "streamlit among the dependencies", seen)


def _web_app(files: _Files, seen: Survey) -> bool:
    for path in files.match("*.py") + files.match("*/*.py") + files.match("src/*/*.py"):
        app = _APP.search(_text(path))
        if app:
            parts = path.relative_to(files.folder).with_suffix("").parts
            source = "src" if parts[0] == "src" else ""
            module = ".".join(parts[1:] if source else parts).removesuffix(".__init__")
            folder = seen.file(source).rstrip("/") if seen.copied else ""
            return _use(*_served(f"{module}:{app[1]}", app[2], files, folder), seen)
    return False


def _served(app: str, framework: str, files: _Files, folder: str) -> tuple[list[str], str]:
    """The command of an application ``module:name`` with its modules in ``folder`` ("": installed), and why."""
    gunicorn = framework == "Flask" and "gunicorn" in files.depends
    server = "gunicorn" if gunicorn else "flask" if framework == "Flask" else "uvicorn"
    why = f"a {framework} application, {app}"
    if server not in files.depends and framework.lower() != server:
        why += f" ({server} is not among the dependencies: add it)"
    if gunicorn:
        inside = ["--chdir", folder] if folder else []
        return ["gunicorn", app, *inside, "--bind", "{host}:{port}"], why
    if server == "flask":
        module, _, name = app.partition(":")
        path = f"{folder}/{module.replace('.', '/')}:{name}" if folder else app
        return ["flask", "--app", path, "run", "--host", "{host}", "--port", "{port}"], why
    inside = ["--app-dir", folder] if folder else []
    return ["uvicorn", app, *inside, "--host", "{host}", "--port", "{port}"], why


def _script(files: _Files, seen: Survey) -> bool:
    scripts = _mapping(files.project.get("scripts"))
    names = sorted(scripts, key=lambda name: name != files.project.get("name"))
    return bool(names) and _use(names[:1], f"pyproject.toml: the script {names[0]}", seen) if names else False


def _package_json(files: _Files, seen: Survey) -> bool:
    scripts = _mapping(files.package.get("scripts"))
    if "start" in scripts:
        prefix = ["--prefix", "{root}"] if seen.copied else []
        return _use(["npm", *prefix, "start"], "package.json: the script start", seen)
    main = files.package.get("main")
    return isinstance(main, str) and _use(["node", seen.file(main)], f"package.json: {main}", seen)


def _main(files: _Files, seen: Survey) -> bool:
    names = [name for name in ("main.py", "app.py", "server.py", "__main__.py") if files.has(name)]
    return bool(names) and _use(["python", seen.file(names[0])], names[0], seen)


def _command_line(line: str, why: str, seen: Survey) -> bool:
    try:
        return _use(shlex.split(line), why, seen)
    except ValueError:
        return False


def _use(words: Iterable[str], why: str, seen: Survey) -> bool:
    seen.command = [_PORT.sub("{port}", word) for word in words]
    seen.found.append(why)
    return bool(seen.command)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _json(path: Path) -> Any:
    try:
        return json.loads(_text(path) or "null")
    except (ValueError, RecursionError):
        return None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
