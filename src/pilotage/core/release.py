"""What is deployed: an artifact, how it is run, and how it shows that it is well."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from pilotage.core.values import Duration, Frozen, digest


class Requirement(Frozen):
    """A Python environment built from pinned requirements; ``{root}`` is the virtual environment's folder."""

    kind: Literal["requirement"] = "requirement"
    requirements: tuple[str, ...]
    """PEP 508, each pinned with ``==`` (``datasette==0.65.5``)."""


class Directory(Frozen):
    """A folder, copied by content; ``{root}`` is the copy."""

    kind: Literal["directory"] = "directory"
    path: str
    """Absolute."""
    sha256: str
    """Hex digest over the sorted relative names, executable bits and contents (adapters.process.digests)."""


class Archive(Frozen):
    """A .tar.gz, .tar.xz, .tar or .zip file, unpacked; ``{root}`` is what it held."""

    kind: Literal["archive"] = "archive"
    path: str
    """Absolute."""
    sha256: str
    """Hex digest of the file."""


Artifact = Annotated[Requirement | Directory | Archive, Field(discriminator="kind")]


class HealthCheck(Frozen):
    """An instance is healthy when ``GET path`` answers 2xx or 3xx within ``timeout``."""

    path: str = "/"
    interval: Duration = timedelta(seconds=1)
    timeout: Duration = timedelta(seconds=2)
    within: Duration = timedelta(seconds=60)
    """How long a fresh instance may take to its first good answer."""
    failures: int = Field(default=3, ge=1)
    """So many bad answers in a row make a healthy instance unhealthy."""


class Run(Frozen):
    """How one instance runs.

    ``command`` and the values of ``environment`` may hold ``{host}``, ``{port}``, ``{root}`` (the prepared
    artifact), ``{version}``, ``{instance}`` (1, 2, …) and ``{folder}`` (the manifest's folder). A command
    without a slash is looked up in the artifact's ``bin`` first.
    """

    command: tuple[str, ...] = Field(min_length=1)
    environment: dict[str, str] = Field(default_factory=dict)
    folder: str
    """Absolute: the manifest's folder, also the working directory."""
    health: HealthCheck = HealthCheck()
    grace: Duration = timedelta(seconds=10)
    """From SIGTERM to SIGKILL."""


class Release(Frozen):
    """A frozen, content-addressed thing to run: ``id`` depends on everything else in it."""

    service: str
    version: str
    artifact: Artifact
    run: Run
    again: str = ""
    """Set when the same content is released once more on purpose, so that it gets instances of its own."""

    def once_more(self, mark: str) -> Release:
        """The same content as a release of its own."""
        return Release.model_validate({**self.model_dump(), "again": mark})

    def same_content(self, other: Release) -> bool:
        """Whether the two differ in nothing that runs."""
        return self.once_more("") == other.once_more("")

    @cached_property
    def id(self) -> str:
        """Safe in file names, cluster names and host names: lower-case letters, digits and ``-``; ≤ 40 long."""
        plain = "".join(c if c.isalnum() and c.isascii() else "-" for c in self.version.lower()).strip("-")[:24]
        return f"{plain or 'v'}-{digest(self)[7:15]}"
