"""What no single value shows: rules over several places.

They look at the tree as it was written and not at the accepted models, so that they also speak when something
else is wrong, and can point at exactly one item.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from importlib.metadata import entry_points

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from pilotage.core.notation import parse_duration, parse_fraction, parse_share
from pilotage.core.plan import ROUTER
from pilotage.core.routing import Address
from pilotage.core.values import EVERYBODY
from pilotage.manifest.data import Reading, shown
from pilotage.manifest.document import (
    ArtifactBlock,
    Document,
    FlagsBlock,
    RouterBlock,
    TargetBlock,
    TelemetryBlock,
)
from pilotage.manifest.flag_rules import broken_flag_rules
from pilotage.manifest.judge_blocks import ErrorsBlock, LatencyBlock
from pilotage.manifest.judge_rules import broken_judge_rules, doubtful_judge
from pilotage.manifest.nodes import Entries, Items, Node, Scalar, Spot, at, locate, scalars
from pilotage.manifest.source import Finding
from pilotage.manifest.suggest import closest, did_you_mean
from pilotage.manifest.words import parse_address

PLACEHOLDERS = ("host", "port", "root", "version", "instance", "folder")
_BRACES = re.compile(r"\{([A-Za-z_]+)\}")
_EVERY_ADDRESS = ("0.0.0.0", "::")
_Broken = Iterator[tuple[Node, Finding]]
_Taken = tuple[str, Spot, Address]


def broken_rules(reading: Reading) -> None:
    """Add a finding for every rule that is broken."""
    for rule in (
        secrets_in,
        _run_placeholders,
        _artifact_placeholders,
        _one_artifact,
        _addresses,
        _check_names,
        _hook_names,
        _growing_steps,
        _time_limits,
        _margins,
        _kinds,
        _settings_keys,
        _router_settings,
        broken_judge_rules,
        broken_flag_rules,
    ):
        for node, finding in rule(reading.root):
            reading.fault(node, finding)


def secrets_in(
    root: Node,
    mend: str = "keep it in a file outside that the service reads; name only its path here (…_FILE)",
) -> _Broken:
    """Every scalar that is marked as one."""
    yield from _secrets_below(Spot(None, root), "this", mend)


def _secrets_below(spot: Spot, name: str, mend: str) -> _Broken:
    match spot.value:
        case Scalar(secret=True) as scalar:
            what = f"{name} looks like a secret"
            why = "a manifest is read by many and kept for ever"
            yield scalar, Finding(scalar.span, "manifest.secret", what, mend, why)
        case Entries(entries=entries):
            for key, value in entries:
                yield from _secrets_below(Spot(None, key), "this key", mend)
                yield from _secrets_below(Spot(key, value), f"the value of {shown(key)}", mend)
        case Items(items=items):
            for item in items:
                yield from _secrets_below(Spot(None, item), "this", mend)


def _run_placeholders(root: Node) -> _Broken:
    for pattern in (("run",), ("versions", "*", "run")):
        for part in ("command", "environment"):
            for _, spot in at(root, *pattern, part):
                for scalar in scalars(spot.value):
                    yield from _misspelt(scalar)


def _misspelt(scalar: Scalar) -> _Broken:
    """Braces may be meant as they are (JSON in an argument): only what is nearly a placeholder is refused."""
    for name in _BRACES.findall(scalar.text):
        near = _nearest(name.lower()) if len(name) < 20 else None
        if near and name not in PLACEHOLDERS:
            what = f"`{{{name}}}` is not a placeholder"
            finding = Finding(scalar.span, "manifest.placeholder", what, f"did you mean `{{{near}}}`?")
            yield scalar, finding


def _nearest(name: str) -> str | None:
    swapped = [known for known in PLACEHOLDERS if sorted(known) == sorted(name)]  # prot is port, not root
    return next(iter(swapped or difflib.get_close_matches(name, PLACEHOLDERS, n=1, cutoff=0.75)), None)


def _artifact_placeholders(root: Node) -> _Broken:
    for pattern in (("artifact",), ("versions", "*", "artifact")):
        for _, spot in at(root, *pattern):
            for scalar in scalars(spot.value):
                for name in _BRACES.findall(scalar.text):
                    if name != "version":
                        what = f"`{{{name}}}` can not stand in an artifact"
                        mend = "only `{version}` can"
                        yield scalar, Finding(scalar.span, "manifest.placeholder", what, mend)


def _one_artifact(root: Node) -> _Broken:
    kinds = tuple(ArtifactBlock.model_fields)
    for pattern in (("artifact",), ("versions", "*", "artifact")):
        for _, spot in at(root, *pattern):
            given = [spot.value.get(kind) for kind in kinds] if isinstance(spot.value, Entries) else []
            keys = sorted((entry[0] for entry in given if entry), key=lambda key: key.span)
            for key in keys[1:]:
                what = f"`{key.text}` can not stand beside `{keys[0].text}`"
                mend = f"keep one of {', '.join(kinds)}"
                yield key, Finding(key.span, "manifest.artifact", what, mend)


def _addresses(root: Node) -> _Broken:
    found: list[_Taken] = []
    for role in ("listen", "preview"):
        for (name,), spot in at(root, "environments", "*", "router", role):
            try:
                address = parse_address(spot.value.text if isinstance(spot.value, Scalar) else None)
            except PydanticCustomError:
                continue
            found.append((f"the {role} address of `{name}`", spot, address))
    taken: dict[int, dict[str, _Taken]] = defaultdict(dict)
    for one in sorted(found, key=lambda one: one[1].span):
        name, spot, address = one
        earlier = _collision(taken[address.port], address)
        if earlier is None:
            taken[address.port][address.host] = one
            continue
        what = f"{shown(spot.value)} is already {earlier[0]}"
        what += "" if earlier[2] == address else f" ({earlier[2]})"
        why = f"that is in line {earlier[1].span.line + 1}"
        finding = Finding(spot.span, "manifest.address-taken", what, "give it a port of its own", why)
        yield spot.value, finding


def _collision(taken: Mapping[str, _Taken], address: Address) -> _Taken | None:
    """On the same port: the same address, or one that means every address."""
    if address.host in _EVERY_ADDRESS:
        return next(iter(taken.values()), None)
    return next((taken[host] for host in (address.host, *_EVERY_ADDRESS) if host in taken), None)


def _check_names(root: Node) -> _Broken:
    seen: dict[str, Scalar] = {}
    for _, spot in at(root, "checks", "*"):
        named = spot.value
        if isinstance(named, Entries):
            entry = named.get("name") or named.get("path")
            named = entry[1] if entry else named
        if isinstance(named, Scalar) and named.text:
            first = seen.setdefault(named.text, named)
            if first is not named:
                what = f"there is another check named {shown(named)}"
                why = f"it is in line {first.span.line + 1}"
                finding = Finding(named.span, "manifest.check-name", what, "give each a `name` of its own", why)
                yield named, finding


def _hook_names(root: Node) -> _Broken:
    for pattern in (("hooks",), ("environments", "*", "hooks")):
        for _, hooks in at(root, *pattern):
            seen: dict[str, Scalar] = {}
            for _, spot in at(hooks.value, "*", "name"):
                if isinstance(spot.value, Scalar):
                    first = seen.setdefault(spot.value.text, spot.value)
                    if first is not spot.value:
                        what = f"there is another hook named {shown(spot.value)}"
                        why = f"it is in line {first.span.line + 1}"
                        mend = "give each a name of its own: what is done only once is known by it"
                        yield spot.value, Finding(spot.span, "manifest.hook-name", what, mend, why)


def _growing_steps(root: Node) -> _Broken:
    for pattern in (("strategy", "steps"), ("environments", "*", "strategy", "steps")):
        for _, spot in at(root, *pattern):
            before: tuple[int, Node] = (0, spot.value)
            for _, step in at(spot.value, "*"):
                step = _share_of(step)
                share = _share(step.value)
                if share is not None:
                    yield from _step(step, share, before)
                    before = (share, step.value)


def _step(step: Spot, share: int, before: tuple[int, Node]) -> _Broken:
    if share >= EVERYBODY:
        what, mend = "everybody is no step: that follows by itself after the last", "remove this step"
    elif share == 0:
        what, mend = "a step of 0% shows the new version to nobody", "begin with a share like 1%"
    elif share <= before[0]:
        what = f"{shown(step.value)} is not more than {shown(before[1])} before it"
        mend = "make each step larger than the one before"
    else:
        return
    yield step.value, Finding(step.span, "manifest.steps", what, mend)


def _share_of(step: Spot) -> Spot:
    """A step may be a mapping with a share."""
    entry = step.value.get("share") if isinstance(step.value, Entries) else None
    return Spot(*entry) if entry else step


def _share(node: Node) -> int | None:
    try:
        return parse_share(node.text if isinstance(node, Scalar) else None)
    except ValueError:
        return None


def _time_limits(root: Node) -> _Broken:
    for pattern in (("strategy",), ("environments", "*", "strategy")):
        for _, spot in at(root, *pattern):
            for least in ("hold", "bake"):
                yield from _time_limit(spot.value, least)


def _time_limit(strategy: Node, least: str) -> _Broken:
    if not isinstance(strategy, Entries):
        return
    shorter, longer = strategy.get("at_most"), strategy.get(least)
    if shorter and longer:
        limit, needed = _time(shorter[1]), _time(longer[1])
        if limit is not None and needed is not None and limit < needed:
            what = f"`at_most` ({shown(shorter[1])}) is shorter than `{least}` ({shown(longer[1])})"
            why = "no step could ever end in time"
            spot = Spot(*shorter)
            yield spot.value, Finding(spot.span, "manifest.time-limit", what, "make `at_most` longer", why)


def _time(node: Node) -> timedelta | None:
    try:
        time = parse_duration(node.text) if isinstance(node, Scalar) else None
    except (ValueError, OverflowError):
        return None
    return time if isinstance(time, timedelta) else None


def _margins(root: Node) -> _Broken:
    names = [stars[0] for stars, _ in at(root, "environments", "*")]
    for name in ["", *names]:
        for block, base, passing in (
            ("errors", "ratio", "pass_ratio"),
            ("errors", "excess", "pass_excess"),
            ("latency", "ratio", "pass_ratio"),
            ("latency", "excess", "pass_excess"),
        ):
            lower, _ = _margin(root, name, block, base)
            upper, spot = _margin(root, name, block, passing)
            spot = spot or _margin(root, name, block, base)[1]
            if lower is not None and upper is not None and upper < lower and spot:
                what = f"`{passing}` ({upper:g}) is smaller than `{base}` ({lower:g})"
                why = "what may go on would at the same time have to be taken back"
                finding = Finding(spot.span, "manifest.margins", what, f"make `{passing}` the larger one", why)
                yield spot.value, finding


def _margin(root: Node, name: str, block: str, key: str) -> tuple[float | None, Spot | None]:
    """The value that holds in an environment ("": in general), and where it was written (None: a default)."""
    places = [("environments", name, "judge", block, key)] if name else []
    for place in [*places, ("judge", block, key)]:
        for _, spot in at(root, *place):
            return _figure(spot.value, key), spot
    model = ErrorsBlock if block == "errors" else LatencyBlock
    return float(model.model_fields[key].default), None


def _figure(node: Node, key: str) -> float | None:
    text = node.text if isinstance(node, Scalar) else ""
    try:
        return parse_fraction(text) if key.endswith("excess") else float(text)
    except ValueError:
        return None


@cache
def installed(group: str) -> tuple[str, ...]:
    """The names of the installed adapters; they are not imported."""
    return tuple(sorted({point.name for point in entry_points(group=group)}))


def _kinds(root: Node) -> _Broken:
    for block, noun, known in (
        ("target", "target", installed("pilotage.targets")),
        ("router", "router", installed("pilotage.routers")),
        ("telemetry", "source of telemetry", (ROUTER, *installed("pilotage.telemetry"))),
        ("flags", "source of flags", installed("pilotage.flags")),
    ):
        for spot in adapters(root, block):
            entry = spot.value.get("kind") if isinstance(spot.value, Entries) else None
            if entry is not None:
                spot = Spot(*entry)
            elif block in ("router", "flags"):  # which have no short form
                continue
            if isinstance(spot.value, Scalar) and spot.value.text and spot.value.text not in known:
                near = did_you_mean(spot.value.text, known)
                what = f"there is no {noun} of the kind {shown(spot.value)}"
                mend = near or f"the installed ones are {', '.join(known)}"
                yield spot.value, Finding(spot.span, "manifest.unknown-kind", what, mend)


def adapters(root: Node, block: str) -> Iterator[Spot]:
    """Where adapters are chosen: a mapping, or just its kind; of telemetry there may be a list."""
    for _, spot in at(root, "environments", "*", block):
        if isinstance(spot.value, Items):
            yield from (Spot(None, item) for item in spot.value.items)
        else:
            yield spot


def _settings_keys(root: Node) -> _Broken:
    """An adapter's settings are its own, but what is nearly one of our keys was meant to be it."""
    models: dict[str, type[BaseModel]] = {
        "target": TargetBlock,
        "router": RouterBlock,
        "telemetry": TelemetryBlock,
        "flags": FlagsBlock,
    }
    for block, model in models.items():
        ours = tuple(model.model_fields)
        for spot in adapters(root, block):
            for key, _ in spot.value.entries if isinstance(spot.value, Entries) else ():
                near = None if key.text in ours else closest(key.text, ours)
                if near:
                    what, mend = f"{shown(key)} is not a key here", f"did you mean `{near}`?"
                    yield key, Finding(key.span, "manifest.unknown-key", what, mend)


def _router_settings(root: Node) -> _Broken:
    """``kind: router`` takes the router's own counters: nothing can be set."""
    for spot in adapters(root, "telemetry"):
        entries = spot.value.entries if isinstance(spot.value, Entries) else ()
        if not any(key.text == "kind" and shown(value) == f"`{ROUTER}`" for key, value in entries):
            continue
        for key, _ in entries:
            if key.text != "kind":
                what, mend = f"{shown(key)} is not a key here", "telemetry from the router has no settings"
                yield key, Finding(key.span, "manifest.unknown-key", what, mend)


def doubtful(root: Node, document: Document) -> list[Finding]:
    """What is possible but most likely not meant."""
    return [*_no_port(root, document), *_same_for_all(root, document), *doubtful_judge(root, document)]


def _no_port(root: Node, document: Document) -> Iterator[Finding]:
    run = document.run
    written = " ".join([*run.command, *run.environment, *run.environment.values()])
    if "{port}" not in written and "PORT" not in written:
        what = "nothing here says which port to listen on"
        mend = "use {port} in the command; nothing need be done if the service reads the variable PORT"
        yield Finding(locate(root, ("run", "command")).span, "manifest.no-port", what, mend)


def _same_for_all(root: Node, document: Document) -> Iterator[Finding]:
    pins = document.artifact.requirement
    if pins and not any("{version}" in pin for pin in pins):
        what = "every version would run the same packages"
        mend = "use {version} in the requirement"
        yield Finding(locate(root, ("artifact", "requirement")).span, "manifest.no-version", what, mend)
