"""The file of ``rehearse --model``: what a service is expected to be like, read as strictly as a manifest."""

from __future__ import annotations

from pathlib import Path

from pilotage.errors import Place, Problem
from pilotage.manifest.load import decoded, read
from pilotage.manifest.model import ManifestError
from pilotage.manifest.strict import read_strictly
from pilotage.rehearsal.model import ServiceModel


def load_model(path: Path) -> ServiceModel:
    """ManifestError with all problems in file order."""
    if not path.exists():
        mend = "docs/rehearsal.md has an example"
        where = Place(file=str(path))
        raise ManifestError(
            Problem(code="manifest.missing", what="there is no such file", mend=mend, where=where)
        )
    return load_model_text(decoded(read(path), str(path)), str(path))


def load_model_text(text: str, file: str) -> ServiceModel:
    """``file`` is what it is called in places."""
    return read_strictly(text, file, ServiceModel)
