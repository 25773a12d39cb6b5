"""Containers: how an instance runs, taken from a pod template."""

from __future__ import annotations

import re
import shlex
from datetime import timedelta

from pilotage.importing.draft import Draft
from pilotage.importing.fields import Field
from pilotage.importing.ledger import Ledger, Rule, lost, met
from pilotage.importing.reading import duration, must_be_list, must_be_mapping, shown, whole
from pilotage.manifest.secrets import name_is_secret, value_is_secret

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PATH = re.compile(r"/[!-~]*")
_REFERENCE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")

IMAGE = "Pilotage deploys a Python requirement, a folder or an archive, not yet a container image"
CLUSTER = "Pilotage runs instances as processes of this machine; this version has no Kubernetes target"


def command(ledger: Ledger, draft: Draft, *parts: Field | None, port: str | None) -> None:
    """``command`` and ``args`` of a container, as the words of run.command."""
    words = [word for part in parts if part is not None for word in _words(part)]
    if not words or any(_CONTROL.search(word) for word in words) or _holds_secret(words):
        return
    filled = [_with_port(word, port) for word in words]
    why = "it ran in a container: the program must be in the artifact, or on this machine"
    if filled != words:
        why += f"; the port {port} became {{port}}"
    if any(_REFERENCE.search(word) for word in words):
        why += "; $(NAME) is not filled in any more"
    named = draft.put("run", "command", value=filled, note="it ran in a container: see that it runs here")
    for part in parts:
        if part is not None:
            ledger.translated(part, named, why)


def variable(ledger: Ledger, draft: Draft, name: str, value: Field) -> None:
    """One variable with its value. Secrets are never copied."""
    text = value.text
    if value.secret or name_is_secret(name) or (text is not None and value_is_secret(text)):
        why = "it looks like a secret, and a manifest is read by many"
        ledger.lost(value, why, f"let the service read it from a file, and name that: {name[:40]}_FILE")
    elif text is None or not _VARIABLE.fullmatch(name) or _CONTROL.search(text):
        ledger.lost(value, "it has no value that a manifest can hold", "set it where the service starts")
    elif "<%" in text:
        ledger.lost(value, "it is made when the tool runs", "write its value in run.environment")
    elif name == "PORT":
        ledger.met(value, "PORT is set to the port that an instance is given")
    else:
        ledger.translated(value, draft.put("run", "environment", name, value=text))


def pod(ledger: Ledger, draft: Draft, template: Field | None, *, container: str | None = None) -> None:
    """A pod template: the first container, or the one of that name, is the service."""
    if template is None:
        return
    spec = template.get("spec")
    must_be_mapping(ledger, spec)
    if spec is None:
        return
    must_be_list(ledger, spec.get("containers"))
    containers = spec.get("containers")
    found = containers.items() if containers else []
    chosen = next((one for one in found if one.said("name") == container), found[0] if found else None)
    if chosen is not None:
        _container(ledger, draft, chosen)
    grace = spec.get("terminationGracePeriodSeconds")
    if (length := duration(ledger, grace)) is not None and grace is not None:
        ledger.translated(grace, draft.put("run", "grace", value=shown(length)))
    for other in found:
        if chosen is None or other.path != chosen.path:
            why = "an instance is one process: a second container beside it is not started"
            ledger.lost(other, why, "start it from the command, or as a service of its own")


def _container(ledger: Ledger, draft: Draft, container: Field) -> None:
    ledger.met(container.get("name"), "the one container that serves requests is the instance")
    port = container.get("ports")
    first = port.items()[0].said("containerPort") if port and port.items() else None
    command(ledger, draft, container.get("command"), container.get("args"), port=first)
    ledger.met(port, "every instance is given a free port as {port}, and in PORT")
    env = container.get("env")
    must_be_list(ledger, env)
    for one in env.items() if env else []:
        value, name = one.get("value"), one.said("name") or ""
        if value is not None:
            variable(ledger, draft, name, value)
            ledger.met(one.get("name"), "the name of the variable beside it")
        elif one.get("valueFrom") is not None:
            why = "the cluster gives its value; nothing of it is copied"
            ledger.lost(one, why, f"let the service read {name[:40]} from a file, or set it where it starts")
    _health(ledger, draft, container)


def _health(ledger: Ledger, draft: Draft, container: Field) -> None:
    for kind in ("readinessProbe", "livenessProbe"):
        probe = container.get(kind)
        path = probe.get("httpGet", "path") if probe else None
        if probe is None or path is None or not _PATH.fullmatch(path.text or ""):
            continue
        ledger.translated(path, draft.put("run", "health", "path", value=path.text))
        ledger.met(probe.get("httpGet", "port"), "the health check asks the instance's own {port}")
        timing(ledger, draft, probe.get("periodSeconds"), "run", "health", "interval")
        timing(ledger, draft, probe.get("timeoutSeconds"), "run", "health", "timeout")
        failures = probe.get("failureThreshold")
        if failures is not None and (count := whole(ledger, failures, 1, 1000)) is not None:
            ledger.translated(failures, draft.put("run", "health", "failures", value=count))
        return


def timing(ledger: Ledger, draft: Draft, field: Field | None, *key: str, why: str | None = None) -> None:
    """A duration that is more than nothing."""
    length = duration(ledger, field)
    if field is not None and length is not None:
        if length > timedelta(0):
            ledger.translated(field, draft.put(*key, value=shown(length)), why)
        else:
            ledger.lost(field, "nothing is no time for this here", f"write {draft.named(*key)}")


def _words(part: Field) -> list[str]:
    """A list of words, or one text that a shell would split."""
    if part.items():
        return [one.text for one in part.items() if one.text]
    try:
        return shlex.split(part.text or "")
    except ValueError:  # a quote that is never closed
        return []


def _with_port(word: str, port: str | None) -> str:
    return re.sub(rf"(?<!\d){re.escape(port)}(?!\d)", "{port}", word) if port else word


def _holds_secret(words: list[str]) -> bool:
    """By itself, or after an option whose name tells."""
    joined = " ".join(words)
    return value_is_secret(joined) or any(value_is_secret(word) for word in words)


_PROCESS = "set it for the process where the service starts (systemd, ulimit), or in the command"


def rules(pod: str) -> tuple[Rule, ...]:
    """What becomes of the rest of a pod template at this path."""
    spec, container = f"{pod}.spec", f"{pod}.spec.containers[]"
    return (
        met(
            f"{pod}.metadata",
            "labels and annotations are how a cluster finds its pods; the router knows its own",
        ),
        lost(spec, CLUSTER, "see what the service needs of it on this machine"),
        lost(f"{container}.image", IMAGE, "write what the image was built from into artifact"),
        lost(f"{container}.imagePullPolicy", IMAGE, "nothing: what is deployed is told by its digest"),
        lost(f"{container}.command", "it can not be a command in a manifest", "write run.command"),
        lost(f"{container}.args", "they can not be a command in a manifest", "write run.command"),
        lost(f"{container}.env", "a manifest holds texts only", "set it where the service starts"),
        lost(
            f"{container}.envFrom", "the cluster gives the values; nothing of it is copied", "run.environment"
        ),
        lost(f"{container}.resources", "a process has no limits of its own here", _PROCESS),
        lost(f"{container}.securityContext", "a process runs as whoever runs Pilotage", _PROCESS),
        lost(f"{container}.volumeMounts", CLUSTER, "name the folders in run.environment or the command"),
        lost(f"{spec}.volumes", CLUSTER, "name the folders in run.environment or the command"),
        lost(f"{container}.lifecycle", "there are no hooks", "run.grace gives time to stop after SIGTERM"),
        lost(f"{container}.readinessProbe", "a health check asks a path with GET", "write run.health"),
        lost(f"{container}.readinessProbe.initialDelaySeconds", "asked from the start on", "run.health.within"),
        lost(f"{container}.livenessProbe", "there is one health check", "run.health keeps watching as well"),
        lost(
            f"{container}.startupProbe", "there is one health check", "run.health.within is the time to start"
        ),
        met(f"{container}.readinessProbe.successThreshold", "one good answer makes an instance healthy"),
        met(f"{container}.readinessProbe.httpGet.scheme", "an instance is asked by HTTP"),
        met(f"{spec}.restartPolicy", "an instance that ends is told, and counts as not healthy"),
        lost(
            f"{spec}.initContainers", "nothing runs before an instance", "put it into the command or the build"
        ),
    )
