"""Counts at every place where answers differed. Memory grows with places, to a limit, and never with traffic.

No body, header value or query is kept: a place, a trait, counts, and a few examples of shapes. What is compared
with noise is only what came after a place was first seen: being the first to be seen is no evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from pilotage.comparing import examples
from pilotage.comparing.answers import ELSEWHERE, Answer, Spots
from pilotage.comparing.differing import differing
from pilotage.comparing.durations import Durations
from pilotage.comparing.evidence import Pairs
from pilotage.comparing.places import ANY, Rules, endpoint
from pilotage.core.comparing import CompareSettings, Trait

PLACES = 256
"""Known by themselves; differences anywhere else are one place more."""
ENDPOINTS = 64
EXAMPLES = 3


class Site(NamedTuple):
    """A spot in the answers of one endpoint."""

    endpoint: str
    place: str
    trait: Trait


REST = Site(ANY, *ELSEWHERE)


@dataclass
class Tally:
    """What was seen at one site. ``opened`` is how many answers of its endpoint were compared before."""

    opened: int = 0
    new: int = 0
    noise: int = 0
    only_new: int = 0
    only_noise: int = 0
    examples: list[str] = field(default_factory=list)

    def pairs(self, compared: int) -> Pairs:
        """``compared``: answers of its endpoint."""
        same = compared - self.opened - self.only_new - self.only_noise
        return Pairs(self.only_new, self.only_noise, max(0, same))

    def see(self, *, new: bool, noise: bool, counts: bool) -> None:
        self.new += new
        self.noise += noise
        self.only_new += counts and new and not noise
        self.only_noise += counts and noise and not new


@dataclass
class Counts:
    """Everything that is counted; plain data."""

    copies: int = 0
    compared: int = 0
    different: int = 0
    noisy: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    endpoints: Counter[str] = field(default_factory=Counter)
    quiet: Pairs = field(default_factory=Pairs)
    """Answers that differ anywhere but where the old version was known to differ from itself."""
    tallies: dict[Site, Tally] = field(default_factory=lambda: {REST: Tally()})
    old: Durations = field(default_factory=Durations)
    new: Durations = field(default_factory=Durations)

    def fresh(self, sites: Iterable[Site]) -> set[Site]:
        """Those that are opened now: unknown ones, in their order, as far as there is room."""
        unknown = sorted({site for site in sites if site not in self.tallies})
        return set(unknown[: max(0, PLACES + 1 - len(self.tallies))])

    def compared_at(self, site: Site) -> int:
        return self.compared if site == REST else self.endpoints[site.endpoint]


class Ledger:
    """Compares answers, one request after the other, and counts."""

    def __init__(self, settings: CompareSettings, counts: Counts | None = None) -> None:
        self.settings = settings
        self.counts = counts or Counts()
        self._rules = Rules(settings)

    def copy(self) -> None:
        """A copy of a request came from the router."""
        self.counts.copies += 1

    def leave_out(self, why: str) -> None:
        """It could not be compared, or is not to be: it counts for nothing, and is told."""
        self.counts.left_out[why] += 1

    def compare(self, method: str, target: str, old: Answer, again: Answer | None, new: Answer | None) -> None:
        """The answers to one request: of the old version, of the old version once more, of the new one."""
        counts = self.counts
        place = self._endpoint(endpoint(method, target))
        found, noise = differing(old, new, self._rules), differing(old, again, self._rules)
        fresh = counts.fresh(Site(place, *spot) for spot in found.keys() | noise.keys())
        news = self._sites(place, found, fresh)
        noises = self._sites(place, noise, fresh).keys()
        self._count_quiet(news.keys(), noises)
        counts.compared += 1
        counts.endpoints[place] += 1
        counts.noisy += any(site.trait is not Trait.SLOWER for site in noises)
        for site in sorted(news.keys() | noises):
            self._see(site, news, noises)
        counts.old.add(old.seconds)
        if new is not None:
            counts.new.add(new.seconds)

    def _endpoint(self, name: str) -> str:
        known = self.counts.endpoints
        return name if name in known or len(known) < ENDPOINTS else ANY

    def _sites(self, place: str, spots: Spots, fresh: set[Site]) -> dict[Site, tuple[object, object]]:
        """What the spots are counted under; where there is no room, all under one."""
        found = ((Site(place, *spot), values) for spot, values in spots.items())
        known = self.counts.tallies
        return {site if site in known or site in fresh else REST: values for site, values in found}

    def _count_quiet(self, news: Set[Site], noises: Set[Site]) -> None:
        """By what was known to be noise before this request: else the bet would know its outcome."""
        counts = self.counts
        quiet_new = {site for site in news if self._is_quiet(site)}
        quiet_noise = {site for site in noises if self._is_quiet(site)}
        counts.quiet = counts.quiet.and_then(new=bool(quiet_new), noise=bool(quiet_noise))
        counts.different += bool(quiet_new - quiet_noise)

    def _is_quiet(self, site: Site) -> bool:
        known = self.counts.tallies.get(site)
        return site.trait is not Trait.SLOWER and (known is None or not known.noise)

    def _see(self, site: Site, news: dict[Site, tuple[object, object]], noises: Set[Site]) -> None:
        counts = self.counts
        tally = counts.tallies.get(site)
        known = tally is not None
        if tally is None:
            tally = counts.tallies[site] = Tally(opened=counts.endpoints[site.endpoint])
        tally.see(new=site in news, noise=site in noises, counts=known)
        if site in news and len(tally.examples) < EXAMPLES:
            told = examples.told(site.trait, *news[site], self.settings.examples)
            if told is not None and told not in tally.examples:
                tally.examples.append(told)

    def dump(self) -> dict[str, Any]:
        """Everything, as JSON data."""
        counts = self.counts
        tallies = [[*site, asdict(tally)] for site, tally in counts.tallies.items()]
        durations = {"old": counts.old.dump(), "new": counts.new.dump()}
        return {**vars(counts), "tallies": tallies, **durations}

    @classmethod
    def load(cls, settings: CompareSettings, data: dict[str, Any]) -> Ledger:
        """As it was dumped with the same settings."""
        tallies = {
            Site(place, spot, Trait(trait)): Tally(**tally) for place, spot, trait, tally in data["tallies"]
        }
        counts = Counts(
            **{
                **data,
                "tallies": tallies,
                "quiet": Pairs(*data["quiet"]),
                "left_out": Counter(data["left_out"]),
                "endpoints": Counter(data["endpoints"]),
                "old": Durations.load(data["old"]),
                "new": Durations.load(data["new"]),
            }
        )
        return cls(settings, counts)
