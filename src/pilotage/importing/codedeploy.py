"""AWS CodeDeploy: an appspec, a deployment configuration (or the name of a predefined one), a deployment group.

Fields after the AWS CodeDeploy User Guide ("AppSpec file structure", "Working with deployment configurations")
and the answers of `aws deploy get-deployment-config` and `get-deployment-group`. Keys are read in any case: AWS
writes them in two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from pilotage.importing.draft import Draft, plain_name, share
from pilotage.importing.fields import Field
from pilotage.importing.ledger import Ledger, Rule, lost, met
from pilotage.importing.reading import must_be_list, must_be_mapping, number, shown, whole

PREFIX = "CodeDeployDefault."
_SHIFTED = re.compile(r"(?:ECS|Lambda)(Canary|Linear)(\d+)Percent(?:Every)?(\d+)Minutes?")
_CANARIES = {"ECS": (5, 15), "Lambda": (5, 10, 15, 30)}
_LINEARS = {"ECS": (1, 3), "Lambda": (1, 2, 3, 10)}


@dataclass(frozen=True, slots=True)
class Shifting:
    """How traffic goes over: ``kind`` as CodeDeploy says it, parts in percent, minutes between them."""

    kind: str
    percent: float = 0.0
    minutes: float = 0.0


def predefined() -> dict[str, Shifting]:
    """Every configuration that AWS gives under a name of its own."""
    known = {f"{PREFIX}{name}": Shifting("AllAtOnce") for name in ("ECSAllAtOnce", "LambdaAllAtOnce")}
    for platform, lengths in _CANARIES.items():
        for minutes in lengths:
            name = f"{PREFIX}{platform}Canary10Percent{minutes}Minutes"
            known[name] = Shifting("TimeBasedCanary", 10, minutes)
    for platform, lengths in _LINEARS.items():
        for minutes in lengths:
            plural = "s" if platform == "ECS" or minutes > 1 else ""
            name = f"{PREFIX}{platform}Linear10PercentEvery{minutes}Minute{plural}"
            known[name] = Shifting("TimeBasedLinear", 10, minutes)
    for name in ("OneAtATime", "HalfAtATime", "AllAtOnce"):
        known[f"{PREFIX}{name}"] = Shifting(name)
    return known


def translate(ledger: Ledger, draft: Draft, objects: list[Field]) -> None:
    draft.put("service", value="service")
    for one in objects:
        if one.text is not None:
            _named(ledger, draft, one)
        elif (configuration := one.get("deploymentConfigInfo")) is not None:
            _configuration(ledger, draft, configuration)
        elif (group := one.get("deploymentGroupInfo")) is not None:
            _group(ledger, draft, group, alone=len(objects) == 1 or not _configured(objects))
        else:
            _appspec(ledger, draft, one)
    if draft.get("strategy", "method") is None:
        what = "no deployment configuration was given; CodeDeploy then takes one at a time, or all at once"
        draft.fill(ledger, "strategy", "method", value="canary", what=what)
    if draft.get("service") == "service":
        draft.fill(ledger, "service", value="service", what="the name of the service")


def _configured(objects: list[Field]) -> bool:
    return any(one.text is not None or one.get("deploymentConfigInfo") is not None for one in objects)


def _named(ledger: Ledger, draft: Draft, field: Field) -> None:
    found = predefined().get(field.text or "")
    if found is None:
        what = f"`{field.shown}` is no predefined deployment configuration"
        mend = "for one of your own, give the answer of `aws deploy get-deployment-config` as a file"
        ledger.refuse(field, "unknown-configuration", what, mend)
        return
    _shifting(ledger, draft, found, (field,))


def _shifting(ledger: Ledger, draft: Draft, shifting: Shifting, fields: tuple[Field, ...]) -> None:
    why = None
    match shifting.kind:
        case "TimeBasedCanary" | "TimeBasedLinear":
            named = _parts(draft, shifting)
            why = "the judge must also let each share go on"
        case "OneAtATime":
            named = draft.put("strategy", "method", value="rolling")
            draft.put("strategy", "batch", value=1)
        case "HalfAtATime":
            named = draft.put("strategy", "method", value="rolling")
            note = "FILL IN: half of environments.NAME.instances"
            draft.put("strategy", "batch", value=1, note=note)
            ledger.fill["strategy.batch"] = "half of your instances"
        case _:
            named = draft.put("strategy", "method", value="blue-green")
            why = "both sides run in full, and everybody is switched at once"
    for field in fields:
        ledger.translated(field, named, why)


def _parts(draft: Draft, shifting: Shifting) -> str:
    draft.put("strategy", "method", value="canary")
    if shifting.kind == "TimeBasedCanary":
        parts = [shifting.percent]
    else:
        count = int(-(-100 // shifting.percent)) - 1
        parts = [shifting.percent * place for place in range(1, count + 1)]
    named = draft.put("strategy", "steps", value=[share(part / 100) for part in parts])
    draft.put("strategy", "hold", value=shown(timedelta(minutes=shifting.minutes)))
    return f"{named}, strategy.hold"


def _configuration(ledger: Ledger, draft: Draft, info: Field) -> None:
    must_be_mapping(ledger, info)
    routing = info.get("trafficRoutingConfig")
    kind = routing.said("type") if routing else None
    healthy = info.get("minimumHealthyHosts")
    if routing is not None and kind in ("TimeBasedCanary", "TimeBasedLinear"):
        block, prefix = routing.get(kind), "canary" if kind == "TimeBasedCanary" else "linear"
        percent = block.get(f"{prefix}Percentage") if block else None
        interval = block.get(f"{prefix}Interval") if block else None
        part, minutes = whole(ledger, percent, 1, 99), whole(ledger, interval, 0, 2880)
        if percent is not None and interval is not None and part is not None and minutes is not None:
            fields = tuple(one for one in (routing.get("type"), percent, interval) if one is not None)
            _shifting(ledger, draft, Shifting(kind, part, minutes), fields)
    elif routing is not None and kind == "AllAtOnce":
        _shifting(ledger, draft, Shifting(kind), (routing,))
    elif healthy is not None:
        _hosts(ledger, draft, healthy)


def _hosts(ledger: Ledger, draft: Draft, healthy: Field) -> None:
    """So many stay in service: the others are a batch."""
    value = healthy.get("value")
    found = number(ledger, value)
    if value is None or found is None:
        return
    draft.put("strategy", "method", value="rolling")
    named = draft.put("strategy", "batch", value=1, note="FILL IN: how many instances are replaced at a time")
    ledger.fill["strategy.batch"] = "how many instances are replaced at a time"
    ledger.translated(
        value, named, "how many may be missing depends on the number of instances: write strategy.batch"
    )
    ledger.met(healthy.get("type"), "a batch is a number of instances")


def _group(ledger: Ledger, draft: Draft, group: Field, *, alone: bool) -> None:
    must_be_mapping(ledger, group)
    for key in ("applicationName",):
        name = group.get(key)
        if name is not None and name.text:
            ledger.translated(name, draft.put("service", value=plain_name(name.text, "service")))
    name = group.get("deploymentGroupName")
    if name is not None and name.text:
        draft.environment = plain_name(name.text, "production")
        ledger.translated(name, f"environments.{draft.environment}")
    configuration = group.get("deploymentConfigName")
    if configuration is not None:
        if alone and (configuration.text or "").startswith(PREFIX):
            _named(ledger, draft, configuration)
        elif alone:
            why = "what it says is not in this file"
            ledger.lost(configuration, why, "give the answer of `aws deploy get-deployment-config` too")
        else:
            ledger.met(configuration, "the configuration was given too")
    wait = group.get(
        "blueGreenDeploymentConfiguration",
        "terminateBlueInstancesOnDeploymentSuccess",
        "terminationWaitTimeInMinutes",
    )
    minutes = whole(ledger, wait, 0, 2880)
    if wait is not None and minutes is not None:
        ledger.translated(wait, draft.put("strategy", "keep_warm", value=shown(timedelta(minutes=minutes))))


def _appspec(ledger: Ledger, draft: Draft, appspec: Field) -> None:
    resources = appspec.get("resources")
    must_be_list(ledger, resources)
    for resource in resources.items() if resources else []:
        for one in resource.entries():
            _resource(ledger, draft, one)
    if appspec.get("files") is not None or appspec.get("os") is not None:
        _server(ledger, draft, appspec)


def _resource(ledger: Ledger, draft: Draft, resource: Field) -> None:
    properties = resource.get("properties")
    must_be_mapping(ledger, properties)
    if properties is None:
        return
    name = properties.get("name") or properties.get("loadBalancerInfo", "containerName")
    if name is not None and name.text:
        ledger.translated(name, draft.put("service", value=plain_name(name.text, "service")))
    why = "every instance is given a free port as {port}, and in PORT"
    ledger.met(properties.get("loadBalancerInfo", "containerPort"), why)


def _server(ledger: Ledger, draft: Draft, appspec: Field) -> None:
    """EC2: a bundle of files, and scripts around it."""
    started = appspec.get("hooks", "ApplicationStart")
    must_be_list(ledger, started)
    first = started.items()[0].get("location") if started and started.items() else None
    if first is not None and first.text and "<" not in first.text and first.text.isprintable():
        draft.fill(
            ledger,
            "run",
            "command",
            value=["{root}/" + first.text.lstrip("/")],
            what="the program itself in the foreground: a start script leaves it in the background",
        )
        ledger.translated(first, "run.command", "it must stay in the foreground, and listen on {port}")


_ECS = "Pilotage runs instances as processes of this machine; this version has no ECS and no Lambda target"
_RUN = "write artifact and run: what the task or the function holds, as a program"
_HOOK = "nothing is called during a rollout"
_R, _I, _G = "resources[].*.properties", "deploymentConfigInfo", "deploymentGroupInfo"
_BG = f"{_G}.blueGreenDeploymentConfiguration"

RULES: tuple[Rule, ...] = (
    met("version", "the version of the appspec's format"),
    met("os", "this machine's"),
    met("resources[].*.type", "what kind of resource it is"),
    lost(_R, _ECS, _RUN),
    lost(f"{_R}.taskDefinition", _ECS, _RUN),
    met(f"{_R}.currentVersion", "what serves now is known by what runs"),
    met(f"{_R}.targetVersion", "the version is named when it is released: `pilotage release VERSION`"),
    lost(
        "files[].source", "an artifact is a whole folder or archive", "artifact.directory or artifact.archive"
    ),
    lost(
        "files[].destination", "an artifact stays in a folder of its own, never over another", "{root} in run"
    ),
    lost("file_exists_behavior", "an artifact stays in a folder of its own, never over another", "nothing"),
    lost("permissions", "an artifact is as its files are", "set it in the build"),
    lost("hooks", _HOOK, "for tests before any user: `checks`; what prepares, in the build or the command"),
    lost("hooks.ApplicationStop", _HOOK, "an instance is asked to stop by SIGTERM; run.grace is its time"),
    lost("hooks.ValidateService", _HOOK, "write `checks`: requests to the preview address that must succeed"),
    lost("hooks[]", _HOOK, "write `checks`: requests to the preview address that must succeed"),
    met(f"{_I}.deploymentConfigName", "a name of the configuration in AWS"),
    met(f"{_I}.deploymentConfigId", "a name of the configuration in AWS"),
    met(f"{_I}.createTime", "what AWS has recorded; it is no setting"),
    met(f"{_I}.computePlatform", "which kind of deployment it is for"),
    met(f"{_I}.trafficRoutingConfig", "another way of shifting is chosen"),
    lost(f"{_I}.trafficRoutingConfig.type", "this import does not know it", "strategy, docs/methods.md"),
    lost(f"{_I}.minimumHealthyHosts", "the old instances stay until the new ones serve", "strategy.batch"),
    lost(f"{_I}.zonalConfig", "there is one place where instances run", "an environment for each zone"),
    lost(_G, "it is a setting of AWS", "nothing, if it does not bear on how a release goes"),
    met(f"{_G}.deploymentGroupId", "a name of the group in AWS"),
    met(f"{_G}.computePlatform", "which kind of deployment it is for"),
    lost(
        f"{_G}.alarmConfiguration",
        "CloudWatch is no source here",
        "a source `command` can ask it, or judge.slos",
    ),
    lost(f"{_G}.triggerConfigurations", "nobody is told by a rollout itself", "`pilotage watch --json`"),
    met(f"{_G}.autoRollbackConfiguration", "a version that fails or is judged worse is always taken back"),
    lost(f"{_BG}.deploymentReadyOption", "nobody is waited for before the switch", "`pilotage pause`"),
    lost(_BG, "both sides are started by Pilotage itself", "nothing"),
    met(
        f"{_BG}.terminateBlueInstancesOnDeploymentSuccess.action", "the old side ends after strategy.keep_warm"
    ),
    lost(f"{_G}.loadBalancerInfo", "Pilotage routes with its own Envoy", "put your load balancer before it"),
    lost(f"{_G}.ecsServices", _ECS, _RUN),
    lost(f"{_G}.ec2TagFilters", "this version runs instances on this machine", "environments.NAME.instances"),
    lost(f"{_G}.autoScalingGroups", "the number of instances is fixed", "environments.NAME.instances"),
    met(f"{_G}.lastSuccessfulDeployment", "what AWS has recorded; it is no setting"),
    met(f"{_G}.lastAttemptedDeployment", "what AWS has recorded; it is no setting"),
)
