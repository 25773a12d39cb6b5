"""What a PromQL query counts: enough of the language to find the counters in it. Pure.

A query that is not understood is no harm: it is told as a loss, with its text.
Source: *Querying Prometheus*, "Basics" and "Operators", for the grammar and the precedence of operators.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)|(?P<window>\[[^\]]*\])"""
    r"""|(?P<number>\d+(?:\.\d*)?(?:e[-+]?\d+)?(?![\w:]))|(?P<name>[A-Za-z_:][\w:]*)"""
    r"""|(?P<sign>=~|!~|!=|==|>=|<=|[-+*/%^(){},=<>@])|(?P<length>\d+[smhdwy]\w*))"""
)
_SUMS = ("sum", "avg", "min", "max", "count", "group")
_INCREMENTS = ("rate", "increase", "irate")
_OPPOSITE = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}
_DEEPEST = 50


class NotUnderstood(ValueError):
    """Why a query can not be taken apart."""


@dataclass(frozen=True, slots=True)
class Matcher:
    label: str
    sign: str
    value: str

    def __str__(self) -> str:
        return f"{self.label}{self.sign}{json.dumps(self.value, ensure_ascii=False)}"


@dataclass(frozen=True, slots=True)
class Selector:
    metric: str
    matchers: tuple[Matcher, ...]
    window: str | None = None

    def __str__(self) -> str:
        return f"{self.metric}{{{', '.join(map(str, self.matchers))}}}" if self.matchers else self.metric


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: tuple[Node, ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True, slots=True)
class Binary:
    sign: str
    left: Node
    right: Node


Node = Selector | Call | Binary | float


@dataclass(frozen=True, slots=True)
class Fraction:
    """``part`` of ``whole``, of the same metric: they differ in one matcher."""

    part: Selector
    whole: Selector
    rest: Selector
    """The whole without the part."""


@dataclass(frozen=True, slots=True)
class Mean:
    """One counter over another."""

    above: Selector
    below: Selector


@dataclass(frozen=True, slots=True)
class Quantile:
    level: float
    bucket: Selector


@dataclass(frozen=True, slots=True)
class Counter:
    counter: Selector


@dataclass(frozen=True, slots=True)
class Level:
    gauge: Selector


Shape = Fraction | Mean | Quantile | Counter | Level


@dataclass(frozen=True, slots=True)
class Counted:
    """``value = offset + scale * shape``."""

    shape: Shape
    offset: float = 0.0
    scale: float = 1.0
    or_nothing: bool = False
    """``or vector(…)``: missing data was taken for a number."""


def counted(query: str) -> Counted:
    """NotUnderstood says why it can not be told."""
    offset, scale, core, filled = _linear(_parsed(query))
    return Counted(_shape(core), offset, scale, filled)


def with_version(selector: Selector) -> Selector:
    """With a matcher that tells the versions apart, if there is none."""
    if any("{version}" in matcher.value for matcher in selector.matchers):
        return replace(selector, window=None)
    return Selector(selector.metric, (*selector.matchers, Matcher("version", "=", "{version}")))


def _shape(node: Node) -> Shape:
    match node:
        case Binary("/", left, right):
            return _ratio(left, right)
        case Call("histogram_quantile", (float() as level, inner)):
            return Quantile(level, _counter(inner))
    found = _maybe_counter(node)
    return Counter(found) if found else Level(_gauge(node))


def _ratio(left: Node, right: Node) -> Shape:
    above, below = _counter(left), _counter(right)
    if above.metric == below.metric and set(below.matchers) < set(above.matchers):
        more = [matcher for matcher in above.matchers if matcher not in below.matchers]
        if len(more) == 1:
            other = Matcher(more[0].label, _OPPOSITE[more[0].sign], more[0].value)
            return Fraction(above, below, Selector(below.metric, (*below.matchers, other)))
    if above == below:
        raise NotUnderstood("both sides of the division are the same")
    return Mean(above, below)


def _counter(node: Node) -> Selector:
    found = _maybe_counter(node)
    if found is None:
        raise NotUnderstood("a side of it is no counter (`rate` or `increase` of a plain selector)")
    return found


def _maybe_counter(node: Node) -> Selector | None:
    match node:
        case Call(name, (inner,)) if name in _SUMS:
            return _maybe_counter(inner)
        case Call(name, (Selector(window=str()) as selector,)) if name in _INCREMENTS:
            return replace(selector, window=None)
    return None


def _gauge(node: Node) -> Selector:
    match node:
        case Selector(window=None):
            return node
        case Call("avg", (inner,)):
            return _gauge(inner)
        case Call(name, _):
            raise NotUnderstood(f"`{name}` of it is neither a counter, a histogram nor a gauge")
    raise NotUnderstood("it is neither a counter, a fraction, a quantile of a histogram nor a gauge")


def _linear(node: Node) -> tuple[float, float, Node, bool]:
    """Numbers around the core: ``100 - a / b * 100`` is 100 - 100 × (a / b)."""
    match node:
        case Binary("or", left, _):
            offset, scale, core, _ = _linear(left)
            return offset, scale, core, True
        case Call("scalar" | "vector" | "round" | "sort", (inner,)):
            return _linear(inner)
        case Binary("*", float() as by, inner) | Binary("*" | "/", inner, float() as by):
            factor = by if node.sign == "*" else 1 / (by or 1.0)
            offset, scale, core, filled = _linear(inner)
            return offset * factor, scale * factor, core, filled
        case Binary("+" | "-" as sign, inner, float() as by):
            offset, scale, core, filled = _linear(inner)
            return offset + (by if sign == "+" else -by), scale, core, filled
        case Binary("+" | "-" as sign, float() as by, inner):
            offset, scale, core, filled = _linear(inner)
            turn = 1 if sign == "+" else -1
            return by + turn * offset, turn * scale, core, filled
        case Binary("/", left, right):
            return _scaled_ratio(left, right)
        case Binary(sign=sign):
            raise NotUnderstood(f"`{sign}` between two queries is not one figure of a version")
    return 0.0, 1.0, node, False


def _scaled_ratio(left: Node, right: Node) -> tuple[float, float, Node, bool]:
    """``100 * a / b`` is read from the left: (100 × a) / b. An offset below the line can not be taken out."""
    above, below = _linear(left), _linear(right)
    if above[0] or below[0] or not below[1]:
        raise NotUnderstood("a number is added within the division")
    return 0.0, above[1] / below[1], Binary("/", above[2], below[2]), above[3] or below[3]


def _parsed(query: str) -> Node:
    parser = _Parser(list(_tokens(query)))
    node = parser.expression(0, 0)
    if parser.at < len(parser.tokens):
        raise NotUnderstood(f"`{parser.tokens[parser.at][1][:20]}` is not expected there")
    return node


def _tokens(query: str) -> Iterator[tuple[str, str]]:
    text = re.sub(r"(?m)^\s*#.*$", "", query).strip()
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotUnderstood(f"`{text[at : at + 20]}` is not expected there")
        yield str(found.lastgroup), found[found.lastgroup or 0]
        at = found.end()


_BINDS = {"or": 1, "and": 2, "unless": 2, **dict.fromkeys(("==", "!=", ">", "<", ">=", "<="), 3)}
_BINDS |= {"+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "^": 6}


@dataclass(slots=True)
class _Parser:
    tokens: list[tuple[str, str]]
    at: int = 0

    def expression(self, least: int, depth: int) -> Node:
        """By precedence climbing; all operators are read from the left."""
        if depth > _DEEPEST:
            raise NotUnderstood("it is nested too deeply")
        left = self._one(depth)
        while (binds := _BINDS.get(self._next().lower(), 0)) > least:
            sign = self._take().lower()
            self._matching()
            left = Binary(sign, left, self.expression(binds, depth + 1))
        return left

    def _one(self, depth: int) -> Node:
        kind, text = self._kind(), self._take()
        if text == "-" and self._kind() == "number":
            return -float(self._take())
        if text == "(":
            inner = self.expression(0, depth + 1)
            self._expect(")")
            return inner
        if kind == "number":
            return float(text)
        if text == "{":
            return self._selector("")
        if kind != "name":
            raise NotUnderstood(f"`{text or 'its end'}` is not expected there")
        return self._named(text, depth)

    def _named(self, name: str, depth: int) -> Node:
        grouped = self._grouping()
        if self._next() != "(":
            if grouped:
                raise NotUnderstood(f"`{name} by` has nothing to sum")
            braces = self._next() == "{" and bool(self._take())
            return self._selector(name, braces=braces)
        self._take()
        arguments = []
        while self._next() != ")":
            arguments.append(self.expression(0, depth + 1))
            if self._next() != ")":
                self._expect(",")
        self._take()
        self._grouping()
        return Call(name.lower(), tuple(arguments))

    def _selector(self, metric: str, *, braces: bool = True) -> Selector:
        matchers = []
        while braces and self._next() != "}":
            label, sign = self._take(), self._take()
            if self._kind() != "text" or sign not in _OPPOSITE:
                raise NotUnderstood('a matcher is not `label="value"`')
            matchers.append(Matcher(label, sign, _unquoted(self._take())))
            if self._next() == ",":
                self._take()
        if braces:
            self._expect("}")
        window = self._take() if self._kind() == "window" else None
        if self._next().lower() in ("offset", "@"):
            raise NotUnderstood("`offset` looks at the past, not at a version")
        return Selector(metric, tuple(matchers), window)

    def _grouping(self) -> bool:
        """``by (…)`` and ``without (…)``: the judge has one figure a version, so they are of no account."""
        return self._skipped("by", "without")

    def _matching(self) -> None:
        while self._skipped("on", "ignoring", "group_left", "group_right", "bool"):
            pass

    def _skipped(self, *names: str) -> bool:
        if self._next().lower() not in names or self._kind() != "name":
            return False
        self._take()
        if self._next() == "(":
            while self._take() not in (")", ""):
                pass
        return True

    def _next(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def _kind(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def _take(self) -> str:
        text = self._next()
        self.at += 1
        return text

    def _expect(self, text: str) -> None:
        if self._take() != text:
            raise NotUnderstood(f"`{text}` is missing")


def _unquoted(text: str) -> str:
    if text[0] == "`":
        return text[1:-1]
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), text[1:-1])
