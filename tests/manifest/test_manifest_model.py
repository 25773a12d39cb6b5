"""What an accepted manifest means: merged, worked out, and its releases."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from pilotage.core.release import Archive, Directory, Requirement
from pilotage.core.routing import Address
from pilotage.errors import ExitCode
from pilotage.manifest.load import MOST_BYTES, load, load_text
from pilotage.manifest.model import Manifest, ManifestError
from pilotage.strategies.canary import Canary
from pilotage.strategies.rolling import Rolling

HEAD = """service: shop
run: {command: "shop --port {port}", environment: {A: "1", B: "2"}, health: {path: /up, within: 5s}}
"""
TAIL = "environments: {local: {router: {listen: 127.0.0.1:80}}}\n"


def manifest(artifact: str = "{requirement: shop=={version}}", more: str = "", tail: str = TAIL) -> Manifest:
    artifact = artifact.replace("shop=={version}", '"shop=={version}"')
    return load_text(f"{HEAD}artifact: {artifact}\n{more}{tail}", "pilotage.yaml")


def fingerprint(path: Path) -> str:
    content = path.read_bytes() if path.is_file() else str(sorted(path.iterdir())).encode()
    return hashlib.sha256(content).hexdigest()


def refused(caught: pytest.ExceptionInfo[ManifestError]) -> str:
    (problem,) = caught.value.problems
    assert problem.where is None or problem.where.file == "pilotage.yaml"
    return problem.code


def test_defaults_are_those_of_the_core() -> None:
    local = manifest().environment("local")
    assert (local.name, local.instances, local.method, local.checks) == ("local", 1, Canary(), ())
    assert local.target_spec().model_dump() == {"kind": "process", "settings": {}}
    router = local.router_spec()
    assert (router.kind, router.listen, router.preview) == ("envoy", Address(host="127.0.0.1", port=80), None)
    assert router.settings == {}
    assert local.judge_settings() == type(local.judge_settings())()


def test_an_environment_overrides_the_strategy_as_a_whole_and_the_judge_key_by_key() -> None:
    tail = """
strategy: {method: canary, steps: [7%], hold: 9m}
judge: {false_pass: 2%, errors: {ratio: 1.2, limit: 3%}, latency: {ratio: 1.3}}
environments:
  plain: {router: {listen: 127.0.0.1:80}}
  own:
    router: {listen: 127.0.0.1:81, weight: heavy, timeouts: {connect: 3s}}
    target: {kind: process, memory: 1G}
    strategy: rolling
    judge: {errors: {limit: 4%}, latency: false, warm_up: 0s}
  again:
    router: {listen: 127.0.0.1:82}
    judge: {latency: {margin: 2}}
"""
    accepted = manifest(tail=tail)
    plain, own, again = (accepted.environment(name) for name in ("plain", "own", "again"))
    assert plain.method == Canary(steps=("7%",), hold="9m")  # type: ignore[arg-type]
    assert own.method == Rolling()
    judge = own.judge_settings()
    assert (judge.false_pass, judge.error_ratio, judge.error_limit) == (0.02, 1.2, 0.04)
    assert (judge.latency, judge.warm_up) == (False, timedelta(0))
    assert plain.judge_settings().latency_ratio == 1.3
    assert (again.judge_settings().latency_ratio, again.judge_settings().latency_margin) == (1.3, 2)
    assert own.target_spec().settings == {"memory": "1G"}
    assert own.router_spec().settings == {"weight": "heavy"}
    assert own.router_spec().timeouts.connect == timedelta(seconds=3)
    assert own.router_spec().timeouts.upstream_idle == timedelta(seconds=1)


def test_an_unknown_environment_names_the_known_ones() -> None:
    with pytest.raises(ManifestError) as caught:
        manifest().environment("lokal")
    (problem,) = caught.value.problems
    assert (problem.code, caught.value.exit_code) == ("manifest.unknown-environment", ExitCode.USAGE)
    assert problem.mend == "did you mean `local`?"
    assert problem.why == "the environments are local"


def test_checks_have_the_name_they_are_given_or_their_path() -> None:
    checks = (
        manifest(more="checks: [/a, {name: b, path: /b, status: 302, within: 1s}]\n")
        .environment("local")
        .checks
    )
    assert [(check.name, check.path, check.status) for check in checks] == [("/a", "/a", 200), ("b", "/b", 302)]


def test_a_requirement_is_filled_in(tmp_path: Path) -> None:
    release = manifest().release("1.2", tmp_path, fingerprint)
    assert release.artifact == Requirement(requirements=("shop==1.2",))
    assert release.run.command == ("shop", "--port", "{port}")
    assert release.run.folder == str(tmp_path)
    assert release.run.health.within == timedelta(seconds=5)


def test_the_folder_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Path(manifest().release("1", Path("."), fingerprint).run.folder).is_absolute()


def test_a_version_merges_its_run_and_replaces_its_artifact(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    more = """versions:
  "1.2":
    artifact: {directory: old}
    run: {grace: 3s, environment: {B: two}, health: {path: /old}}
"""
    accepted = manifest(more=more)
    release = accepted.release("1.2", tmp_path, fingerprint)
    assert release.artifact == Directory(path=str(tmp_path / "old"), sha256=fingerprint(tmp_path / "old"))
    assert release.run.environment == {"A": "1", "B": "two"}
    assert release.run.grace == timedelta(seconds=3)
    assert (release.run.health.path, release.run.health.within) == ("/old", timedelta(seconds=5))
    assert release.run.command == ("shop", "--port", "{port}")
    other = accepted.release("1.3", tmp_path, fingerprint)
    assert other.artifact == Requirement(requirements=("shop==1.3",))
    assert other.run.environment == {"A": "1", "B": "2"}


def test_an_archive_must_be_the_one_that_is_meant(tmp_path: Path) -> None:
    file = tmp_path / "app-1.zip"
    file.write_bytes(b"content")
    release = manifest('{archive: "app-{version}.zip"}').release("1", tmp_path, fingerprint)
    assert release.artifact == Archive(path=str(file), sha256=fingerprint(file))
    meant = '{archive: {file: "app-{version}.zip", sha256: "DIGEST"}}'
    right = meant.replace("DIGEST", fingerprint(file))
    assert manifest(right).release("1", tmp_path, fingerprint).artifact == release.artifact
    wrong = meant.replace("DIGEST", "0" * 64)
    with pytest.raises(ManifestError) as caught:
        manifest(wrong).release("1", tmp_path, fingerprint)
    assert refused(caught) == "manifest.digest-mismatch"


SUMMED = '{archive: {file: "app-{version}.zip", sha256: "app-{version}.zip.sha256"}}'


@pytest.mark.parametrize(
    "form", ["DIGEST", "DIGEST  app-1.zip\n", f"{'0' * 64} *dist/app-0.zip\nDIGEST *dist/app-1.zip\n",
             "SHA256 (app-1.zip) = DIGEST\n"],
)  # fmt: skip
def test_a_file_of_checksums_says_for_each_version_what_its_archive_must_be(form: str, tmp_path: Path) -> None:
    file = tmp_path / "app-1.zip"
    file.write_bytes(b"content")
    (tmp_path / "app-1.zip.sha256").write_text(form.replace("DIGEST", fingerprint(file)))
    release = manifest(SUMMED).release("1", tmp_path, fingerprint)
    assert release.artifact == Archive(path=str(file), sha256=fingerprint(file))
    file.write_bytes(b"other content")
    with pytest.raises(ManifestError) as caught:
        manifest(SUMMED).release("1", tmp_path, fingerprint)
    assert refused(caught) == "manifest.digest-mismatch"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (None, "artifact-missing"),
        ("", "digest"),
        (f"{'0' * 64}  app-2.zip\n", "digest"),
        (f"{'0' * 64}  app-1.zip\n{'1' * 64}  app-1.zip\n", "digest"),
        (f"{'0' * 64}\n{'1' * 64}\n", "digest"),
        (f"{'0' * 63}  app-1.zip\n", "digest"),
    ],
)
def test_without_the_digest_of_its_archive_nothing_is_released(
    text: str | None, code: str, tmp_path: Path
) -> None:
    (tmp_path / "app-1.zip").write_bytes(b"content")
    if text is not None:
        (tmp_path / "app-1.zip.sha256").write_text(text)
    with pytest.raises(ManifestError) as caught:
        manifest(SUMMED).release("1", tmp_path, fingerprint)
    assert refused(caught) == f"manifest.{code}"


@pytest.mark.parametrize("artifact", ["{directory: gone}", "{archive: gone.zip}", "{directory: a.zip}"])
def test_an_artifact_that_is_not_there(artifact: str, tmp_path: Path) -> None:
    (tmp_path / "a.zip").touch()
    with pytest.raises(ManifestError) as caught:
        manifest(artifact).release("1", tmp_path, fingerprint)
    assert refused(caught) == "manifest.artifact-missing"
    (problem,) = caught.value.problems
    assert problem.where is not None
    assert problem.where.line == 3


def test_an_artifact_that_can_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.zip").touch()

    def unreadable(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    with pytest.raises(ManifestError) as caught:
        manifest("{archive: a.zip}").release("1", tmp_path, unreadable)
    assert refused(caught) == "manifest.artifact-unreadable"


@pytest.mark.parametrize("version", ["", "../1", "1/2", "-1", ".1", "1 2", "1\n", "1" * 101, "é"])
def test_what_is_no_version(version: str, tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        manifest().release(version, tmp_path, fingerprint)
    assert refused(caught) == "manifest.version"
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize("version", ["1", "1.2.3", "v1.0-rc.1+build_5", "2!1.0", "main", "1" * 100])
def test_what_is_a_version(version: str, tmp_path: Path) -> None:
    assert manifest().release(version, tmp_path, fingerprint).version == version


def test_places_for_those_who_check_settings_later() -> None:
    tail = (
        "environments:\n  local:\n    target: {kind: process, memory: 1G}\n    router: {listen: 127.0.0.1:80}\n"
    )
    place = manifest(tail=tail).place("environments", "local", "target", "memory")
    assert (place.line, place.column, place.length) == (6, 37, 2)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path, code in (
        (tmp_path / "gone.yaml", "manifest.missing"),
        (tmp_path, "manifest.unreadable"),
        (tmp_path / "large.yaml", "manifest.too-large"),
        (tmp_path / "a.yaml" / "b", "manifest.unreadable"),
    ):
        (tmp_path / "a.yaml").touch()
        (tmp_path / "large.yaml").write_bytes(b"#" * (MOST_BYTES + 1))
        with pytest.raises(ManifestError) as caught:
            load(path)
        (problem,) = caught.value.problems
        assert (problem.code, caught.value.exit_code) == (code, ExitCode.REFUSED_MANIFEST)
        assert problem.where is not None
        assert problem.where.file == str(path)


def test_a_large_manifest_loads() -> None:
    many = "".join(
        f"  e{number}:\n    router: {{listen: 10.0.{number // 250}.{number % 250}:80}}\n    strategy:\n"
        f"      method: canary\n      steps: [5%, 50%]\n"
        for number in range(400)
    )
    assert len(manifest(tail="environments:\n" + many).environments) == 400
