"""Argo Rollouts: a Rollout with its AnalysisTemplates.

Fields after the project's `docs/features/specification.md` and its CRDs (argoproj.io/v1alpha1).
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from pilotage.importing import pods
from pilotage.importing.analysis import Analyses
from pilotage.importing.draft import Draft, plain_name, share
from pilotage.importing.fields import Field
from pilotage.importing.kubernetes import OBJECT, environment_of, instances, workload
from pilotage.importing.ledger import Ledger, Rule, lost, met
from pilotage.importing.reading import duration, must_be_list, must_be_mapping, number, shown, truth, whole

_STRATEGY = "spec.strategy"
_ONE_HOLD = "all shares have the same time"
_PERSON = (
    "`pilotage pause` stops a rollout where it is, and `pilotage resume` lets it go on; the plan itself waits "
    "for nobody"
)


def translate(ledger: Ledger, draft: Draft, objects: list[Field], rollout: Field) -> None:
    draft.put("service", value=plain_name(rollout.said("metadata", "name") or "", "service"))
    if (name := rollout.get("metadata", "name")) is not None:
        ledger.translated(name, "service")
    environment_of(ledger, draft, rollout)
    spec = rollout.get("spec")
    must_be_mapping(ledger, spec)
    strategy = spec.get("strategy") if spec else None
    must_be_mapping(ledger, strategy)
    if spec is None or strategy is None:
        return
    instances(ledger, draft, spec.get("replicas"))
    pods.pod(ledger, draft, spec.get("template"))
    workload(ledger, draft, objects, spec.get("workloadRef"))
    _deadlines(ledger, draft, spec)
    analyses = Analyses(ledger, draft, objects)
    canary, blue_green = strategy.get("canary"), strategy.get("blueGreen")
    if blue_green is not None:
        _blue_green(ledger, draft, analyses, blue_green)
    elif canary is not None:
        _canary(ledger, draft, analyses, canary)
    analyses.rest()


def _deadlines(ledger: Ledger, draft: Draft, spec: Field) -> None:
    pods.timing(
        ledger,
        draft,
        spec.get("progressDeadlineSeconds"),
        "strategy",
        "ready_within",
        why="it is the time until all new instances are healthy; then the version is taken back",
    )
    if (aborts := truth(ledger, spec.get("progressDeadlineAbort"))) is not None:
        field = spec.get("progressDeadlineAbort")
        if aborts:
            ledger.met(field, "a version that is not ready in time is always taken back")
        else:
            ledger.lost(field, "a version that is not ready in time is always taken back", "nothing")


def _blue_green(ledger: Ledger, draft: Draft, analyses: Analyses, blue_green: Field) -> None:
    must_be_mapping(ledger, blue_green)
    draft.put("strategy", "method", value="blue-green")
    _keep_warm(ledger, draft, blue_green)
    ledger.met(blue_green.get("activeService"), "users come in at router.listen")
    if (preview := blue_green.get("previewService")) is not None:
        named = draft.named("environment", "router", "preview")
        ledger.translated(preview, named, "it is an address of the router, not a Service")
    automatic = blue_green.get("autoPromotionEnabled")
    match truth(ledger, automatic):
        case True:
            ledger.met(automatic, "once the new side is proven everybody is switched, without a person")
        case False:
            ledger.lost(automatic, "nobody is waited for before the switch", _PERSON)
    analyses.before(blue_green.get("prePromotionAnalysis"))
    after = blue_green.get("postPromotionAnalysis")
    if after is not None:
        length = analyses.of(after)
        draft.put("strategy", "bake", value=shown(length or timedelta(minutes=5)))
        draft.note("strategy", "bake", note="the new side must stay under the error limit for so long")


def _canary(ledger: Ledger, draft: Draft, analyses: Analyses, canary: Field) -> None:
    must_be_mapping(ledger, canary)
    steps = canary.get("steps")
    must_be_list(ledger, steps)
    if steps is not None and steps.items():
        draft.put("strategy", "method", value="canary")
        _steps(ledger, draft, analyses, canary, steps)
    else:
        draft.put(
            "strategy", "method", value="rolling", note="no steps: instances were replaced batch by batch"
        )
        _surge(ledger, draft, canary)
    _keep_warm(ledger, draft, canary)
    background = canary.get("analysis")
    if background is not None:
        analyses.of(background)
        ledger.met(background.get("startingStep"), "the judge watches from the first share on")


def _surge(ledger: Ledger, draft: Draft, canary: Field) -> None:
    surge = canary.get("maxSurge")
    if surge is None or surge.text is None:
        return
    if surge.text.endswith("%"):
        part = number(ledger, surge) or 0.0
        count = -int(-(draft.get("environment", "instances") or 1) * part // 100)
    else:
        count = whole(ledger, surge, 0, 1000) or 0
    if count < 1:
        draft.put("strategy", "surge", value=False)
        ledger.translated(surge, "strategy.surge")
    else:
        ledger.translated(surge, draft.put("strategy", "batch", value=count))


def _keep_warm(ledger: Ledger, draft: Draft, strategy: Field) -> None:
    delay = strategy.get("scaleDownDelaySeconds")
    if delay is not None and (length := duration(ledger, delay)) is not None:
        ledger.translated(delay, draft.put("strategy", "keep_warm", value=shown(length)))


def _steps(ledger: Ledger, draft: Draft, analyses: Analyses, canary: Field, steps: Field) -> None:
    most = number(ledger, canary.get("trafficRouting", "maxTrafficWeight")) or 100.0
    ledger.met(canary.get("trafficRouting", "maxTrafficWeight"), "weights are written as parts of it")
    shares: list[float] = []
    pauses: list[tuple[Field, timedelta]] = []
    for step in steps.items():
        must_be_mapping(ledger, step)
        if (weight := step.get("setWeight")) is not None:
            _weight(ledger, draft, shares, weight, most)
        elif (pause := step.get("pause")) is not None:
            _pause(ledger, pauses, pause, shares=bool(shares))
        elif (analysis := step.get("analysis")) is not None:
            analyses.of(analysis)
        elif (route := step.get("setHeaderRoute")) is not None:
            _header(ledger, draft, route)
    if shares:
        draft.put("strategy", "steps", value=[share(one) for one in shares])
    _hold(ledger, draft, pauses)


def _weight(ledger: Ledger, draft: Draft, shares: list[float], weight: Field, most: float) -> None:
    found = number(ledger, weight)
    if found is None:
        return
    if not 0 <= found <= most:
        ledger.refuse(weight, "range", f"`{weight.shown}` is not a weight from 0 to {most:g}")
        return
    part = round(found / most, 6)
    if part >= 1.0:
        ledger.met(weight, "after the last share everybody follows by itself")
    elif part <= 0.0:
        ledger.met(weight, "the new version is proven on its preview address before the first share")
    elif any(later <= earlier for earlier, later in pairwise([*shares, part])):
        ledger.lost(weight, "shares grow from step to step", "leave the step out, or write another share")
    else:
        shares.append(part)
        ledger.translated(weight, f"strategy.steps[{len(shares) - 1}]")


def _pause(ledger: Ledger, pauses: list[tuple[Field, timedelta]], pause: Field, *, shares: bool) -> None:
    length = pause.get("duration")
    if length is None:
        ledger.lost(pause, "no step waits for a person", _PERSON)
    elif (found := duration(ledger, length)) is not None:
        if shares:
            pauses.append((length, found))
        else:
            ledger.lost(length, "nobody sees the new version yet: there is nothing to wait for", "nothing")


def _hold(ledger: Ledger, draft: Draft, pauses: list[tuple[Field, timedelta]]) -> None:
    if not pauses:
        return
    longest = max(length for _, length in pauses)
    note = "at each share, at least; the judge must also let it go on"
    named = draft.put("strategy", "hold", value=shown(longest), note=note)
    for field, length in pauses:
        ledger.translated(field, named, f"{_ONE_HOLD}: the longest" if length != longest else None)


def _header(ledger: Ledger, draft: Draft, route: Field) -> None:
    """Requests with a header see the new version: only an exact value can be a pilot's."""
    matches = route.get("match")
    for one in matches.items() if matches else []:
        name, exact = one.get("headerName"), one.get("headerValue", "exact")
        if name is not None and exact is not None and name.text and exact.text and not exact.secret:
            pilots = [*(draft.get("strategy", "pilots") or []), {"header": name.text, "value": exact.text}]
            named = draft.put("strategy", "pilots", value=pilots)
            for field in (name, exact):
                ledger.translated(field, named, "from the first share on")
    ledger.met(route.get("name"), "a name of the route in the cluster")


_MESH = "Pilotage routes with its own Envoy; this version drives no mesh and no ingress of a cluster"
_THROUGH = "let users in at router.listen, or put your own load balancer before it"
_C, _B = f"{_STRATEGY}.canary", f"{_STRATEGY}.blueGreen"

RULES: tuple[Rule, ...] = (
    *OBJECT,
    *pods.rules("spec.template"),
    met("spec.selector", "the router knows its own instances"),
    lost(
        "spec.workloadRef",
        pods.CLUSTER,
        "give the file of the Deployment as well: how it runs is taken from it",
    ),
    met("spec.workloadRef.kind", "the kind of what is named beside it"),
    met("spec.workloadRef.apiVersion", "the format of what is named beside it"),
    lost("spec.minReadySeconds", "an instance is ready with its first good answer", "strategy.hold gives time"),
    met("spec.revisionHistoryLimit", "what a way back needs is kept"),
    met("spec.analysis", "the whole history is kept"),
    lost("spec.paused", "a file does not pause a rollout", "`pilotage pause`"),
    lost("spec.restartAt", "a file does not restart instances", "`pilotage release` the same version again"),
    lost("spec.rollbackWindow", "every way back is at once, without steps", "nothing"),
    lost("spec.strategy", "this import does not know the strategy", "docs/methods.md says which there are"),
    lost(f"{_C}.trafficRouting", _MESH, _THROUGH),
    met(f"{_C}.canaryService", "the router tells versions apart by itself"),
    met(f"{_C}.stableService", "the router tells versions apart by itself"),
    lost(f"{_C}.maxSurge", "both versions run in full while the new one is judged", "have room for both"),
    met(f"{_C}.maxUnavailable", "the old instances all stay until the new ones serve"),
    lost(f"{_C}.minPodsPerReplicaSet", "both versions run in full while the new one is judged", "nothing"),
    lost(f"{_C}.dynamicStableScale", "both versions run in full while the new one is judged", "nothing"),
    lost(f"{_C}.abortScaleDownDelaySeconds", "a version that is taken back is stopped at once", "nothing"),
    lost(f"{_C}.scaleDownDelayRevisionLimit", "one old version is kept warm", "nothing"),
    lost(f"{_C}.antiAffinity", pods.CLUSTER, "nothing"),
    lost(f"{_C}.canaryMetadata", "instances have no labels", "the router and telemetry know the version"),
    lost(f"{_C}.stableMetadata", "instances have no labels", "the router and telemetry know the version"),
    lost(f"{_C}.pingPong", "the router switches endpoints, not services", "nothing"),
    lost(f"{_C}.steps[]", "there is no such step", "docs/methods.md says what a plan can hold"),
    lost(f"{_C}.steps[].setCanaryScale", "both versions run in full while the new one is judged", "nothing"),
    lost(
        f"{_C}.steps[].setHeaderRoute", "pilots are told by one header with an exact value", "strategy.pilots"
    ),
    lost(
        f"{_C}.steps[].setMirrorRoute",
        "requests are not sent to two versions",
        "checks, on the preview address",
    ),
    lost(
        f"{_C}.steps[].experiment", "the judge always compares the new version with the old", "judge.measures"
    ),
    lost(f"{_C}.steps[].plugin", "a plan runs nobody's code", "a source of telemetry can be a command"),
    lost(f"{_B}.autoPromotionSeconds", "nothing waits before the switch", "strategy.bake waits after it"),
    lost(f"{_B}.previewReplicaCount", "the new side runs in full before the switch", "nothing"),
    lost(f"{_B}.scaleDownDelayRevisionLimit", "one old version is kept warm", "nothing"),
    lost(f"{_B}.abortScaleDownDelaySeconds", "a side that is taken back is stopped at once", "nothing"),
    lost(f"{_B}.maxUnavailable", "the new side runs in full before the switch", "nothing"),
    lost(f"{_B}.antiAffinity", pods.CLUSTER, "nothing"),
    lost(f"{_B}.activeMetadata", "instances have no labels", "nothing"),
    lost(f"{_B}.previewMetadata", "instances have no labels", "nothing"),
)
