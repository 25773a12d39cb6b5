"""Options that several commands have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

EVERYWHERE = Group("Everywhere", sort_key=100)


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """What every command takes."""

    file: Annotated[
        Path | None,
        Parameter(help="The manifest; searched upwards from here if not named.", group=EVERYWHERE),
    ] = None
    state: Annotated[
        str | None,
        Parameter(
            help="The state folder, or postgresql://…; .pilotage beside the manifest if not named.",
            env_var="PILOTAGE_STATE",
            group=EVERYWHERE,
        ),
    ] = None
    no_color: Annotated[
        bool, Parameter(help="No colours; NO_COLOR in the environment does the same.", group=EVERYWHERE)
    ] = False


EVERY = Common()

Json = Annotated[
    bool, Parameter(name="--json", help="For programs: JSON, and nothing else, on standard output.")
]
Yes = Annotated[bool, Parameter(name=["--yes", "-y"], help="Do not ask.")]
Reason = Annotated[str, Parameter(metavar="TEXT", help="Why; kept in the record.")]
Environment = Annotated[
    str | None,
    Parameter(name=["--to", "--in"], metavar="ENVIRONMENT", help="The environment; the only one if not named."),
]
Where = Annotated[str | None, Parameter(name="ENVIRONMENT", help="Which; the only one if not named.")]
Rollout = Annotated[str | None, Parameter(help="Its id; what is under way, or the latest, if not named.")]
Timeout = Annotated[
    str | None,
    Parameter(
        name="--timeout",
        metavar="TIME",
        help="Stop watching after so long (30s, 10m): the rollout itself goes on.",
    ),
]
UntilRetired = Annotated[
    bool, Parameter(help="Watch on until the old version is retired, not only until the new one is promoted.")
]
ReleaseFile = Annotated[
    Path | None,
    Parameter(
        name="--release",
        metavar="FILE",
        help="What people know of the release; release.yaml beside the manifest if not named.",
    ),
]
