"""Random counts and walks, many seconds at once."""

from __future__ import annotations

from math import erf, exp, log, sqrt

import numpy as np
from benchmarks.judge.truth import Array
from numpy.random import Generator


def walk(rng: Generator, rows: int, seconds: int, sigma: float, memory: float) -> Array:
    """Ornstein-Uhlenbeck walks around 0, one a row: standard deviation ``sigma``, forgets in ``memory`` s."""
    keep = exp(-1.0 / memory)
    steps = rng.normal(0.0, sigma * sqrt(1.0 - keep * keep), (seconds, rows))
    value = rng.normal(0.0, sigma, rows)
    found = np.empty((seconds, rows))
    for i in range(seconds):
        value = value * keep + steps[i]
        found[i] = value
    return found.T


def bursts(rng: Generator, mean: Array, size: float, spread: float) -> Array:
    """Errors in bursts of geometric size: ``mean`` of them each second (rows: instances)."""
    seconds = mean.shape[1]
    starts = rng.poisson(mean / size).ravel()
    cells = np.repeat(np.arange(starts.size), starts)
    cells = np.repeat(cells, rng.geometric(1.0 / size, cells.size))
    row, second = cells // seconds, cells % seconds
    if spread > 0.0:
        second = second + rng.exponential(spread, second.size).astype(np.int64)
    inside = second < seconds
    return _counted(row[inside], second[inside], mean.shape)


def visits(rng: Generator, mean: Array, errors: Array, size: float) -> tuple[Array, Array]:
    """Requests and errors of users: each makes ``size`` requests (geometric), one in 5 s, with one instance.

    Users differ: their error rates are the version's times a gamma variable of shape 1/2 and mean 1.
    """
    seconds = mean.shape[1]
    users = np.repeat(np.arange(mean.size), rng.poisson(mean / size).ravel())
    manner = rng.gamma(0.5, 2.0, users.size)
    each = rng.geometric(1.0 / size, users.size)
    first = np.repeat(np.cumsum(each) - each, each)
    nth = np.arange(each.sum()) - first
    cells = np.repeat(users, each)
    row, second = cells // seconds, cells % seconds + (nth * rng.exponential(5.0, nth.size)).astype(np.int64)
    inside = second < seconds
    row, second, manner = row[inside], second[inside], np.repeat(manner, each)[inside]
    failed = rng.random(row.size) < np.minimum(errors[row, second] * manner, 1.0)
    return _counted(row, second, mean.shape), _counted(row[failed], second[failed], mean.shape)


def answers(rng: Generator, requests: Array, median: Array, tail: Array, bounds: tuple[float, ...]) -> Array:
    """How many answers came up to each bound, the last is all; [instance, second, bound], not yet added up."""
    times, where = np.unique(np.stack([median, tail]), axis=1, return_inverse=True)
    parts = np.array([_parts(float(m), float(slow), bounds) for m, slow in times.T])
    drawn = rng.multinomial(requests.astype(np.int64), parts[where.ravel()])
    found: Array = np.cumsum(drawn, axis=2, dtype=np.float64)
    return found


def _parts(median: float, tail: float, bounds: tuple[float, ...]) -> Array:
    up_to = [(1.0 - tail) * _below(b, median) + tail * _below(b - 0.5, median) for b in bounds]
    parts = np.diff(np.array([0.0, *up_to, 1.0]))
    found: Array = np.clip(parts, 0.0, 1.0) / parts.sum()
    return found


def _below(bound: float, median: float) -> float:
    return 0.5 * (1.0 + erf(log(bound / median) / (0.6 * sqrt(2.0)))) if bound > 0.0 else 0.0


def _counted(row: Array, second: Array, shape: tuple[int, ...]) -> Array:
    cells = row * shape[1] + second
    return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
