"""What objects of Kubernetes have in common, whichever tool they are for."""

from __future__ import annotations

from pilotage.importing import pods
from pilotage.importing.draft import Draft, plain_name
from pilotage.importing.fields import Field
from pilotage.importing.ledger import Ledger, Rule, lost, met
from pilotage.importing.reading import whole

OBJECT: tuple[Rule, ...] = (
    met("apiVersion", "the format of the object"),
    met("kind", "what the object is"),
    met("metadata", "what the cluster keeps about the object; it has no bearing on a release"),
    lost("metadata.annotations", "there are no annotations", "see whether a tool of yours reads it"),
    lost("metadata.labels", "there are no labels", "see whether a tool of yours reads it"),
    met("status", "what the cluster has seen; it is no setting"),
)

_OTHER = "it is no part of how a release goes"
_OTHER_INSTEAD = "keep it where it is; Pilotage neither writes nor needs it"

FOREIGN: tuple[Rule, ...] = (
    *OBJECT,
    *(lost(path, _OTHER, _OTHER_INSTEAD) for path in ("spec", "data", "rules", "subsets", "type", "webhooks")),
    met("data", "the values of a ConfigMap are not copied: name the file, or write run.environment"),
    lost("stringData", "secrets are never copied", "let the service read them from a file"),
)
"""Of kinds that have nothing to do with a release."""

WORKLOAD: tuple[Rule, ...] = (
    *OBJECT,
    *pods.rules("spec.template"),
    met("spec.selector", "the router knows its own instances"),
    met("spec.revisionHistoryLimit", "what a way back needs is kept"),
    lost("spec.strategy", "how versions change is said by the release's own object", "strategy"),
    lost("spec.minReadySeconds", "an instance is ready with its first good answer", "strategy.hold gives time"),
    lost(
        "spec.progressDeadlineSeconds", "it is the release's own object that says it", "strategy.ready_within"
    ),
)
"""Of a Deployment whose pods are what is released."""

ListOf = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")


def environment_of(ledger: Ledger, draft: Draft, thing: Field) -> None:
    """An environment is called like the namespace; the namespace `default` says nothing."""
    namespace = thing.get("metadata", "namespace")
    if namespace is None or not namespace.text:
        return
    name = plain_name(namespace.text, "production")
    if name == "default":
        ledger.met(namespace, "`default` names nothing: the environment is called production")
    else:
        draft.environment = name
        ledger.translated(namespace, f"environments.{name}")


def instances(ledger: Ledger, draft: Draft, replicas: Field | None) -> None:
    count = whole(ledger, replicas, 0, 1000)
    if replicas is None or count is None:
        return
    if count == 0:
        ledger.lost(replicas, "a version has one instance at least", "write instances")
    else:
        ledger.translated(replicas, draft.put("environment", "instances", value=count))


def workload(ledger: Ledger, draft: Draft, objects: list[Field], reference: Field | None) -> None:
    """The Deployment that a reference names, when its file was given too: how it runs is taken from it."""
    named = reference.get("name") if reference else None
    if reference is None or named is None:
        return
    for one in objects:
        if one.said("kind") in ListOf and one.said("metadata", "name") == named.text:
            ledger.met(named, "its pods are taken from the object of that name")
            ledger.met(one.get("metadata", "name"), "the release's own object is named as service")
            replicas = one.get("spec", "replicas")
            if draft.get("environment", "instances") is None:
                instances(ledger, draft, replicas)
            else:
                ledger.met(replicas, "the release's own object says how many")
            pods.pod(ledger, draft, one.get("spec", "template"))
            ledger.settle([one], WORKLOAD)
