"""Files of another tool into a manifest: read, translated, and checked as `pilotage check` would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pilotage.adapters.registry import settings_problems
from pilotage.errors import ExitCode, PilotageError, Problem
from pilotage.importing.codedeploy import PREFIX
from pilotage.importing.translating import Tool, Translation, translate
from pilotage.manifest.load import decoded, load_text, read
from pilotage.manifest.model import ManifestError

_MENDS = {
    "manifest.missing": "name files of Argo Rollouts, Flagger, AWS CodeDeploy or Kamal",
    "manifest.unreadable": "name the files in it, and see that you may read them (ls -l)",
    "manifest.too-large": "give only the objects that say how a release goes",
}


@dataclass(frozen=True, slots=True)
class Imported:
    """``problems``: what `pilotage check` refuses in the manifest; ``warnings``: what it only tells."""

    translation: Translation
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def imported(files: Sequence[str], tool: Tool | None = None) -> Imported:
    """PilotageError with every problem of the files at once; nothing is written."""
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    for file in files:
        try:
            texts[file] = _text(file)
        except ManifestError as error:
            problems += map(_of_an_import, error.problems)
    if problems:
        raise PilotageError(*problems, exit_code=ExitCode.REFUSED_MANIFEST)
    translation = translate(texts, tool)
    return Imported(translation, *_checked(translation.manifest))


def _text(file: str) -> str:
    """Of a file; the name of a deployment configuration of CodeDeploy stands for itself."""
    path = Path(file)
    if file.startswith(PREFIX) and not path.exists():
        return file
    return decoded(read(path), file)


def _checked(manifest: str) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    try:
        loaded = load_text(manifest, "pilotage.yaml")
        found = tuple(one for name in loaded.environments for one in settings_problems(loaded, name))
    except PilotageError as error:
        return error.problems, ()
    return found, loaded.warnings


def _of_an_import(problem: Problem) -> Problem:
    mend = _MENDS.get(problem.code, problem.mend)
    return problem.model_copy(update={"code": problem.code.replace("manifest.", "import.", 1), "mend": mend})
