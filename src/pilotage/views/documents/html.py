"""A document as one HTML page that needs nothing else: its style and its pictures are in it, and no script."""

from __future__ import annotations

import re
from html import escape
from typing import assert_never

from pilotage.views.documents.markdown import MADE, TONES
from pilotage.views.documents.model import (
    Block,
    Bullets,
    Document,
    Figure,
    Heading,
    Note,
    Paragraph,
    Quote,
    Table,
)
from pilotage.views.ink import clean

_ADDRESS = re.compile(r"""(https?://[^\s<>"'`]*[^\s<>"'`.,;:!?)])""")
STYLE = """
:root { --ink: #1c2733; --quiet: #5b6875; --rule: #d9dee3; --soft: #f4f6f8; --accent: #1f4e85 }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 60rem; padding: 2.5rem 1.5rem 4rem; color: var(--ink); background: #fff;
  font: 16px/1.55 system-ui, "Segoe UI", "Liberation Sans", "DejaVu Sans", sans-serif }
header { border-bottom: 3px solid var(--accent); margin-bottom: 1.5rem; padding-bottom: 1rem }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem }
.about { font-size: 1.1rem; color: var(--quiet); margin: 0 }
.made { font-size: .85rem; color: var(--quiet); margin: .4rem 0 0 }
h2 { font-size: 1.3rem; margin: 2.2rem 0 .6rem; color: var(--accent) }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .4rem }
p { margin: .6rem 0; max-width: 46rem }
ul, ol { padding-left: 1.4rem; max-width: 46rem } li { margin: .2rem 0 }
table { border-collapse: collapse; width: 100%; margin: .8rem 0 1.2rem; font-size: .9rem; line-height: 1.4 }
th { text-align: left; background: var(--soft); border-bottom: 2px solid var(--rule); padding: .45rem .6rem }
td { border-bottom: 1px solid var(--rule); padding: .4rem .6rem; vertical-align: top; overflow-wrap: anywhere }
.facts { width: auto; margin: 0 } .facts th { background: none; border: 0; font-weight: 600;
  padding: .15rem 1.5rem .15rem 0; white-space: nowrap; vertical-align: top; color: var(--quiet) }
.facts td { border: 0; padding: .15rem 0 }
code { font: .88em ui-monospace, "Liberation Mono", "DejaVu Sans Mono", monospace; background: var(--soft);
  padding: .05em .3em; border-radius: 3px; overflow-wrap: anywhere }
figure { margin: 1.2rem 0 } figure svg { max-width: 100%; height: auto; display: block }
figcaption { color: var(--quiet); font-size: .85rem; margin-top: .3rem; max-width: 46rem }
.note { border-left: 4px solid var(--accent); background: var(--soft); padding: .7rem 1rem;
  margin: 1rem 0; max-width: 46rem }
.note strong { display: block } .note ul { margin: .3rem 0 0 }
.warning { border-color: #b8860b; background: #fdf7e3 } .missing { border-color: #a33b2e; background: #fbefed }
blockquote { margin: .8rem 0 1.4rem; padding: .6rem 1rem; border-left: 4px solid var(--rule);
  max-width: 46rem; white-space: pre-line }
.said { font-weight: 600; margin-bottom: 0 }
nav { font-size: .9rem; margin-bottom: 1.5rem } nav a { color: var(--accent) }
.void { color: #a33b2e }
@media print { body { max-width: none; padding: 0; font-size: 10.5pt } h2, h3 { break-after: avoid }
  tr, figure, .note, blockquote { break-inside: avoid } nav { display: none } }
""".strip()


def html(document: Document) -> str:
    facts = "".join(
        f"<tr><th>{_safe(label)}</th><td>{_safe(value)}</td></tr>" for label, value in document.facts
    )
    parts = [
        '<nav><a href="index.html">All documents of this release</a></nav>',
        f"<header>\n<h1>{_safe(document.title)}</h1>",
        f'<p class="about">{_safe(document.about)}</p>\n<p class="made">{_safe(MADE)}</p>\n</header>',
        f'<table class="facts">{facts}</table>',
        *(_block(block) for block in document.blocks),
    ]
    if document.missing:
        items = "".join(f"<li>{_safe(one)}</li>" for one in document.missing)
        parts.append(f'<h2 id="missing">What is missing</h2>\n<ul>{items}</ul>')
    return page(f"{document.title}: {document.about}", "\n".join(parts))


def page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(clean(title))}</title>\n<style>\n{STYLE}\n</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _block(block: Block) -> str:
    match block:
        case Heading():
            return f"<h{block.level}>{_safe(block.text)}</h{block.level}>"
        case Paragraph():
            return f"<p>{_safe(block.text)}</p>"
        case Bullets():
            tag = "ol" if block.numbered else "ul"
            return f"<{tag}>{''.join(f'<li>{_safe(item)}</li>' for item in block.items)}</{tag}>"
        case Table():
            return _table(block)
        case Figure():
            caption = f"<figcaption>{_safe(block.told)}</figcaption>"
            return f'<figure aria-label="{escape(clean(block.told))}">{block.svg}{caption}</figure>'
        case Note():
            items = "".join(f"<li>{_safe(item)}</li>" for item in block.items)
            title = f"{TONES[block.tone]}: {block.title}"
            return f'<div class="note {block.tone}"><strong>{_safe(title)}</strong><ul>{items}</ul></div>'
        case Quote():
            return f'<p class="said">{_safe(block.title)}</p>\n<blockquote>{_safe(block.text)}</blockquote>'
        case _:
            assert_never(block)


def _table(block: Table) -> str:
    total = sum(block.widths) or 1
    columns = "".join(f'<col style="width: {100 * width / total:.1f}%">' for width in block.widths)
    head = "".join(f'<th scope="col">{_safe(cell)}</th>' for cell in block.head)
    rows = "".join(f"<tr>{''.join(f'<td>{_safe(cell)}</td>' for cell in row)}</tr>" for row in block.rows)
    return f"<table><colgroup>{columns}</colgroup><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _safe(text: str) -> str:
    """Escaped; code between backticks."""
    parts = "\n".join(clean(line) for line in text.splitlines()).split("`")
    if len(parts) % 2 == 0:
        return _linked("`".join(parts))
    return "".join(
        f"<code>{escape(part, quote=False)}</code>" if n % 2 else _linked(part) for n, part in enumerate(parts)
    )


def _linked(text: str) -> str:
    """Addresses can be followed."""
    parts = _ADDRESS.split(text)
    return "".join(
        f'<a href="{escape(part)}">{escape(part)}</a>' if n % 2 else escape(part, quote=False)
        for n, part in enumerate(parts)
    )
