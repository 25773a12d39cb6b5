"""A strategy put into the text of a manifest: only its lines change, every other one stays as it was."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path

from pilotage.errors import ExitCode, Place, Problem
from pilotage.manifest.compose import compose
from pilotage.manifest.load import load_text
from pilotage.manifest.model import Manifest, ManifestError
from pilotage.manifest.nodes import Entries, Scalar
from pilotage.manifest.source import Source
from pilotage.strategies.registry import METHODS


def with_strategy(text: str, file: str, method: str, why: str, *, replace: bool = False) -> str:
    """The text with a ``strategy`` block of that method; ``why`` stands in a comment above it.

    ManifestError when there is one already and it may not be replaced, when the manifest is written in braces,
    or when it is not sound before or after.
    """
    before = load_text(text, file)
    if needed := _needed(method):
        raise _refused(
            before, f"{method} needs `{needed[0]}`, which only you know", "write `strategy` yourself"
        )
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    source = Source(text.removeprefix("\ufeff"), file)
    root, _ = compose(source)
    assert isinstance(root, Entries)
    if _in_braces(root, source):
        raise _refused(
            before, "the manifest is written in braces", f"write `strategy: {method}` into it yourself"
        )
    there = root.get("strategy")
    if there is not None and not replace:
        raise _refused(before, "the manifest has a strategy already", "--force replaces it")
    lines = source.text.splitlines(keepends=True)
    key, _ = there or root.get("environments") or root.entries[-1]
    margin = " " * key.span.column
    start = _above(lines, key, margin)
    if there is not None:
        start = _told_before(lines, start, key, f"{margin}# {why.partition(':')[0]}:")
    end = _end(root, key, lines, margin) if there is not None else start
    ending = "\r\n" if "\r\n" in source.text else "\n"
    gap = [] if there is not None else [ending]
    block = [*(f"# {one}" for one in _comment(why)), "strategy:", f"  method: {method}"]
    new = [f"{margin}{line}{ending}" for line in block]
    after = mark + "".join([*lines[:start], *new, *gap, *lines[end:]])
    _same_but_strategy(before, load_text(after, file), method)
    return after


def _needed(method: str) -> list[str]:
    """Settings that a method can not do without."""
    fields = METHODS[method].model_fields if method in METHODS else {}
    return [name for name, field in fields.items() if field.is_required()]


def _in_braces(root: Entries, source: Source) -> bool:
    line = source.lines[root.span.line]
    return line[root.span.column : root.span.column + 1] == "{"


def _comment(why: str) -> list[str]:
    """Nothing in a comment can begin another line of the manifest, or is refused by its reader."""
    rows = (" ".join("".join(sign for sign in row if sign.isprintable()).split()) for row in why.splitlines())
    return [row[:106] for row in rows if row]


def _above(lines: list[str], key: Scalar, margin: str) -> int:
    """The line where the new block begins: above the comments of the key that it is put before."""
    start = key.span.line
    while start > 0 and lines[start - 1].startswith(f"{margin}#"):
        start -= 1
    return start


def _told_before(lines: list[str], above: int, key: Scalar, begins: str) -> int:
    """Where an earlier reason of ours begins, which goes with its strategy; other comments stay."""
    found = (number for number in range(above, key.span.line) if lines[number].startswith(begins))
    return next(found, key.span.line)


def _end(root: Entries, key: Scalar, lines: list[str], margin: str) -> int:
    """The line after the block: what stands before the next key's comments and blank lines."""
    later = [other.span.line for other, _ in root.entries if other.span.line > key.span.line]
    end = min(later, default=len(lines))
    beyond = (f"{margin}#", "...")
    while end > key.span.line + 1 and (not lines[end - 1].strip() or lines[end - 1].startswith(beyond)):
        end -= 1
    return end


def _same_but_strategy(before: Manifest, after: Manifest, method: str) -> None:
    """What is written is what was meant: anything else is a fault of ours, and nothing is written."""
    given = after.document.strategy
    same = after.document.model_copy(update={"strategy": None}) == before.document.model_copy(
        update={"strategy": None}
    )
    if not same or given is None or given.method != method:
        raise AssertionError("the strategy could not be put into the manifest without changing the rest")


def own_strategies(manifest: Manifest) -> list[str]:
    """Environments in which a strategy of their own holds."""
    return [name for name, block in manifest.document.environments.items() if block.strategy is not None]


def _refused(manifest: Manifest, what: str, mend: str) -> ManifestError:
    place = manifest.place("strategy") if manifest.document.strategy else Place(file=manifest.file)
    return ManifestError(
        Problem(code="advice.not-written", what=what, mend=mend, where=place), exit_code=ExitCode.BLOCKED
    )


def keep(text: str, path: Path) -> None:
    """In one step, with the mode that the file has: a reader sees the old manifest or the new one."""
    real = path.resolve()
    beside = real.with_name(f".{real.name}.new")
    try:
        beside.write_bytes(text.encode())
        beside.chmod(real.stat().st_mode & 0o7777)
        beside.replace(real)
    except OSError as error:
        beside.unlink(missing_ok=True)
        problem = Problem(code="advice.unwritable", what=f"{path} can not be written", why=error.strerror)
        raise ManifestError(problem, exit_code=ExitCode.FAILED) from error


def difference(before: str, after: str, name: str) -> list[str]:
    """As a unified diff, without line ends."""
    old, new = before.splitlines(), after.splitlines()
    return list(unified_diff(old, new, f"{name} (before)", f"{name} (after)", lineterm=""))
