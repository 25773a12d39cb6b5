"""Every command by name. A command's module is imported when it is called, or when help needs its words."""

from __future__ import annotations

from cyclopts import App, Group, Parameter

from pilotage import __version__

BEGIN = Group("Begin", sort_key=1)
RELEASE = Group("Release", sort_key=2)
STEER = Group("Steer", sort_key=3)
LOOK = Group("Look", sort_key=4)
OPERATE = Group("Run", sort_key=5)

COMMANDS: tuple[tuple[str, Group, str], ...] = (
    ("init", BEGIN, "pilotage.cli.begin:init"),
    ("import", BEGIN, "pilotage.cli.importing:import_"),
    ("check", BEGIN, "pilotage.cli.begin:check"),
    ("schema", BEGIN, "pilotage.cli.begin:schema"),
    ("advise", BEGIN, "pilotage.cli.advise:advise"),
    ("readiness", RELEASE, "pilotage.cli.readiness:readiness"),
    ("documents", RELEASE, "pilotage.cli.documents:documents"),
    ("tick", RELEASE, "pilotage.cli.readiness:tick"),
    ("plan", RELEASE, "pilotage.cli.release:plan"),
    ("rehearse", RELEASE, "pilotage.cli.rehearse:rehearse"),
    ("evidence", RELEASE, "pilotage.cli.practise:evidence"),
    ("release", RELEASE, "pilotage.cli.release:release"),
    ("rollback", RELEASE, "pilotage.cli.release:rollback"),
    ("watch", RELEASE, "pilotage.cli.release:watch"),
    ("promote", STEER, "pilotage.cli.steer:promote"),
    ("pause", STEER, "pilotage.cli.steer:pause"),
    ("resume", STEER, "pilotage.cli.steer:resume"),
    ("settle", STEER, "pilotage.cli.settle:settle"),
    ("sign-off", STEER, "pilotage.cli.reconciling:sign_off"),
    ("abort", STEER, "pilotage.cli.steer:abort"),
    ("status", LOOK, "pilotage.cli.look:status"),
    ("why", LOOK, "pilotage.cli.look:why"),
    ("history", LOOK, "pilotage.cli.look:history"),
    ("report", LOOK, "pilotage.cli.reconciling:report"),
    ("logs", LOOK, "pilotage.cli.look:logs"),
    ("judge", LOOK, "pilotage.cli.judge:judge"),
    ("doctor", LOOK, "pilotage.cli.look:doctor"),
    ("worker", OPERATE, "pilotage.cli.operate:worker"),
    ("down", OPERATE, "pilotage.cli.operate:down"),
    ("prune", OPERATE, "pilotage.cli.prune:prune"),
    ("backup", OPERATE, "pilotage.cli.backup:backup"),
    ("restore", OPERATE, "pilotage.cli.backup:restore"),
    ("completion", OPERATE, "pilotage.cli.completion:completion"),
)

HELP = """Takes a release safely into production, and proves how it got there.

`pilotage init` begins; `pilotage release VERSION` releases; `pilotage rollback` takes it back.
"""


HELP_FLAGS = ("--help", "-h")


def build(*, whole: bool = False) -> App:
    """``whole``: with every command imported, for help over all of them."""
    app = App(
        name="pilotage",
        help=HELP,
        version=f"pilotage {__version__}",
        version_flags=["--version", "-V"],
        help_format="markdown",
        default_parameter=Parameter(negative=(), show_default=False),
        help_flags=HELP_FLAGS,
        suppress_keyboard_interrupt=False,
        group_commands=Group("Other", sort_key=9),
    )
    for place, (name, group, path) in enumerate(COMMANDS):
        app.command(path, name=name, group=group, sort_key=place)
    if whole:
        for name, _, _ in COMMANDS:
            app[name]  # imports it
    return app
