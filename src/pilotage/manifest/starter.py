"""The manifest that `pilotage init` writes: what the folder says, and comments for the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from pilotage.manifest.load import load_text
from pilotage.manifest.model import ManifestError
from pilotage.manifest.plain import read_plain
from pilotage.manifest.survey import Survey, survey

_SAFE = re.compile(r"[A-Za-z_./][A-Za-z0-9_./=-]*|--?[A-Za-z][A-Za-z0-9_.=-]*")
_NOTHING = "Nothing was recognised here: put in how your service is started."

_TEMPLATE = """\
# How {name} is released. Every key is explained in docs/manifest.md.
{found}
service: {name}

artifact: # what is deployed: one of requirement, directory and archive; {{version}} is what you release
  {artifact}

run: # one instance; {{host}}, {{port}}, {{root}} (the artifact) and {{folder}} (this one) are filled in
  command: {command}
  # environment: {{TZ: UTC}} # texts only, and no secrets
  health: {health} # answers 2xx or 3xx when an instance is well
  grace: 10s # from the request to stop to the end by force

# checks: # requests that must succeed before any user sees a new version
#   - {{name: front page, path: /, status: 200, contains: Welcome}}

strategy: # a small share first, judged against the old version; or blue-green, rolling, big-bang
  method: canary
  steps: [5%, 25%, 50%] # then everybody
  hold: 2m # at each step, at least
  keep_warm: 10m # how long the old version stays ready after the switch

environments:
  local:
    instances: 2
    router:
      listen: 127.0.0.1:8080 # where users come in
      preview: 127.0.0.1:8081 # always the new version, for the checks and for you
"""


def starter(folder: Path) -> str:
    """A commented manifest for the service in ``folder``. It loads without problems, whatever is in there."""
    seen = survey(folder)
    for attempt in (seen, Survey(seen.name, artifact=seen.artifact), Survey(seen.name), Survey("service")):
        text = _written(attempt)
        try:
            load_text(text, "pilotage.yaml")
        except ManifestError:  # a found command holds a secret, or what a manifest can not hold
            continue
        return text
    raise AssertionError("the bare template always loads")


def _written(seen: Survey) -> str:
    kind, value = seen.artifact
    command = seen.command or [
        "python",
        "-m",
        "http.server",
        "{port}",
        "--bind",
        "{host}",
        "--directory",
        "{root}",
    ]
    notes = [f"Found: {note}." for note in seen.found] if seen.command else [*_stated(seen.found), _NOTHING]
    return _TEMPLATE.format(
        name=_plain(seen.name),
        found="".join(f"# {_one_line(note)}\n" for note in notes),
        artifact=f"{kind}: {_plain(value)}",
        command=_list(command),
        health=_plain(seen.health),
    )


def _stated(found: Sequence[str]) -> list[str]:
    return [f"Found: {note}." for note in found]


def _list(words: Sequence[str]) -> str:
    line = "[" + ", ".join(_plain(word) for word in words) + "]"
    return line if len(line) <= 90 else "".join(f"\n    - {_plain(word)}" for word in words)


def _plain(word: str) -> str:
    """Without quotes where nobody can read it in two ways, else in double quotes."""
    if _SAFE.fullmatch(word) and read_plain(word) == word:
        return word
    return json.dumps(word, ensure_ascii=not word.isprintable())


def _one_line(note: str) -> str:
    return re.sub(r"[^\x20-\x7e\xa0-\ud7ff]+", " ", note)[:100]
