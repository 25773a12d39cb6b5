"""Kamal: `config/deploy.yml`.

Fields after the project's own reference, `lib/kamal/configuration/docs/*.yml`.
"""

from __future__ import annotations

import re

from pilotage.importing import pods
from pilotage.importing.draft import Draft, plain_name
from pilotage.importing.fields import Field
from pilotage.importing.ledger import Ledger, Rule, lost, met
from pilotage.importing.reading import is_computed, must_be_mapping, whole
from pilotage.manifest.nodes import Scalar

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?::[A-Za-z_][A-Za-z0-9_]*)?")
_SSH = "this version of Pilotage runs instances as processes of this machine; it reaches no servers by SSH"
_SSH_INSTEAD = "run Pilotage on each of them, or one environment with so many instances on one"


def translate(ledger: Ledger, draft: Draft, config: Field) -> None:
    name = config.get("service")
    draft.put("service", value=plain_name((name.text if name else None) or "", "service"))
    if name is not None and name.text:
        ledger.translated(name, "service")
    role = _servers(ledger, draft, config)
    _strategy(ledger, draft, config)
    env = config.get("env")
    _env(ledger, draft, env)
    if role is not None:
        _env(ledger, draft, role.get("env"))
        pods.command(ledger, draft, role.get("cmd"), port=_port(config, role))
    for proxy in (config.get("proxy"), role.get("proxy") if role else None):
        _proxy(ledger, draft, proxy)
    old = config.get("healthcheck")
    if old is not None:
        _health(ledger, draft, old)
    why = "until an instance gives its first good answer"
    pods.timing(ledger, draft, config.get("deploy_timeout"), "run", "health", "within", why=why)
    pods.timing(ledger, draft, config.get("drain_timeout"), "strategy", "drain")


def _servers(ledger: Ledger, draft: Draft, config: Field) -> Field | None:
    """The role that serves requests, if it has settings of its own; its hosts are counted."""
    servers = config.get("servers")
    if servers is None:
        return None
    primary = config.said("primary_role") or "web"
    role = servers.get(primary) if servers.entries() else servers
    ledger.met(config.get("primary_role"), "the role that serves requests is the service")
    if role is None:
        return None
    hosts = role.get("hosts") or role
    count = len(hosts.items())
    if count:
        note = f"Kamal had {count} {'servers' if count > 1 else 'server'}; these run on this machine"
        draft.put("environment", "instances", value=min(count, 1000), note=note)
    for host in hosts.items():
        ledger.lost(host, _SSH, _SSH_INSTEAD)
    return role


def _strategy(ledger: Ledger, draft: Draft, config: Field) -> None:
    boot = config.get("boot")
    must_be_mapping(ledger, boot)
    if boot is None:
        note = "as Kamal does it: the new containers first, then everybody is switched"
        draft.put("strategy", "method", value="blue-green", note=note)
        return
    draft.put("strategy", "method", value="rolling")
    limit = boot.get("limit")
    if limit is not None and limit.text and limit.text.endswith("%"):
        part = whole(ledger, limit, 1, 100) or 100
        count = max(1, (draft.get("environment", "instances") or 1) * part // 100)
        ledger.translated(limit, draft.put("strategy", "batch", value=count), "as a number of instances")
    elif limit is not None and (found := whole(ledger, limit, 1, 1000)) is not None:
        ledger.translated(limit, draft.put("strategy", "batch", value=found))
    pods.timing(ledger, draft, boot.get("wait"), "strategy", "hold")


def _env(ledger: Ledger, draft: Draft, env: Field | None) -> None:
    """Either variables, or `clear` and `secret`; secrets are names, and never copied."""
    if env is None:
        return
    must_be_mapping(ledger, env)
    apart = env.get("clear") is not None or env.get("secret") is not None or env.get("tags") is not None
    clear = env.get("clear") if apart else env
    for one in clear.entries() if clear else []:
        if one.entries() or one.items():
            ledger.lost(one, "a variable is a text", "write it in run.environment")
        else:
            pods.variable(ledger, draft, str(one.path[-1]), one)
    secret = env.get("secret") if apart else None
    for one in secret.items() if secret else []:
        if isinstance(one.value, Scalar) and _VARIABLE.fullmatch(one.value.text):
            one.value.secret = False  # the name of a secret, not the secret
        name = one.shown.partition(":")[0]
        why = "it is the name of a secret: nothing of it is in the file, and nothing is copied"
        ledger.lost(one, why, f"let the service read it from a file, and name that: {name[:40]}_FILE")


def _proxy(ledger: Ledger, draft: Draft, proxy: Field | None) -> None:
    if proxy is None or not proxy.entries():
        return
    ledger.met(proxy.get("app_port"), "every instance is given a free port as {port}, and in PORT")
    check = proxy.get("healthcheck")
    must_be_mapping(ledger, check)
    if check is not None:
        _health(ledger, draft, check)
    why = "of the whole request"
    response = proxy.get("response_timeout")
    pods.timing(ledger, draft, response, "environment", "router", "timeouts", "request", why=why)


def _health(ledger: Ledger, draft: Draft, check: Field) -> None:
    path = check.get("path")
    if path is not None and re.fullmatch(r"/[!-~]*", path.text or ""):
        ledger.translated(path, draft.put("run", "health", "path", value=path.text))
    pods.timing(ledger, draft, check.get("interval"), "run", "health", "interval")
    pods.timing(ledger, draft, check.get("timeout"), "run", "health", "timeout")
    ledger.met(check.get("port"), "the health check asks the instance's own {port}")


def _port(config: Field, role: Field) -> str | None:
    for one in (role, config):
        found = one.said("proxy", "app_port")
        if found and not is_computed(found):
            return found
    return None


_TLS = "the router speaks HTTP; it ends no TLS"
_DOCKER = "an instance is a process, not a container"
_ROLE = "a role beside the one that serves requests is not released with it"
_ROLE_INSTEAD = "a manifest of its own, if it serves requests; else keep Kamal for it"
_CLIENT = "it is a setting of Kamal's own commands"


def _proxy_rules(proxy: str) -> tuple[Rule, ...]:
    return (
        lost(proxy, "the router has no such setting", "docs/routers/envoy.md says what it has"),
        lost(f"{proxy}.host", "the router serves every host name", "put a proxy that knows names before it"),
        lost(f"{proxy}.hosts", "the router serves every host name", "put a proxy that knows names before it"),
        lost(f"{proxy}.ssl", _TLS, "put a proxy with your certificate before it"),
        lost(f"{proxy}.ssl_redirect", _TLS, "put a proxy with your certificate before it"),
        lost(f"{proxy}.certificate_pem", _TLS, "put a proxy with your certificate before it"),
        lost(f"{proxy}.private_key_pem", _TLS, "put a proxy with your certificate before it"),
        lost(f"{proxy}.healthcheck", "a health check asks a path with GET", "run.health"),
        lost(f"{proxy}.buffering", "requests are passed on as they come", "limit them in the service"),
        lost(f"{proxy}.logging", "requests are counted, not logged", "log them in the service"),
        lost(f"{proxy}.forward_headers", "headers are passed on as they come", "nothing"),
    )


RULES: tuple[Rule, ...] = (
    *_proxy_rules("proxy"),
    *_proxy_rules("servers.*.proxy"),
    lost("image", pods.IMAGE, "write what the image was built from into artifact"),
    lost("labels", _DOCKER, "nothing"),
    lost("volumes", _DOCKER, "name the folders in run.environment or the command"),
    lost("registry", "no registry is asked; what is in it that is secret is not copied", "artifact"),
    lost("builder", "Pilotage builds nothing", "build before `pilotage release`"),
    lost(
        "accessories", "what a service needs is not started with it", "keep Kamal for them, or run them apart"
    ),
    lost("servers", _ROLE, _ROLE_INSTEAD),
    lost("servers.*.cmd", _ROLE, _ROLE_INSTEAD),
    lost("servers.*.options", _DOCKER, "set limits where Pilotage runs"),
    lost("env.tags", "all instances of an environment have the same variables", "an environment for each"),
    lost("env", "a manifest holds texts only", "run.environment"),
    lost("asset_path", "each version serves its own files", "keep files of old versions where both find them"),
    lost("error_pages_path", "the router answers with plain pages of its own", "nothing"),
    lost("boot", "there is no such setting", "strategy: rolling, docs/methods.md"),
    lost("rollout", "shares go up by steps, when the judge lets them", "strategy: canary with steps"),
    lost("healthcheck", "a health check asks a path with GET", "run.health"),
    lost("traefik", "Pilotage routes with its own Envoy", "docs/routers/envoy.md"),
    lost("readiness_delay", "an instance is ready with its first good answer", "run.health"),
    lost("stop_wait_time", "an instance has its own time to stop", "run.grace"),
    lost("deploy_timeout", "nothing is no time", "run.health.within"),
    lost("drain_timeout", "nothing is no time", "strategy.drain"),
    lost("logging", _DOCKER, "`pilotage logs` shows what instances write"),
    lost("hooks_path", "nothing is called during a rollout", "for tests before any user: `checks`"),
    lost("ssh", _SSH, _SSH_INSTEAD),
    lost("sshkit", _SSH, _SSH_INSTEAD),
    lost("output", _CLIENT, "`pilotage watch --json`"),
    met("hooks_output", _CLIENT),
    met("secrets_path", "secrets are not read"),
    met("require_destination", _CLIENT),
    met("allow_empty_roles", _CLIENT),
    met("minimum_version", _CLIENT),
    met("run_directory", _CLIENT),
    met("aliases", _CLIENT),
    met("retain_containers", "what a way back needs is kept"),
)


def rules(config: Field) -> tuple[Rule, ...]:
    """With the extensions (`x-…`), which Kamal itself ignores."""
    why = "Kamal ignores it by itself; where an alias uses it, it is told there"
    extensions = [str(one.path[-1]) for one in config.entries() if str(one.path[-1]).startswith("x-")]
    return (*RULES, *(met(name, why) for name in extensions if "." not in name))
