"""Figures from a JSON document behind a URL. docs/telemetry/http.md"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

import httpx
from pydantic import Field, field_validator, model_validator

from pilotage.adapters.telemetry import placeholders, pointer
from pilotage.adapters.telemetry.document import DOUBLED, MOST_BYTES, parse, too_large
from pilotage.adapters.telemetry.secret import Secret, read_all
from pilotage.adapters.telemetry.settings import problems_with
from pilotage.core import figures
from pilotage.core.judging import Arm
from pilotage.core.notation import DurationText
from pilotage.core.release import Release
from pilotage.core.telemetry import Reading, Watched
from pilotage.core.values import Frozen
from pilotage.errors import Problem
from pilotage.ports import Site, TelemetryError

_ONE = ("{version}", "{release}", "{variant}")
_NOT_THERE = 404


class HttpSettings(Frozen):
    """``figures``: field of an arm → JSON pointer. {service}, {environment}, {version} and {release} may stand
    in the URL and in pointers; with {version} or {release} in the URL each version has a document of its own.
    """

    url: str
    figures: Annotated[dict[str, str], Field(min_length=1)]
    latency_bounds: str | tuple[float, ...] = ()
    """A pointer, or the bounds themselves in seconds, without +Inf."""
    epoch: str | None = None
    """A pointer to something that is another one when the counters have begun anew."""
    headers: dict[str, str | Secret] = Field(default_factory=dict)
    timeout: Annotated[DurationText, Field(gt=timedelta(0), le=timedelta(seconds=4))] = timedelta(seconds=2)
    ca: str | None = None
    """A file of certificates that are trusted beside none other."""

    @field_validator("url")
    @classmethod
    def _plain(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("write it like http://127.0.0.1:9000/figures")
        if "@" in parts.netloc:
            raise ValueError("no user or password in a URL: use a header with a reference to the secret")
        return url

    @model_validator(mode="after")
    def _sound(self) -> HttpSettings:
        for text in (self.url, *self._pointers()):
            wrong = placeholders.misspelt(text, placeholders.OF_ONE)
            if wrong:
                raise ValueError(wrong)
        for text in self._pointers():
            pointer.resolve({}, text) if text == "" else _spelt(text)
        told_apart = any(one in self.url for one in _ONE)
        mixed = [name for name, text in self.figures.items() if not any(one in text for one in _ONE)]
        if mixed and not told_apart:
            raise ValueError(
                f"nothing tells the two versions apart in {', '.join(mixed)}: "
                "put {version} or {release} into the url, or into each pointer"
            )
        return self

    @property
    def a_document_each(self) -> bool:
        return any(one in self.url for one in _ONE)

    def _pointers(self) -> tuple[str, ...]:
        bounds = (self.latency_bounds,) if isinstance(self.latency_bounds, str) else ()
        return (*self.figures.values(), *bounds, *(() if self.epoch is None else (self.epoch,)))


def _spelt(text: str) -> None:
    try:
        pointer.resolve({}, text)
    except pointer.Missing:
        return


@dataclass(frozen=True)
class _Side:
    """One version, and the document that has its figures (None: there is none)."""

    release: Release
    whose: str
    document: Any


class HttpSource:
    """GETs JSON. Redirects are not followed, proxies of the environment are not used."""

    def __init__(self, site: Site) -> None:
        self._settings = HttpSettings.model_validate(dict(site.settings))
        self._client: httpx.AsyncClient | None = None

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> list[Problem]:
        return problems_with(HttpSettings, settings, "http")

    async def read(self, watched: Watched) -> Reading:
        sides = await self._sides(watched)
        notes: list[str] = []
        bounds, epochs = self._bounds(watched, sides, notes), self._epochs(watched, sides)
        arms = {side.whose: self._arm(watched, side, notes) for side in sides}
        if not any(arms.values()):
            notes.append("no figure of any version is where its pointer leads")
        return Reading(
            at=datetime.now(UTC),
            old=arms.get("the old version"),
            new=arms["the new version"],
            epoch=epochs,
            latency_bounds=bounds,
            notes=tuple(dict.fromkeys(notes)),
        )

    async def history(self, watched: Watched, since: datetime, until: datetime) -> tuple[Reading, ...]:
        """A document knows only now."""
        del watched, since, until
        return ()

    async def close(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    async def _sides(self, watched: Watched) -> list[_Side]:
        named = [("the new version", watched.new)]
        if watched.old is not None:
            named.insert(0, ("the old version", watched.old))
        addresses = [
            placeholders.fill(
                self._settings.url, placeholders.of_one(watched, one), lambda text: quote(text, "")
            )
            for _, one in named
        ]
        fetched = await asyncio.gather(*(self._document(address) for address in dict.fromkeys(addresses)))
        documents = dict(zip(dict.fromkeys(addresses), fetched, strict=True))
        if all(document is None for document in documents.values()):
            raise TelemetryError(_status(self._name(), _NOT_THERE))
        return [
            _Side(one, whose, documents[address])
            for (whose, one), address in zip(named, addresses, strict=True)
        ]

    def _arm(self, watched: Watched, side: _Side, notes: list[str]) -> Arm | None:
        raw = {
            name: value
            for name, text in self._settings.figures.items()
            if (value := self._value(watched, side, text, name, notes)) is not None
        }
        return figures.arm(raw, side.whose, notes) if raw else None

    def _value(self, watched: Watched, side: _Side, text: str, name: str, notes: list[str]) -> object | None:
        """What a pointer leads to; None when nothing is there, or it is not clear what."""
        filled = placeholders.fill(text, placeholders.of_one(watched, side.release), pointer.step)
        try:
            value = pointer.resolve(side.document, filled)
        except pointer.Missing:
            return None
        if value is DOUBLED:
            notes.append(f"{name} of {side.whose} is given twice: left out")
            return None
        return value

    def _bounds(self, watched: Watched, sides: list[_Side], notes: list[str]) -> tuple[float, ...]:
        given = self._settings.latency_bounds
        if not isinstance(given, str):
            return given
        found = [self._value(watched, side, given, "latency_bounds", notes) for side in sides]
        told = [figures.bounds(one, notes) for one in found if one is not None]
        if any(one != told[0] for one in told):
            notes.append("latency_bounds are not the same for both versions: left out")
            return ()
        return told[0] if told else ()

    def _epochs(self, watched: Watched, sides: list[_Side]) -> str | None:
        if self._settings.epoch is None:
            return None
        notes: list[str] = []
        told = [self._value(watched, side, self._settings.epoch, "epoch", notes) for side in sides]
        plain = [str(one)[:100] for one in told if isinstance(one, str | int | float)]
        return " ".join(dict.fromkeys(plain)) or None

    async def _document(self, address: str) -> Any:
        """None when the other side says that there is none (404)."""
        secrets = read_all(self._settings.headers)
        plain = {name: value for name, value in self._settings.headers.items() if isinstance(value, str)}
        try:
            async with asyncio.timeout(self._settings.timeout.total_seconds()):
                return await self._get(address, plain | secrets)
        except TimeoutError:
            raise TelemetryError(self._silent()) from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, OSError) as error:
            # The words of a client may hold what was sent; its kind of trouble is enough.
            raise TelemetryError(self._unreachable(type(error).__name__)) from None

    async def _get(self, address: str, headers: Mapping[str, str]) -> Any:
        if self._client is None:
            self._client = httpx.AsyncClient(trust_env=False, verify=self._trusted(), timeout=None)
        sent = {"accept": "application/json", **headers}
        async with self._client.stream("GET", address, headers=sent) as answer:
            if answer.status_code == _NOT_THERE and self._settings.a_document_each:
                return None
            if answer.status_code != 200:
                raise TelemetryError(_status(self._name(), answer.status_code))
            content = bytearray()
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > MOST_BYTES:
                    raise too_large(self._name())
        return parse(bytes(content), self._name())

    def _trusted(self) -> ssl.SSLContext | bool:
        return True if self._settings.ca is None else ssl.create_default_context(cafile=self._settings.ca)

    def _name(self) -> str:
        parts = urlsplit(self._settings.url)
        return f"{parts.scheme}://{parts.netloc}{parts.path}"

    def _silent(self) -> Problem:
        what = f"{self._name()} did not answer within {self._settings.timeout.total_seconds():g} s"
        mend = "see whether it still runs; a longer `timeout` (4s at most) helps if it is only slow"
        return Problem(code="telemetry.silent", what=what, mend=mend)

    def _unreachable(self, why: str) -> Problem:
        what = f"{self._name()} can not be reached"
        return Problem(
            code="telemetry.no-answer", what=what, why=why, mend="see whether it runs and listens there"
        )


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _status(name: str, status: int) -> Problem:
    mend = "write the address that answers with 200 itself" if 300 <= status < 400 else "look at its log"
    hints = {401: "see whether the header for its access is right", 403: "see what may be read there"}
    hints |= {_NOT_THERE: "see whether the address is right"}
    what = f"{name} answered with the status {status}, not 200"
    return Problem(code="telemetry.refused", what=what, mend=hints.get(status, mend))
