"""Which tool a file is of, and the whole way from fields to a manifest and a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from pilotage.errors import ExitCode, PilotageError, Place, Problem
from pilotage.importing import analysis, argo, codedeploy, flagger, kamal, kubernetes, metrics
from pilotage.importing.draft import Draft
from pilotage.importing.fields import Field, documents
from pilotage.importing.ledger import Account, Ledger, Outcome


class Tool(StrEnum):
    ARGO = "argo"
    FLAGGER = "flagger"
    CODEDEPLOY = "codedeploy"
    KAMAL = "kamal"


TITLES = {
    Tool.ARGO: "Argo Rollouts",
    Tool.FLAGGER: "Flagger",
    Tool.CODEDEPLOY: "AWS CodeDeploy",
    Tool.KAMAL: "Kamal",
}
_KINDS = {
    **dict.fromkeys(("Rollout", *analysis.KINDS, "AnalysisRun", "Experiment"), Tool.ARGO),
    **dict.fromkeys(("Canary", "MetricTemplate", "AlertProvider"), Tool.FLAGGER),
}
_GROUPS = {Tool.ARGO: "argoproj.io/", Tool.FLAGGER: "flagger.app/"}
_MAIN = {Tool.ARGO: "Rollout", Tool.FLAGGER: "Canary"}
_KAMAL = ("service", "image", "servers")
_CODEDEPLOY = ("deploymentconfiginfo", "deploymentgroupinfo", "resources", "hooks", "files", "os")


@dataclass(frozen=True, slots=True)
class Translation:
    """``manifest`` as text; ``fill``: what a person must still write, by its key."""

    tool: Tool
    manifest: str
    accounts: tuple[Account, ...]
    fill: Mapping[str, str]

    def of(self, outcome: Outcome) -> list[Account]:
        return [one for one in self.accounts if one.outcome is outcome]


def translate(texts: Mapping[str, str], tool: Tool | None = None) -> Translation:
    """``texts`` by the names of their files. PilotageError with every problem at once."""
    objects: list[Field] = []
    problems: list[Problem] = []
    for file, text in texts.items():
        found, wrong = documents(text, file)
        objects += found
        problems += wrong
    if problems:
        raise PilotageError(*problems, exit_code=ExitCode.REFUSED_MANIFEST)
    if not objects:
        where = Place(file=next(iter(texts), ""))
        problem = Problem(code="import.empty", what="there is nothing in it", where=where)
        raise PilotageError(problem, exit_code=ExitCode.REFUSED_MANIFEST)
    chosen = tool or _guessed(objects)
    main = _main(chosen, objects)
    kinds = {f"{one.document}:{one.path[: one.root]}": one.said("kind") or "" for one in objects}
    ledger, draft = Ledger(kinds), Draft()
    _by(chosen, ledger, draft, objects, main)
    if ledger.problems:
        raise PilotageError(*_in_order(ledger.problems, texts), exit_code=ExitCode.REFUSED_MANIFEST)
    metrics.finish(draft)
    draft.complete(ledger, artifact=f"what {TITLES[chosen]} deployed, as a requirement, a folder or an archive")
    accounts = tuple(account for outcome in Outcome for account in ledger.of(outcome))
    return Translation(chosen, draft.text(f"{TITLES[chosen]}: {', '.join(texts)}"), accounts, ledger.fill)


def _in_order(problems: Iterable[Problem], texts: Mapping[str, str]) -> list[Problem]:
    """As the files were given, and as they stand in them."""
    files = list(texts)

    def spot(problem: Problem) -> tuple[int, int, int]:
        where = problem.where
        return (files.index(where.file), where.line or 0, where.column or 0) if where else (0, 0, 0)

    return sorted(problems, key=spot)


def _by(tool: Tool, ledger: Ledger, draft: Draft, objects: list[Field], main: Field) -> None:
    match tool:
        case Tool.ARGO:
            argo.translate(ledger, draft, objects, main)
        case Tool.FLAGGER:
            flagger.translate(ledger, draft, objects, main)
        case Tool.CODEDEPLOY:
            codedeploy.translate(ledger, draft, objects)
        case Tool.KAMAL:
            kamal.translate(ledger, draft, main)
        case _:
            assert_never(tool)
    for one in objects:
        _settle(tool, ledger, one)


def _settle(tool: Tool, ledger: Ledger, one: Field) -> None:
    kind = one.said("kind")
    match tool:
        case Tool.CODEDEPLOY:
            ledger.settle([one], codedeploy.RULES)
        case Tool.KAMAL:
            ledger.settle([one], kamal.rules(one))
        case Tool.ARGO | Tool.FLAGGER:
            if kind == "Rollout":
                ledger.settle([one], argo.RULES)
            elif kind in analysis.KINDS:
                ledger.settle([one], analysis.RULES)
            elif kind == "Canary":
                ledger.settle([one], flagger.RULES)
            elif kind == "MetricTemplate":
                ledger.settle([one], flagger.TEMPLATE_RULES)
            else:
                ledger.settle([one], kubernetes.FOREIGN)
        case _:
            assert_never(tool)


def _guessed(objects: list[Field]) -> Tool:
    """By what a file says of itself; refused when files speak of two tools, or of none."""
    by = [(one, found) for one in objects if (found := _tool_of(one)) is not None]
    tools = list(dict.fromkeys(found for _, found in by))
    if len(tools) == 1:
        return tools[0]
    if tools:
        other = next(one for one, found in by if found != tools[0])
        what = f"this is of {TITLES[tools[1]]}, and what stands before it of {TITLES[tools[0]]}"
        raise _refused(other, "several-tools", what, "give files of one tool, or name it with --from")
    what = "this is of none of the tools whose files can be read"
    mend = "give a Rollout, a Canary, an appspec or a Kamal deploy.yml; or name the tool with --from"
    raise _refused(objects[0], "kind", what, mend)


def _tool_of(one: Field) -> Tool | None:
    version, kind = one.said("apiVersion") or "", one.said("kind") or ""
    for tool, group in _GROUPS.items():
        if version.startswith(group):
            return tool
    if version or kind:
        return _KINDS.get(kind)
    if (one.text or "").startswith(codedeploy.PREFIX):
        return Tool.CODEDEPLOY
    keys = {str(below.path[-1]).lower() for below in one.entries()}
    if len(keys & set(_KAMAL)) >= 2:
        return Tool.KAMAL
    if keys & set(_CODEDEPLOY):
        return Tool.CODEDEPLOY
    return None


def _main(tool: Tool, objects: list[Field]) -> Field:
    """The one object that says how a release goes."""
    if tool is Tool.CODEDEPLOY:
        found = [one for one in objects if _tool_of(one) is Tool.CODEDEPLOY and _is_appspec(one)]
        known = [one for one in objects if _tool_of(one) is Tool.CODEDEPLOY]
        name = "appspec"
    elif tool is Tool.KAMAL:
        found = known = [one for one in objects if one.entries() and one.said("apiVersion") is None]
        name = "deploy.yml"
    else:
        name = _MAIN[tool]
        found = known = [one for one in objects if one.said("kind") == name]
    if not known:
        what = f"there is no {name} of {TITLES[tool]} in what was given"
        why = _what_there_is(objects)
        raise _refused(objects[0], "kind", what, f"give the file with the {name}", why)
    if len(found) > 1:
        what = f"this is a second {name}: a manifest is of one service"
        raise _refused(found[1], "several", what, "import one at a time, each into a file of its own")
    return (found or known)[0]


def _is_appspec(one: Field) -> bool:
    keys = {str(below.path[-1]).lower() for below in one.entries()}
    return bool(keys & {"resources", "files", "os"})


def _what_there_is(objects: list[Field]) -> str | None:
    kinds = sorted({kind[:40] for one in objects if (kind := one.said("kind"))})
    return f"there is: {', '.join(kinds)}" if kinds else None


def _refused(field: Field, code: str, what: str, mend: str, why: str | None = None) -> PilotageError:
    return PilotageError(field.problem(code, what, mend, why), exit_code=ExitCode.REFUSED_MANIFEST)
