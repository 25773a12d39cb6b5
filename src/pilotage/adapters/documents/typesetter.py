"""PDF of documents, set by Typst from data: with fonts of its own, and the same bytes for the same document."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pilotage.errors import ExitCode, PilotageError, Problem

if TYPE_CHECKING:
    from pilotage.views.documents.model import Document

_OTHER_SCRIPTS = re.compile("[^\u0000-\u052f\u1e00-\u2bff\u2e00-\u2e7f]")
"""Signs that the fonts inside Typst have not: then the machine's own fonts are looked at too."""


class Typesetter:
    """PilotageError when Typst is not installed."""

    def __init__(self) -> None:
        try:
            import typst
        except ImportError:
            raise PilotageError(_not_installed(), exit_code=ExitCode.USAGE) from None
        self._typst = typst
        self._template = files("pilotage.adapters.documents").joinpath("document.typ").read_bytes()
        self._compilers: dict[bool, Any] = {}

    def pdf(self, document: Document) -> bytes:
        text = document.model_dump_json()
        compiler = self._compiler(system_fonts=_OTHER_SCRIPTS.search(text) is not None)
        try:
            made = compiler.compile(self._template, format="pdf", sys_inputs={"document": text}, timestamp=0)
        except self._typst.TypstError as error:
            what = f"{document.title} can not be set as PDF"
            raise PilotageError(Problem(code="documents.not-set", what=what, why=str(error))) from None
        assert isinstance(made, bytes)
        return made

    def _compiler(self, *, system_fonts: bool) -> Any:
        """One for all documents: it keeps what it has read of fonts."""
        if system_fonts not in self._compilers:
            made = self._typst.Compiler(self._template, ignore_system_fonts=not system_fonts)
            self._compilers[system_fonts] = made
        return self._compilers[system_fonts]


def _not_installed() -> Problem:
    return Problem(
        code="documents.no-typesetter",
        what="PDF needs Typst, which is not installed here",
        mend="pip install 'pilotage[documents]', or leave PDF out: --format md --format html",
    )
