"""A manifest that has been accepted, with everything merged and worked out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pilotage.core.database import DatabaseSpec
from pilotage.core.hooks import Program
from pilotage.core.judging import JudgeSettings
from pilotage.core.plan import FlagsSpec, RouterSpec, TargetSpec, TelemetrySpec
from pilotage.core.release import Archive, Artifact, Directory, HealthCheck, Release, Requirement, Run
from pilotage.core.routing import Timeouts
from pilotage.core.steps import Check
from pilotage.core.traffic import Traffic
from pilotage.core.windows import Start, Windows
from pilotage.dossier.policy import Policy
from pilotage.errors import ExitCode, PilotageError, Place, Problem
from pilotage.manifest import checksums
from pilotage.manifest.document import (
    ArchiveBlock,
    ArtifactBlock,
    CheckBlock,
    Document,
    EnvironmentBlock,
    RunPatch,
)
from pilotage.manifest.hook_blocks import DatabaseBlock, HookBlock
from pilotage.manifest.judge_blocks import JudgeBlock
from pilotage.manifest.nodes import Node, locate
from pilotage.manifest.source import Source
from pilotage.manifest.suggest import did_you_mean
from pilotage.manifest.words import VERSION, VERSION_RULE
from pilotage.strategies.canary import Canary
from pilotage.strategies.database import NO_BACKUP, Settings
from pilotage.strategies.hooks import Placed, command
from pilotage.strategies.method import Method

EXPECT = "as `expect` says"
Fingerprint = Callable[[Path], str]
"""The hex sha256 of a folder or a file. The adapters have it: they must find the same again."""


class ManifestError(PilotageError):
    exit_code = ExitCode.REFUSED_MANIFEST


@dataclass(frozen=True)
class Environment:
    """One environment with what it inherits from the service."""

    name: str
    instances: int
    method: Method
    checks: tuple[Check, ...]
    _block: EnvironmentBlock = field(repr=False)
    _judge: JudgeSettings = field(repr=False)
    _readiness: Policy | None = field(default=None, repr=False)
    _hooks: tuple[HookBlock, ...] = field(default=(), repr=False)
    _folder: str = field(default="/", repr=False)
    _database: DatabaseBlock | None = field(default=None, repr=False)

    def target_spec(self) -> TargetSpec:
        target = self._block.target
        return TargetSpec(kind=target.kind, settings=dict(target.__pydantic_extra__ or {}))

    def router_spec(self) -> RouterSpec:
        router = self._block.router
        return RouterSpec(
            kind=router.kind,
            listen=router.listen,
            preview=router.preview,
            timeouts=Timeouts(**router.timeouts.model_dump()),
            settings=dict(router.__pydantic_extra__ or {}),
        )

    def telemetry_specs(self) -> tuple[TelemetrySpec, ...]:
        return tuple(
            TelemetrySpec(kind=one.kind, settings=dict(one.__pydantic_extra__ or {}))
            for one in self._block.telemetry
        )

    def flags_spec(self, folder: Path) -> FlagsSpec | None:
        """``folder`` is the manifest's: a relative path is relative to it."""
        block = self._block.flags
        if block is None:
            return None
        settings = dict(block.__pydantic_extra__ or {})
        if isinstance(path := settings.get("path"), str):
            settings["path"] = str(folder / path)
        return FlagsSpec(kind=block.kind, settings=settings)

    def judge_settings(self) -> JudgeSettings:
        return self._judge

    def readiness(self) -> Policy | None:
        """What is asked before a start; None when the manifest says nothing of it."""
        return self._readiness

    def hooks(self) -> tuple[Placed, ...]:
        """Those of the service's own."""
        return tuple(_hook(block, self._folder) for block in self._hooks)

    def database(self, version: str) -> Settings | None:
        """How the database is changed for that version; None when it is not."""
        return _database(self._database, self._folder, version) if self._database is not None else None

    @property
    def start(self) -> Start | None:
        """Nothing begins before it."""
        return self._block.start

    @property
    def windows(self) -> Windows:
        """When exposure may grow; empty: always."""
        return self._block.windows

    def expected(self) -> Traffic | None:
        """The traffic that ``expect`` says."""
        expect = self._block.expect
        return Traffic(requests=expect.requests, errors=expect.errors, source=EXPECT) if expect else None


@dataclass(frozen=True)
class Manifest:
    """``pilotage.yaml`` as it is meant. ``warnings`` are Problems that do not stop anything."""

    service: str
    file: str
    environments: Mapping[str, Environment]
    document: Document = field(repr=False)
    warnings: tuple[Problem, ...] = ()
    _source: Source | None = field(default=None, repr=False, compare=False)
    _root: Node | None = field(default=None, repr=False, compare=False)

    @property
    def folder(self) -> Path:
        """Where it is; relative paths are relative to it."""
        return Path(self.file).absolute().parent

    def environment(self, name: str) -> Environment:
        """ManifestError with the list of names when there is none of that name."""
        found = self.environments.get(name)
        if found is None:
            known = ", ".join(self.environments)
            mend = did_you_mean(name, self.environments) or f"the environments are {known}"
            what = f"there is no environment `{name}` in {self.file}"
            why = f"the environments are {known}" if mend.startswith("did") else None
            problem = Problem(
                code="manifest.unknown-environment",
                what=what,
                why=why,
                mend=mend,
                where=self.place("environments"),
            )
            raise ManifestError(problem, exit_code=ExitCode.USAGE)
        return found

    def release(self, version: str, folder: Path, fingerprint: Fingerprint) -> Release:
        """What would run as that version. ``folder`` is the manifest's; reads the artifact for its digest.

        ManifestError when the version is no version, or its artifact is not there or not what it must be.
        """
        _check_version(version)
        exception = self.document.versions.get(version)
        own = exception is not None and exception.artifact is not None
        block = exception.artifact if exception and exception.artifact else self.document.artifact
        place = self.place(*(("versions", version, "artifact") if own else ("artifact",)))
        root = folder.absolute()
        run = merged(self.document.run, exception.run if exception else None)
        return Release(
            service=self.service,
            version=version,
            artifact=_Artifacts(version, root, fingerprint, place).of(block),
            run=_run(run, root),
        )

    def place(self, *location: str | int) -> Place:
        """Where something is written: ``place("environments", "local", "target", "kind")``, or near it."""
        if self._source is None or self._root is None:
            return Place(file=self.file)
        return self._source.place(locate(self._root, location).span)


def manifest_of(document: Document, source: Source, root: Node, warnings: tuple[Problem, ...]) -> Manifest:
    """Merge and work out what the environments inherit."""
    checks = tuple(_check(check) for check in document.checks)
    environments = {
        name: Environment(
            name=name,
            instances=block.instances,
            method=block.strategy or document.strategy or Canary(),
            checks=checks,
            _block=block,
            _judge=judge_settings(document.judge, block.judge),
            _readiness=_policy(document.readiness, block.readiness),
            _hooks=document.hooks if block.hooks is None else block.hooks,
            _folder=str(Path(source.file).absolute().parent),
            _database=block.database or document.database,
        )
        for name, block in document.environments.items()
    }
    return Manifest(document.service, source.file, environments, document, warnings, source, root)


def _policy(service: Policy | None, own: Policy | None) -> Policy | None:
    return own.over(service or Policy()) if own else service


def judge_settings(*blocks: JudgeBlock) -> JudgeSettings:
    """Later blocks go over earlier ones, key by key."""
    given: dict[str, Any] = {}
    for block in blocks:
        given = _over(given, block.model_dump(exclude_unset=True))
    flat = {key: value for key, value in given.items() if key not in ("errors", "latency")}
    flat |= {f"error_{key}": value for key, value in given.get("errors", {}).items()}
    latency = given.get("latency", {})
    flat |= {"latency": latency is not None}
    flat |= {f"latency_{key}": value for key, value in (latency or {}).items()}
    return JudgeSettings(**flat)


def merged(run: RunPatch, patch: RunPatch | None) -> RunPatch:
    """Key by key; the variables and the health check too."""
    given = run.model_dump(exclude_unset=True)
    if patch is not None:
        given = _over(given, patch.model_dump(exclude_unset=True))
    return RunPatch.model_validate(given)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        result[key] = _over(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def _run(run: RunPatch, folder: Path) -> Run:
    return Run(
        command=run.command or (),
        environment=run.environment,
        folder=str(folder),
        health=HealthCheck(**run.health.model_dump()),
        grace=run.grace,
    )


def _hook(block: HookBlock, folder: str) -> Placed:
    variables = {**block.environment, **{name: one.reference() for name, one in block.references.items()}}

    def program(words: tuple[str, ...]) -> Program:
        return Program(commands=(words,), folder=folder, environment=variables, timeout=block.timeout)

    return command(
        block.name,
        block.when,
        program(block.command),
        undo=program(block.undo) if block.undo else None,
        check=program(block.check) if block.check else None,
        attempts=block.attempts,
        repeatable=block.repeatable,
        approval=block.approval,
    )


def _database(block: DatabaseBlock, folder: str, version: str) -> Settings:
    spec = DatabaseSpec(
        tool=block.tool,
        folder=str(Path(folder) / block.folder.replace("{version}", version)),
        url=block.url.reference(),
        variable=block.variable,
        table=block.table,
    )
    backup = NO_BACKUP if block.backup == (NO_BACKUP,) else block.backup
    return Settings(spec=spec, timeout=block.timeout, backup=backup, folder=folder)


def _check(block: CheckBlock) -> Check:
    return Check(**{**block.model_dump(), "name": block.name or block.path})


def _check_version(version: str) -> None:
    if not re.fullmatch(VERSION, version):
        shown = version if len(version) <= 40 else version[:39] + "…"
        problem = Problem(code="manifest.version", what=f"`{shown}` is not a version", mend=VERSION_RULE)
        raise ManifestError(problem, exit_code=ExitCode.USAGE)


@dataclass(frozen=True)
class _Artifacts:
    """Makes an artifact's block into the artifact of one version."""

    version: str
    folder: Path
    fingerprint: Fingerprint
    place: Place

    def of(self, block: ArtifactBlock) -> Artifact:
        if block.requirement is not None:
            return Requirement(requirements=tuple(self._text(pin).strip() for pin in block.requirement))
        if block.directory is not None:
            path = self._there(block.directory, is_folder=True)
            return Directory(path=str(path), sha256=self._digest(path))
        assert block.archive is not None
        return self._archive(block.archive)

    def _archive(self, block: ArchiveBlock) -> Archive:
        path = self._there(block.file, is_folder=False)
        sha256 = self._digest(path)
        if block.sha256 is not None:
            meant, where = self._meant(block.sha256, path.name)
            if sha256 != meant:
                what = f"{path.name} is not the file that the manifest means"
                mend = "look where the file comes from, or correct `sha256`"
                why = f"its digest is {sha256}, {where} says {meant}"
                raise self._error("digest-mismatch", what, mend, why)
        return Archive(path=str(path), sha256=sha256)

    def _meant(self, sha256: str, file: str) -> tuple[str, str]:
        """The digest that ``sha256`` stands for, and who says so."""
        if re.fullmatch("[0-9a-f]{64}", sha256):
            return sha256, "the manifest"
        path = self._there(sha256, is_folder=False)
        text = self._read(path, lambda path: path.read_text(encoding="utf-8", errors="replace"))
        found = checksums.digest_of(file, text)
        if found is None:
            what = f"{self._text(sha256)} does not have exactly one SHA-256 digest of {file}"
            raise self._error("digest", what, f"write it anew: sha256sum {file} > {path.name}")
        return found, path.name

    def _text(self, text: str) -> str:
        return text.replace("{version}", self.version)

    def _there(self, text: str, *, is_folder: bool) -> Path:
        path = self.folder / self._text(text)
        kind = "folder" if is_folder else "file"
        if not path.exists():
            what = f"the artifact of version {self.version} is not there: no {kind} {self._text(text)}"
            raise self._error("artifact-missing", what, "build it first, or correct the path")
        if path.is_dir() is not is_folder:
            raise self._error("artifact-missing", f"{self._text(text)} is not a {kind}", "correct the path")
        return path

    def _digest(self, path: Path) -> str:
        return self._read(path, self.fingerprint)

    def _read(self, path: Path, read: Callable[[Path], str]) -> str:
        try:
            return read(path)
        except OSError as error:
            what = f"{path.name} can not be read"
            raise self._error("artifact-unreadable", what, "see who may read it", str(error)) from error

    def _error(self, code: str, what: str, mend: str, why: str | None = None) -> ManifestError:
        return ManifestError(Problem(code=f"manifest.{code}", what=what, mend=mend, why=why, where=self.place))
