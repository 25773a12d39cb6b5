"""`pilotage init`: whatever is in the folder, what is written loads; what is recognised is used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pilotage.manifest.load import load_text
from pilotage.manifest.model import Manifest
from pilotage.manifest.starter import starter

FASTAPI = "from fastapi import FastAPI\n\napp = FastAPI()\n"
FLASK = "import flask\nweb: flask.Flask = flask.Flask(__name__)\n"


def started(folder: Path, files: Mapping[str, str]) -> Manifest:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return load_text(starter(folder), "pilotage.yaml")


FOUND = [
    ({"Procfile": "worker: x\nweb: gunicorn shop:app --bind 0.0.0.0:$PORT\n"},
     "gunicorn shop:app --bind 0.0.0.0:{port}"),
    ({"Procfile": "web: serve --port=${PORT:-8000}\n"},
     "serve --port={port}"),
    ({"Dockerfile": 'EXPOSE 3000\nCMD ["node", "server.js", "--port=3000"]\n'},
     "node server.js --port={port}"),
    ({"Dockerfile": "CMD serve --all\n"},
     "serve --all"),
    ({"manage.py": "", "shop/wsgi.py": "", "requirements.txt": "Django==5.2\ngunicorn\n"},
     "gunicorn shop.wsgi --chdir {root} --bind {host}:{port}"),
    ({"manage.py": ""},
     "python {root}/manage.py runserver --noreload {host}:{port}"),
    ({"main.py": FASTAPI},
     "uvicorn main:app --app-dir {root} --host {host} --port {port}"),
    ({"src/shop/web.py": FASTAPI},
     "uvicorn shop.web:app --app-dir {root}/src --host {host} --port {port}"),
    ({"src/shop/web.py": FASTAPI, "pyproject.toml": "[project]\nname = 'shop'\n"},
     "uvicorn shop.web:app --host {host} --port {port}"),
    ({"app.py": FLASK},
     "flask --app {root}/app:web run --host {host} --port {port}"),
    ({"app.py": FLASK, "requirements.txt": "flask\ngunicorn"},
     "gunicorn app:web --chdir {root} --bind {host}:{port}"),
    ({"requirements.txt": "streamlit>=1", "app.py": ""},
     "streamlit run {root}/app.py --server.address {host} --server.port {port} --server.headless true"),
    ({"requirements.txt": "datasette", "air.db": ""},
     "datasette serve {folder}/air.db --host {host} --port {port}"),
    ({"pyproject.toml": "[project]\nname = 'shop'\n[project.scripts]\nother = 'a:b'\nshop = 'a:c'\n"},
     "shop"),
    ({"package.json": '{"name": "shop", "scripts": {"start": "node ."}}'},
     "npm --prefix {root} start"),
    ({"package.json": '{"main": "index.js"}'},
     "node {root}/index.js"),
    ({"main.py": "print()\n"},
     "python {root}/main.py"),
    ({},
     "python -m http.server {port} --bind {host} --directory {root}"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "command"), FOUND)
def test_the_command_that_is_found(files: Mapping[str, str], command: str, tmp_path: Path) -> None:
    assert " ".join(started(tmp_path, files).document.run.command) == command


@pytest.mark.parametrize(
    ("files", "artifact"),
    [
        ({"pyproject.toml": '[project]\nname = "Big_Shop"\n'}, {"requirement": ("Big_Shop=={version}",)}),
        ({"requirements.txt": "datasette==1.0"}, {"requirement": ("datasette=={version}",)}),
        ({"dist/shop-1.2.0.tar.gz": "", "dist/shop-1.2.0-py3-none-any.whl": ""},
         {"archive": {"file": "dist/shop-{version}.tar.gz"}}),
        ({"dist/latest.zip": ""}, {"directory": "."}),
        ({}, {"directory": "."}),
    ],
)  # fmt: skip
def test_the_artifact_that_is_found(
    files: Mapping[str, str], artifact: Mapping[str, object], tmp_path: Path
) -> None:
    assert started(tmp_path, files).document.artifact.model_dump(exclude_unset=True) == artifact


@pytest.mark.parametrize(
    ("folder", "files", "name"),
    [
        ("My Shop!", {}, "my-shop"),
        ("x", {"pyproject.toml": '[project]\nname = "Big_Shop.Two"\n'}, "big-shop-two"),
        ("x", {"package.json": '{"name": "@us/shop"}'}, "us-shop"),
        ("商店", {}, "service"),
        ("a" * 60, {}, "a" * 40),
    ],
)
def test_the_name(folder: str, files: Mapping[str, str], name: str, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir()
    assert started(tmp_path / folder, files).service == name


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": "not [ toml", "package.json": "{", "Procfile": "web: 'open"},
        {"pyproject.toml": "project = 3", "package.json": "[1]"},
        {"pyproject.toml": '[project]\nname = ["x"]\ndependencies = "flask"\nscripts = 3\n'},
        {"Procfile": "web: shop --password hunter2\n"},
        {"Dockerfile": 'CMD ["shop", 3]\n'},
        {"Dockerfile": "CMD [\n"},
        {"package.json": "[" * 50_000},
        {"Procfile": "web: shop {prot} --a\u0007\n"},
    ],
)
def test_what_is_broken_or_secret_is_left_out(files: Mapping[str, str], tmp_path: Path) -> None:
    started(tmp_path, files)
    assert "hunter2" not in starter(tmp_path)


def test_what_was_found_is_said(tmp_path: Path) -> None:
    started(tmp_path, {"main.py": FASTAPI, "Dockerfile": "EXPOSE 8000\n"})
    text = starter(tmp_path)
    assert "# Found: a FastAPI application, main:app" in text
    assert "# Found: Dockerfile exposes port 8000" in text
    assert all(len(line) <= 140 for line in text.splitlines())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(
            ["Procfile", "Dockerfile", "package.json", "pyproject.toml", "requirements.txt", "app.py"]
        ),
        st.text(max_size=60)
        | st.text(max_size=30).map(lambda text: f"web: {text}")
        | st.text(max_size=30).map(lambda text: f"CMD {text}")
        | st.lists(st.text(max_size=9), max_size=4).map(lambda words: f"CMD {json.dumps(words)}")
        | st.text(max_size=30).map(
            lambda text: json.dumps({"name": text, "main": text, "scripts": {"start": text}})
        )
        | st.text(max_size=20).map(lambda text: f"[project]\nname = {json.dumps(text)}"),
    )
)
def test_anything_in_the_files_gives_a_manifest_that_loads(
    tmp_path_factory: pytest.TempPathFactory, files: Mapping[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name, text in files.items():
        (folder / name).write_bytes(text.encode("utf-8", "replace"))
    assert load_text(starter(folder), "pilotage.yaml").environment("local").instances == 2
