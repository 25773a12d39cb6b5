"""Every code that a Problem about a file of another tool may carry: stable, searchable, never reused."""

from __future__ import annotations

CODES: dict[str, str] = {
    "import.alias": "A YAML alias that leads nowhere, into itself, or multiplies beyond measure.",
    "import.character": "A control character, or one that nobody can see.",
    "import.duplicate-key": "A key is given twice in one mapping.",
    "import.empty": "There is nothing in the files.",
    "import.exists": "A file that would be written is there already.",
    "import.kind": "Nothing there says how a release goes, or not of the tool that was named.",
    "import.missing": "There is no such file.",
    "import.nesting": "Nested too deeply.",
    "import.not-text": "A key that is a list or a mapping.",
    "import.not-utf-8": "The file is not UTF-8.",
    "import.range": "Too small or too large.",
    "import.several": "More than one release is described: a manifest is of one.",
    "import.several-tools": "The files are of different tools.",
    "import.syntax": "Neither YAML nor JSON.",
    "import.tab": "Indented with tabs.",
    "import.tag": "A YAML tag.",
    "import.too-large": "The file is larger than 1 MB.",
    "import.type": "A text, number, list or mapping where the tool itself takes another of them.",
    "import.unknown-configuration": "No deployment configuration of CodeDeploy has this name.",
    "import.unreadable": "The file can not be read, or is a folder.",
    "import.unwritable": "A file can not be written.",
}
