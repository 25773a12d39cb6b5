"""Completion of commands and options in the shell."""

from __future__ import annotations

from typing import Literal

from cyclopts import App

from pilotage.cli.terminal import Terminal

Shell = Literal["bash", "zsh", "fish"]

completion = App(name="completion", help="Completion of commands and options in bash, zsh and fish.")


@completion.command
def bash() -> None:
    """Print the script for bash: `source <(pilotage completion bash)` in your .bashrc."""
    print_script("bash")


@completion.command
def zsh() -> None:
    """Print the script for zsh: `pilotage completion zsh > "${fpath[1]}/_pilotage"`."""
    print_script("zsh")


@completion.command
def fish() -> None:
    """Print the script for fish: `pilotage completion fish | source` in your config.fish."""
    print_script("fish")


@completion.command(name="print")
def print_script(shell: Shell | None = None) -> None:
    """Print the script; your shell's own way of loading completions does the rest.

    Parameters
    ----------
    shell
        For which; the one you are in if not named.
    """
    from pilotage.cli.app import build

    Terminal().write(build().generate_completion(shell=_known(shell)))


@completion.command
def install(shell: Shell | None = None) -> None:
    """Write the script to where your shell finds it, and say where that was.

    Parameters
    ----------
    shell
        For which; the one you are in if not named.
    """
    from pilotage.cli.app import build

    path = build().install_completion(shell=_known(shell))
    Terminal().say(f"Written to {path}; a new shell completes `pilotage`.")


def _known(shell: Shell | None) -> Shell:
    """ShellDetectionError is a usage problem: name the shell."""
    if shell is not None:
        return shell
    from cyclopts.completion import detect_shell
    from cyclopts.completion.detect import ShellDetectionError

    from pilotage.cli.faults import usage

    try:
        found = detect_shell()
    except ShellDetectionError:
        raise usage("which shell?", "name one: `pilotage completion bash` (or zsh, fish)") from None
    if found not in ("bash", "zsh", "fish"):
        raise usage(f"{found} is not supported", "name one of bash, zsh, fish")
    return found
