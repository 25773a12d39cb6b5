"""AnalysisTemplates of Argo Rollouts: their metrics, as sources of telemetry and measures of the judge."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta

from pilotage.importing.draft import Draft
from pilotage.importing.fields import Field
from pilotage.importing.kubernetes import OBJECT
from pilotage.importing.ledger import Ledger, Rule, lost, met
from pilotage.importing.metrics import Bound, Metric, prometheus
from pilotage.importing.reading import duration, must_be_list, shown, whole

KINDS = ("AnalysisTemplate", "ClusterAnalysisTemplate")

_ARGUMENT = re.compile(r"\{\{\s*args\.([\w-]+)\s*\}\}")
_RESULT = r"(?:result(?:\[0\])?|as(?:Float|Int)\(result(?:\[0\])?\)|default\(result(?:\[0\])?,\s*[\d.]+\))"
_COMPARED = re.compile(rf"\(?\s*{_RESULT}\s*(>=|<=|>|<)\s*(\d+(?:\.\d+)?(?:e-?\d+)?)\s*\)?", re.IGNORECASE)
_GUARD = re.compile(rf"\(?\s*!?\s*(?:is(?:NaN|Inf|Nil)\({_RESULT}\)|len\(result\)\s*[=<>!]+\s*\d+)\s*\)?")
_SAMPLES = "the judge needs no number of looks: its error rates hold however often it looks"


@dataclass(slots=True)
class Analyses:
    """The templates of all files, and which of them a rollout has used."""

    ledger: Ledger
    draft: Draft
    objects: list[Field]
    used: dict[str, timedelta | None] = field(default_factory=dict)

    def of(self, run: Field) -> timedelta | None:
        """An analysis of the rollout: its templates' metrics. Gives how long they take, as far as they say."""
        arguments = self._arguments(run.get("args"))
        templates = run.get("templates")
        must_be_list(self.ledger, templates)
        lengths = []
        for one in templates.items() if templates else []:
            lengths.append(self._named(one, arguments))
        return max((length for length in lengths if length), default=None)

    def before(self, run: Field | None) -> None:
        if run is None:
            return
        why = "before the switch no user sees the new version: there is nothing to compare"
        self.ledger.lost(run, why, "write `checks`: requests to the preview address that must succeed")

    def rest(self) -> None:
        """Templates that nothing refers to."""
        for one in self._templates():
            if one.said("metadata", "name") not in self.used:
                why = "the rollout does not refer to this template"
                self.ledger.lost(one.get("spec"), why, "nothing, or refer to it")
            self.ledger.met(one.get("metadata", "name"), "the name by which the rollout refers to it")

    def _templates(self) -> list[Field]:
        return [one for one in self.objects if one.said("kind") in KINDS]

    def _named(self, reference: Field, arguments: dict[str, str]) -> timedelta | None:
        named = reference.get("templateName")
        if named is None or named.text is None:
            return None
        self.ledger.met(reference.get("clusterScope"), "templates are found by their name")
        if named.text in self.used:
            self.ledger.met(named, "the judge hears its metrics all the time")
            return self.used[named.text]
        found = next((one for one in self._templates() if one.said("metadata", "name") == named.text), None)
        if found is None:
            why = "no file that was given has this template"
            self.ledger.lost(named, why, "give its file too: `kubectl get analysistemplate NAME -o yaml`")
            return None
        self.ledger.translated(named, "judge, telemetry")
        self.used[named.text] = self._template(found, arguments)
        return self.used[named.text]

    def _template(self, template: Field, arguments: dict[str, str]) -> timedelta | None:
        defaults = self._arguments(template.get("spec", "args"))
        metrics = template.get("spec", "metrics")
        must_be_list(self.ledger, metrics)
        lengths = [self._metric(one, defaults | arguments) for one in (metrics.items() if metrics else [])]
        return max((length for length in lengths if length), default=None)

    def _arguments(self, args: Field | None) -> dict[str, str]:
        """Known values by name; a hash of the pods is what tells the versions apart."""
        found = {}
        for one in args.items() if args else []:
            name, value, hashed = (
                one.said("name"),
                one.get("value"),
                one.get("valueFrom", "podTemplateHashValue"),
            )
            if name and value is not None and value.text is not None and not value.secret:
                found[name] = value.text
                self.ledger.translated(value, "telemetry[]", "filled in where a query has it")
            elif name and hashed is not None:
                found[name] = "{version}"
                self.ledger.translated(hashed, "telemetry[]", "versions are told apart by the label `version`")
            elif name and one.get("valueFrom") is not None:
                why = "its value is only known in the cluster"
                self.ledger.lost(one.get("valueFrom"), why, "write the value where a query needs it")
            self.ledger.met(one.get("name"), "the name of an argument")
        return found

    def _metric(self, metric: Field, arguments: dict[str, str]) -> timedelta | None:
        ledger = self.ledger
        delay = metric.get("initialDelay")
        if delay is not None and (length := duration(ledger, delay)) is not None:
            named = self.draft.put("judge", "warm_up", value=shown(length))
            ledger.translated(delay, named, "the judge counts nothing of the new version before")
        asked = metric.get("provider", "prometheus", "query")
        if asked is not None and asked.text is not None:
            self._prometheus(metric, asked, arguments)
        interval, count = duration(ledger, metric.get("interval")), whole(ledger, metric.get("count"))
        return interval * count if interval and count else None

    def _prometheus(self, metric: Field, asked: Field, arguments: dict[str, str]) -> None:
        name = metric.said("name") or "metric"
        bound, thresholds = _bound(metric)
        ledger = self.ledger
        ledger.met(metric.get("name"), "the name of the metric")
        prometheus(
            ledger,
            self.draft,
            Metric(
                name=name,
                query=_filled(asked.text or "", arguments),
                asked=asked,
                address=metric.get("provider", "prometheus", "address"),
                bound=bound,
                thresholds=thresholds,
            ),
        )


def _filled(query: str, arguments: dict[str, str]) -> str:
    """A hash of pods is a label that Pilotage does not set: it becomes the label `version`."""
    hashes = [re.escape(name) for name, value in arguments.items() if value == "{version}"]
    if hashes:
        quoted = rf"[\w:]+\s*=~?\s*[\"']\{{\{{\s*args\.(?:{'|'.join(hashes)})\s*\}}\}}[\"']"
        query = re.sub(quoted, 'version="{version}"', query)
    return _ARGUMENT.sub(lambda found: arguments.get(found[1], found[0]), query)


def _bound(metric: Field) -> tuple[Bound | None, tuple[Field, ...]]:
    """What a metric must be, from `successCondition`, or else from `failureCondition`."""
    fields = [metric.get("successCondition"), metric.get("failureCondition")]
    given = tuple(one for one in fields if one is not None)
    for number, one in enumerate(fields):
        found = _condition(one.text or "") if one is not None else None
        if found is not None:
            sign, limit = found
            fine_below = sign.startswith("<") == (number == 0)
            return Bound("more" if fine_below else "less", limit), given
    return None, given


def _condition(text: str) -> tuple[str, float] | None:
    """One comparison of the result with a number; guards against missing data stand beside it."""
    compared = []
    for clause in re.split(r"\|\||&&", text):
        if found := _COMPARED.fullmatch(clause.strip()):
            compared.append((found[1], float(found[2])))
        elif not _GUARD.fullmatch(clause.strip()):
            return None
    return compared[0] if len(compared) == 1 else None


_M = "spec.metrics[]"
_HTTP = "this source has no adapter here"

RULES: tuple[Rule, ...] = (
    *OBJECT,
    lost("spec", "this import does not know it", "docs/judge.md says what the judge can hear"),
    lost("spec.dryRun", "a measure with `role: watch` is only told", "write `role: watch` there"),
    met("spec.measurementRetention", "all that the judge hears is kept"),
    met("spec.args", "arguments are filled in where a query has them"),
    met(f"{_M}.name", "the name of the metric"),
    met(f"{_M}.interval", "the judge looks whenever there is news, all the time"),
    *(met(f"{_M}.{name}", _SAMPLES) for name in ("count", "failureLimit", "inconclusiveLimit")),
    met(f"{_M}.consecutiveSuccessLimit", _SAMPLES),
    met(f"{_M}.consecutiveErrorLimit", "while a source does not answer the judge holds, however long"),
    lost(f"{_M}.successCondition", "the judge compares with the old version", "judge.measures, docs/judge.md"),
    lost(f"{_M}.failureCondition", "the judge compares with the old version", "judge.measures, docs/judge.md"),
    lost(f"{_M}.provider", _HTTP, "a source `command` can ask anything: docs/telemetry/command.md"),
    lost(f"{_M}.provider.web", "what it answers is no counter of a version", "docs/telemetry/http.md"),
    lost(f"{_M}.provider.job", "nothing is started to judge a version", "docs/telemetry/command.md"),
    lost(f"{_M}.provider.prometheus", "there is no setting for it", "docs/telemetry/prometheus.md"),
    lost(f"{_M}.provider.prometheus.authentication", "secrets go by reference", "bearer or basic, {env: NAME}"),
    met(f"{_M}.provider.prometheus.timeout", "a look may take 4s; telemetry[].timeout sets it"),
)
