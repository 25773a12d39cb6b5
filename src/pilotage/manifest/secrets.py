"""What looks like a secret. A manifest is read by everybody, kept for ever and quoted in messages."""

from __future__ import annotations

import re

from pilotage.manifest.nodes import Entries, Items, Node, Scalar, scalars

_WORDS = re.compile(
    "password|passwd|passphrase|pwd|secrets?|token|apikey|credentials?|key|privatekey|authorization"
)
_HARMLESS_LAST = re.compile(
    "file|path|dir|directory|folder|ttl|timeout|expiry|lifetime|length|size|name|header|algorithm|url|id|"
    "enabled|required|type|version|count|limit"
)
"""``TOKEN_FILE`` says where the secret is, ``TOKEN_TTL`` says how long it lives."""
_HARMLESS_KEYS = frozenset({"public", "primary", "foreign", "sort", "partition", "cache", "host"})
_SPLIT = re.compile(r"[^a-zA-Z0-9]+|(?<=[a-z0-9])(?=[A-Z])")

_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}"
    r"|\bgithub_pat_[A-Za-z0-9_]{20,}"
    r"|\bglpat-[A-Za-z0-9_-]{16,}"
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|\bsk[-_](?:live|test|ant|proj)?[-_]?[A-Za-z0-9_-]{20,}"
    r"|\bnpm_[A-Za-z0-9]{30,}|\bpypi-[A-Za-z0-9_-]{40,}|\bhvs\.[A-Za-z0-9_-]{20,}"
    r"|\bAIza[A-Za-z0-9_-]{30,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\."
    r"|\b(?:Bearer|Basic) +(?=\S*\d)[A-Za-z0-9+/_.=-]{12,}"
    r"|(?<![a-zA-Z0-9+.-])[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@{}]*:[^\s/@{}]+@"
)
_OPTION = re.compile(r"(?<!\S)--?([A-Za-z][\w-]*)(?:[= ]+)([^\s{-]\S*)")
_NAMED = re.compile(r"""(?<![\w.-])([A-Za-z_][\w.-]*)["']?\s*[:=]\s*""")
_NEXT = re.compile(r"[,}\]#]")
_LOOSE_URL = re.compile(r"(://[^\s/:@]*:)(?!\d{1,5}(?:\D|$))(\S+)")
_REFERENCE = {
    "env": re.compile("[A-Z_][A-Z0-9_]*"),
    "file": re.compile("/.+"),
    "before": re.compile("[A-Za-z]*"),
}
_PLACEHOLDER = re.compile(r"\{[a-z]+\}")


def name_is_secret(name: str) -> bool:
    """``DB_PASSWORD``, ``apiKey``, ``--auth-token``: yes. ``TOKEN_FILE``, ``PUBLIC_KEY``: no."""
    words = [word.lower() for word in _SPLIT.split(name) if word]
    if not words or _HARMLESS_LAST.fullmatch(words[-1]):
        return False
    if words[-1] == "pass":
        return words[0] != "false"  # judge.false_pass
    if "key" in words and _HARMLESS_KEYS & set(words):
        return False
    return any(_WORDS.fullmatch(word) for word in words) or words[-1].endswith(
        ("password", "secret", "token", "apikey")
    )


def value_is_secret(text: str) -> bool:
    """A private key, a well-known kind of token, a URL with a password, an option with one."""
    if _VALUE.search(text):
        return True
    return any(name_is_secret(option) for option, _ in _OPTION.findall(text))


def mark_secrets(node: Node) -> None:
    """Mark every scalar that looks like a secret, by the name it stands under or by itself."""
    match node:
        case Scalar():
            node.secret = node.secret or value_is_secret(node.text)
        case Entries(entries=entries):
            for key, value in entries:
                mark_secrets(key)
                mark_secrets(value)
                if name_is_secret(key.text) and not _is_reference(value):
                    _mark_all(value)
        case Items(items=items):
            for before, item in zip([None, *items], items, strict=False):
                mark_secrets(item)
                if isinstance(before, Scalar) and _is_option(before.text) and isinstance(item, Scalar):
                    item.secret = item.secret or _holds_something(item.text)


def mask(line: str, *, parsed: bool) -> str:
    """Cover what looks like a secret, by itself or by the name before it. The length stays.

    In a file that could not be parsed nobody knows where a value ends: then all that follows a name is covered.
    """
    line = _VALUE.sub(lambda match: "•" * len(match[0]), line)
    if not parsed:
        line = _LOOSE_URL.sub(lambda match: match[1] + "•" * len(match[2]), line)
    for named in list(_NAMED.finditer(line)):
        if name_is_secret(named[1]):
            start = named.end()
            stop = _NEXT.search(line, start) if parsed else None
            end = stop.start() if stop else len(line)
            line = line[:start] + re.sub(r"\S", "•", line[start:end]) + line[end:]
    return line


def _is_reference(value: Node) -> bool:
    """``{env: NAME}`` or ``{file: /path}``, and ``before``: it says where the secret is."""
    if not isinstance(value, Entries):
        return False
    texts = {key.text: entry.text for key, entry in value.entries if isinstance(entry, Scalar)}
    if len(texts) < len(value.entries) or not _REFERENCE.keys() >= texts.keys():
        return False
    named = texts.keys() - {"before"}
    return len(named) == 1 and all(_REFERENCE[key].fullmatch(text) for key, text in texts.items())


def _mark_all(value: Node) -> None:
    """Keys too: an open brace makes a key of what was meant as a value."""
    for scalar in scalars(value, keys=True):
        scalar.secret = scalar.secret or _holds_something(scalar.text)


def _is_option(text: str) -> bool:
    return text.startswith("-") and "=" not in text and name_is_secret(text.lstrip("-"))


def _holds_something(text: str) -> bool:
    """Not empty, a switch or only a placeholder; nor a path, which says where the secret is."""
    bare = _PLACEHOLDER.sub("", text).strip()
    return bool(bare) and bare.lower() not in ("true", "false") and not bare.startswith(("/", "./"))
