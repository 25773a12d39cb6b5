"""Every method that a manifest may name."""

from __future__ import annotations

from pilotage.strategies.ab import AB
from pilotage.strategies.big_bang import BigBang
from pilotage.strategies.blue_green import BlueGreen
from pilotage.strategies.canary import Canary
from pilotage.strategies.feature_flag import FeatureFlag
from pilotage.strategies.method import Method
from pilotage.strategies.parallel_run import ParallelRun
from pilotage.strategies.phased import Phased
from pilotage.strategies.pilot import Pilot
from pilotage.strategies.rolling import Rolling

METHODS: dict[str, type[Method]] = {
    "canary": Canary,
    "blue-green": BlueGreen,
    "rolling": Rolling,
    "big-bang": BigBang,
    "feature-flag": FeatureFlag,
    "parallel-run": ParallelRun,
    "pilot": Pilot,
    "phased": Phased,
    "ab": AB,
}
