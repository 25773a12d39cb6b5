"""Flagger: a Canary with its MetricTemplates.

Fields after the project's `pkg/apis/flagger/v1beta1` and its pages on metrics analysis (flagger.app/v1beta1).
"""

from __future__ import annotations

import re

from pilotage.importing import pods
from pilotage.importing.draft import Draft, plain_name, share
from pilotage.importing.fields import Field
from pilotage.importing.kubernetes import OBJECT, environment_of, workload
from pilotage.importing.ledger import Ledger, Rule, lost, met
from pilotage.importing.metrics import Bound, Metric, prometheus, success_rate
from pilotage.importing.reading import duration, must_be_list, must_be_mapping, number, shown, truth, whole

_MOST_STEPS = 100
_FIRST_FREE_PORT = 1024


def translate(ledger: Ledger, draft: Draft, objects: list[Field], canary: Field) -> None:
    draft.put("service", value=plain_name(canary.said("metadata", "name") or "", "service"))
    if (name := canary.get("metadata", "name")) is not None:
        ledger.translated(name, "service")
    environment_of(ledger, draft, canary)
    spec = canary.get("spec")
    must_be_mapping(ledger, spec)
    if spec is None:
        return
    workload(ledger, draft, objects, spec.get("targetRef"))
    _service(ledger, draft, spec.get("service"))
    why = "it is the time until all new instances are healthy; then the version is taken back"
    pods.timing(ledger, draft, spec.get("progressDeadlineSeconds"), "strategy", "ready_within", why=why)
    analysis = spec.get("analysis") or spec.get("canaryAnalysis")
    must_be_mapping(ledger, analysis)
    if analysis is not None:
        _strategy(ledger, draft, analysis)
        _metrics(ledger, draft, objects, canary, analysis)
    if (skips := spec.get("skipAnalysis")) is not None and truth(ledger, skips) is False:
        ledger.met(skips, "every version is judged")


def _service(ledger: Ledger, draft: Draft, service: Field | None) -> None:
    if service is None:
        return
    port = service.get("port")
    if port is not None and (found := whole(ledger, port, 1, 65534)) is not None:
        free = found if found >= _FIRST_FREE_PORT else 8080
        named = draft.put("environment", "router", "listen", value=f"127.0.0.1:{free}")
        why = "on this machine only, until you write another address"
        ledger.translated(port, named, why if free == found else f"{why}; {free}, for {found} needs rights")
    ledger.met(service.get("targetPort"), "every instance is given a free port as {port}, and in PORT")
    why = "of the whole request"
    pods.timing(ledger, draft, service.get("timeout"), "environment", "router", "timeouts", "request", why=why)


def _strategy(ledger: Ledger, draft: Draft, analysis: Field) -> None:
    iterations, matched = analysis.get("iterations"), analysis.get("match")
    whole(ledger, analysis.get("threshold"))
    weighted = analysis.get("stepWeight") or analysis.get("stepWeights") or analysis.get("maxWeight")
    if iterations is not None and weighted is None and matched is None:
        whole(ledger, iterations)
        named = draft.put("strategy", "method", value="blue-green")
        ledger.translated(iterations, named, "the new side is proven by `checks`, not by so many looks")
        ledger.met(analysis.get("interval"), "the new side is switched as soon as it is proven")
        return
    draft.put("strategy", "method", value="canary")
    _shares(ledger, draft, analysis)
    interval = analysis.get("interval")
    if interval is not None and (length := duration(ledger, interval)) is not None:
        note = "at each share, at least; the judge must also let it go on"
        ledger.translated(interval, draft.put("strategy", "hold", value=shown(length), note=note))
    for rule in matched.items() if matched else []:
        _pilots(ledger, draft, rule)
    affinity = analysis.get("sessionAffinity")
    cookie = affinity.get("cookieName") if affinity else None
    if cookie is not None:
        named = draft.put("strategy", "by", value="user")
        ledger.translated(cookie, named, "the cookie is Pilotage's own")


def _shares(ledger: Ledger, draft: Draft, analysis: Field) -> None:
    many, step, most = analysis.get("stepWeights"), analysis.get("stepWeight"), analysis.get("maxWeight")
    must_be_list(ledger, many)
    top = number(ledger, most)
    if top is not None and most is not None and not 0 < top <= 100:
        ledger.refuse(most, "range", f"`{most.shown}` is not a weight from 1 to 100")
        return
    shares: list[float] = []
    for one in many.items() if many else []:
        _one_of_many(ledger, shares, one)
    by = number(ledger, step)
    if not shares and step is not None and by is not None:
        if not 100 / _MOST_STEPS <= by <= 100:
            ledger.refuse(step, "range", f"`{step.shown}` is not a weight from 1 to 100")
            return
        shares = _even(by, top or 100.0)
        if shares:
            ledger.translated(step, "strategy.steps")
        else:
            ledger.met(step, "everybody follows after the checks, and after the last share")
            draft.put("strategy", "method", value="blue-green")
    if shares:
        draft.put("strategy", "steps", value=[share(one / 100) for one in shares])
    if most is not None and top is not None:
        if top >= 100 or (shares and shares[-1] >= 100):
            ledger.met(most, "after the last share everybody follows by itself")
        else:
            ledger.translated(most, "strategy.steps", "the last share; then everybody follows")


def _one_of_many(ledger: Ledger, shares: list[float], weight: Field) -> None:
    found = number(ledger, weight)
    if found is None:
        return
    if not 0 <= found <= 100:
        ledger.refuse(weight, "range", f"`{weight.shown}` is not a weight from 0 to 100")
    elif found >= 100:
        ledger.met(weight, "after the last share everybody follows by itself")
    elif found <= (shares[-1] if shares else 0.0):
        ledger.lost(weight, "shares grow from step to step", "leave it out, or write another share")
    else:
        shares.append(found)
        ledger.translated(weight, f"strategy.steps[{len(shares) - 1}]")


def _even(by: float, most: float) -> list[float]:
    """Each as much more, up to the most; everybody is no share."""
    shares = [by * count for count in range(1, _MOST_STEPS + 1) if by * count < min(most, 100.0)]
    return [*shares, most] if most < 100 else shares


def _pilots(ledger: Ledger, draft: Draft, rule: Field) -> None:
    """A/B testing by a header with an exact value."""
    headers = rule.get("headers")
    for one in headers.entries() if headers else []:
        exact = one.get("exact")
        if exact is not None and exact.text and not exact.secret and one.path[-1] != "cookie":
            pilots = [*(draft.get("strategy", "pilots") or []), {"header": one.path[-1], "value": exact.text}]
            named = draft.put("strategy", "pilots", value=pilots)
            why = "who has the header sees the new version from the first share on; others by shares"
            ledger.translated(exact, named, why)


def _metrics(ledger: Ledger, draft: Draft, objects: list[Field], canary: Field, analysis: Field) -> None:
    metrics = analysis.get("metrics")
    must_be_list(ledger, metrics)
    for metric in metrics.items() if metrics else []:
        name = metric.said("name") or "metric"
        bound, thresholds = _bound(ledger, metric)
        ledger.met(metric.get("interval"), "the judge looks whenever there is news, and at all of the past")
        if name == "request-success-rate" and metric.get("templateRef") is None:
            _success(ledger, draft, metric, bound, thresholds)
        elif name == "request-duration" and metric.get("templateRef") is None:
            ledger.met(metric.get("name"), "the router counts latencies, and the judge compares p50 to p99.9")
            why = "latencies are compared with the old version's; there is no fixed limit for them"
            for one in thresholds:
                ledger.lost(one, why, "judge.latency says by how much the new version may be slower")
        else:
            _custom(ledger, draft, objects, canary, metric, bound, thresholds)


def _success(
    ledger: Ledger, draft: Draft, metric: Field, bound: Bound | None, thresholds: tuple[Field, ...]
) -> None:
    ledger.met(metric.get("name"), "the router counts requests and errors, and the judge compares them")
    if bound is not None and bound.worse == "less":
        success_rate(ledger, draft, thresholds, bound.limit / 100.0)


def _bound(ledger: Ledger, metric: Field) -> tuple[Bound | None, tuple[Field, ...]]:
    least, most = metric.get("thresholdRange", "min"), metric.get("thresholdRange", "max")
    old = metric.get("threshold")
    given = tuple(one for one in (least, most, old) if one is not None)
    if (found := number(ledger, least)) is not None:
        return Bound("less", found), given
    if (found := number(ledger, most)) is not None:
        return Bound("more", found), given
    if (found := number(ledger, old)) is not None:
        worse = "less" if metric.said("name") == "request-success-rate" else "more"
        return Bound(worse, found), given
    return None, given


def _custom(
    ledger: Ledger,
    draft: Draft,
    objects: list[Field],
    canary: Field,
    metric: Field,
    bound: Bound | None,
    thresholds: tuple[Field, ...],
) -> None:
    ledger.met(metric.get("name"), "the name of the metric")
    asked, address = metric.get("query"), canary.get("spec", "metricsServer")
    reference = metric.get("templateRef", "name")
    template = _template(objects, reference.text) if reference else None
    if reference is not None and template is None:
        why = "no file that was given has this MetricTemplate"
        ledger.lost(reference, why, "give its file too: `kubectl get metrictemplate NAME -o yaml`")
    if template is not None:
        ledger.met(metric.get("templateRef"), "the metrics of the template are taken")
        ledger.met(template.get("metadata", "name"), "the name by which the canary refers to it")
        kind = template.get("spec", "provider", "type")
        if kind is None or kind.text != "prometheus":
            why = "this source has no adapter here"
            instead = "a source `command` can ask anything: docs/telemetry/command.md"
            ledger.lost(template.get("spec"), why, instead)
            template = None
        else:
            ledger.translated(kind, "telemetry[].kind")
            asked, address = template.get("spec", "query"), template.get("spec", "provider", "address")
    if asked is None or asked.text is None or (reference is not None and template is None):
        for one in thresholds:
            ledger.lost(one, "it belongs to a metric that is lost", "judge.measures, docs/judge.md")
        return
    query = _filled(asked.text, canary, metric)
    prometheus(
        ledger,
        draft,
        Metric(
            name=metric.said("name") or "metric",
            query=query,
            asked=asked,
            address=address,
            bound=bound,
            thresholds=thresholds,
        ),
    )


def _template(objects: list[Field], name: str | None) -> Field | None:
    return next(
        (
            one
            for one in objects
            if one.said("kind") == "MetricTemplate" and one.said("metadata", "name") == name
        ),
        None,
    )


def _filled(query: str, canary: Field, metric: Field) -> str:
    """What Flagger knows when it asks; `interval` only makes a window."""
    target = canary.said("spec", "targetRef", "name") or ""
    known = {
        "name": canary.said("metadata", "name") or "",
        "namespace": canary.said("metadata", "namespace") or "default",
        "target": target,
        "service": canary.said("spec", "service", "name") or target,
        "ingress": canary.said("spec", "ingressRef", "name") or "",
        "interval": metric.said("interval") or "1m",
    }
    variables = metric.get("templateVariables")
    for one in variables.entries() if variables else []:
        known[f"variables.{one.path[-1]}"] = one.text or ""
    return re.sub(r"\{\{\s*\.?([\w.]+)\s*\}\}", lambda found: known.get(found[1]) or found[0], query)


_A = "spec.analysis"
_HOOK = "nothing is called during a rollout"
_MESH = "Pilotage routes with its own Envoy; this version drives no mesh and no ingress of a cluster"
_THROUGH = "let users in at router.listen, or put your own load balancer before it"


def _of(analysis: str) -> tuple[Rule, ...]:
    webhook = f"{analysis}.webhooks[]"
    return (
        met(f"{analysis}.threshold", "the judge needs no number of failed looks: its error rates hold always"),
        met(f"{analysis}.interval", "the judge looks whenever there is news"),
        lost(f"{analysis}.stepWeight", "single weights are given as well", "nothing"),
        lost(
            f"{analysis}.iterations",
            "a rollout goes on when the judge lets it, not after so many looks",
            "hold",
        ),
        lost(
            f"{analysis}.stepWeightPromotion",
            "after the last share everybody is switched at once",
            "more steps",
        ),
        lost(f"{analysis}.mirror", "requests are not sent to two versions", "checks, on the preview address"),
        lost(f"{analysis}.mirrorWeight", "requests are not sent to two versions", "checks"),
        lost(
            f"{analysis}.match",
            "pilots are told by one header or cookie with an exact value",
            "strategy.pilots",
        ),
        lost(
            f"{analysis}.alerts", "nobody is told by a rollout itself", "`pilotage watch --json` in a pipeline"
        ),
        lost(f"{analysis}.sessionAffinity", "users keep their version as long as it serves", "strategy.by"),
        lost(f"{analysis}.primaryReadyThreshold", "all instances must be healthy", "fewer instances"),
        lost(f"{analysis}.canaryReadyThreshold", "all instances must be healthy", "fewer instances"),
        lost(webhook, _HOOK, "for tests before any user: `checks`; for load: traffic of your own"),
        lost(f"{analysis}.metrics[]", "the judge has no such setting", "judge.measures, docs/judge.md"),
        met(f"{analysis}.metrics[].templateVariables", "filled in where the query has them"),
    )


RULES: tuple[Rule, ...] = (
    *OBJECT,
    *_of(_A),
    *_of("spec.canaryAnalysis"),
    lost("spec", "this import does not know it", "docs/manifest.md says what there is"),
    lost(
        "spec.targetRef", pods.CLUSTER, "give the file of the Deployment as well: how it runs is taken from it"
    ),
    met("spec.targetRef.kind", "the kind of what is named beside it"),
    met("spec.targetRef.apiVersion", "the format of what is named beside it"),
    lost("spec.autoscalerRef", "the number of instances is fixed", "environments.NAME.instances"),
    lost("spec.ingressRef", _MESH, _THROUGH),
    lost("spec.routeRef", _MESH, _THROUGH),
    lost("spec.provider", _MESH, _THROUGH),
    met("spec.metricsServer", "each query is asked where its own template says"),
    lost("spec.skipAnalysis", "every version is judged", "strategy: blue-green, or `pilotage promote`"),
    lost("spec.suspend", "a file does not pause a rollout", "`pilotage pause`"),
    lost("spec.revertOnDeletion", "nothing in a cluster was changed", "nothing"),
    lost("spec.service", _MESH, _THROUGH),
    met("spec.service.name", "the router tells versions apart by itself"),
    met("spec.service.portName", "the router speaks HTTP"),
    met("spec.service.portDiscovery", "every instance has the one port that it is given"),
)

TEMPLATE_RULES: tuple[Rule, ...] = (
    *OBJECT,
    lost("spec", "no metric of the canary refers to it", "nothing, or refer to it"),
    lost("spec.provider.secretRef", "secrets are never copied", "telemetry[].bearer or basic, {env: NAME}"),
    lost("spec.provider.insecureSkipVerify", "certificates are always verified", "telemetry[].ca"),
)
