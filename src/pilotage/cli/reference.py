"""docs/commands.md, made from the help: ``python -m pilotage.cli.reference > docs/commands.md``."""

from __future__ import annotations

import re
import sys

from pilotage.cli.app import build

HEAD = """<!-- Made from the help by `python -m pilotage.cli.reference`; a test compares the two. -->

# Commands

Every command says what it does with `--help`. What a program may rely on: `--json` puts JSON and nothing else
on standard output (problems and remarks go to standard error), the [exit codes](exit-codes.md) are never
renumbered, and nothing is asked without a terminal.

Every command also takes:

{everywhere}
"""

_EVERYWHERE = re.compile(r"\*\*Everywhere\*\*:\n\n((?:\* .*\n)+)")
_CONTENTS = re.compile(r"## Table of Contents\n\n.*?\n(?=\*\*Begin\*\*)", re.DOTALL)


def commands_page() -> str:
    text = build(whole=True).generate_docs()
    everywhere = _EVERYWHERE.search(text)
    text = _CONTENTS.sub("", _EVERYWHERE.sub("", text))
    body = text.split("\n", 1)[1]
    whole = HEAD.format(everywhere=everywhere[1].strip() if everywhere else "") + body
    return re.sub(r"\n{3,}", "\n\n", whole).strip() + "\n"


if __name__ == "__main__":
    sys.argv = ["pilotage"]
    sys.stdout.write(commands_page())
