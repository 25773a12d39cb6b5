"""Run: a worker in the foreground; an environment taken down."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from cyclopts import Parameter

from pilotage.cli import faults
from pilotage.cli.options import EVERY, Common, Environment, Json, Where, Yes
from pilotage.cli.session import opened, who
from pilotage.cli.terminal import Terminal
from pilotage.errors import ExitCode


async def worker(
    *,
    until_idle: Annotated[bool, Parameter(help="End when no rollout is left to work on.")] = False,
    environment: Annotated[
        list[str] | None,
        Parameter(
            name=["--environment", "--in"],
            metavar="ENVIRONMENT",
            help="Only on rollouts of this one, or of `service/environment`; may be given several times.",
        ),
    ] = None,
    drift: Annotated[
        Literal["mend", "report"],
        Parameter(help="What is done about an environment at rest that is not as recorded any more."),
    ] = "mend",
    look_every: Annotated[
        int, Parameter(metavar="SECONDS", help="The pace at which environments at rest are looked at.")
    ] = 60,
    common: Common = EVERY,
) -> None:
    """Work on rollouts in the foreground.

    Not needed on one machine: a worker starts by itself in the background, and ends when nothing is left. With
    PostgreSQL it is a service on each machine that reaches an environment, and is told which. It
    also watches over environments at rest.
    """
    from pilotage.engine.resting import Drift, Watching

    watching = Watching(Drift(drift), timedelta(seconds=max(1, look_every)))
    async with opened(common) as app:
        await app.run_worker(until_idle=until_idle, environments=environment, watching=watching)


async def down(
    environment: Where = None,
    /,
    *,
    to: Environment = None,
    yes: Yes = False,
    json: Json = False,
    common: Common = EVERY,
) -> int:
    """Stop everything of an environment: nobody is served then.

    All instances and the proxy; the record stays. Without a terminal it needs --yes.
    """
    terminal = Terminal(plain=common.no_color)
    async with opened(common) as app:
        known = await app.known(faults.one_of(environment, to))
        where = f"{known.service} in {known.name}"
        if not yes and not terminal.interactive:
            raise faults.usage(f"this stops {where}, and nobody is here to ask", "--yes does it without asking")
        question = f"Stop {where}: all instances and the proxy? Nobody is served then."
        if not yes and not terminal.ask(question):
            terminal.say("Nothing was stopped.")
            return ExitCode.DONE
        stopped = await app.down(known.name, by=who())
    if json:
        terminal.json({"stopped": stopped})
    elif stopped:
        terminal.say("\n".join(f"Stopped {one}" for one in stopped))
    else:
        terminal.say("Nothing was running.")
    return ExitCode.DONE
