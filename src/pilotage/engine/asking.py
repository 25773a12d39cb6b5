"""Asks adapters, which are strangers' code: whatever one does, an answer or a Problem comes of it, in time.

It may raise anything, answer with anything, or hang; also when it is told to let go. Only one that blocks the
whole process (a call that does not await) can not be helped from here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar

from pilotage.errors import PilotageError, Problem

PATIENCE = 15.0
"""Seconds that one call of an adapter may take; a hung adapter must not stop a rollout for ever."""
GRACE = 1.0
"""Seconds in which a call that was told to let go may clean up; then it is left where it is."""

T = TypeVar("T")

Call = Callable[[], Awaitable[T]]
"""Begins it. Also that may fail: an adapter's method need not be what it should."""


async def ask(call: Call[T], name: str, trouble: list[Problem], patience: float | None = None) -> T | None:
    """One adapter call; its failure or its silence becomes a Problem."""
    patience = PATIENCE if patience is None else patience
    mine = asyncio.current_task()
    assert mine is not None
    cancels = mine.cancelling()
    try:
        async with asyncio.timeout(patience):
            return await _Firmly(call)
    except PilotageError as error:
        trouble.extend(error.problems)
    except TimeoutError:
        what = f"{name} did not answer within {patience:g} s"
        trouble.append(Problem(code="adapter.silent", what=what, mend="see whether it still runs"))
    except GeneratorExit:
        raise
    except BaseException as error:  # also SystemExit, and a CancelledError of its own making
        if isinstance(error, asyncio.CancelledError) and mine.cancelling() > cancels:
            raise
        trouble.append(broken(f"{name} failed unexpectedly: {type(error).__name__}: {error}"))
    return None


async def ask_for(kind: type[T], call: Call[T], name: str, trouble: list[Problem]) -> T | None:
    """As ``ask``; an answer of another kind is nonsense, and becomes a Problem too."""
    known = len(trouble)
    answer = await ask(call, name, trouble)
    if len(trouble) > known or not believable((answer,), kind, name, trouble):
        return None
    return answer


async def ask_for_all(
    kind: type[T], call: Call[Iterable[T]], name: str, trouble: list[Problem]
) -> tuple[T, ...] | None:
    """As ``ask_for``, for several."""

    async def all_of_them() -> tuple[T, ...]:
        return tuple(await call())

    found = await ask(all_of_them, name, trouble)
    return found if found is not None and believable(found, kind, name, trouble) else None


def believable(answers: tuple[object, ...], kind: type, name: str, trouble: list[Problem]) -> bool:
    """Whether an adapter answered with what its port promises; nonsense becomes a Problem."""
    wrong = [answer for answer in answers if not isinstance(answer, kind)]
    if wrong:
        trouble.append(broken(f"{name} answered with {type(wrong[0]).__name__} instead of {kind.__name__}"))
    return not wrong


def broken(what: str) -> Problem:
    return Problem(code="adapter.broken", what=what, mend="report it to whoever wrote the adapter")


class _Firmly(Generic[T]):
    """Awaits a call in this very task; one that is cancelled and does not let go is left after GRACE.

    asyncio waits for ever for a call that swallows its cancellation. A task for every call would do as
    well, but would cost every good one.
    """

    def __init__(self, call: Call[T]) -> None:
        self._call = call
        self._over = False

    def __await__(self) -> Generator[Any, Any, T]:
        awaitable = self._call()
        if not isinstance(awaitable, Awaitable):
            raise TypeError(f"{type(awaitable).__name__} can not be awaited")
        steps: Any = awaitable.__await__()
        move: Callable[[], Any] = partial(next, steps)
        timer: asyncio.TimerHandle | None = None
        try:
            while True:
                try:
                    wanted = move()
                except StopIteration as end:
                    answer: T = end.value
                    return answer
                except GeneratorExit as error:
                    raise RuntimeError("GeneratorExit") from error
                try:
                    sent = yield wanted
                except GeneratorExit:
                    steps.close()
                    raise
                except asyncio.CancelledError as error:
                    if self._over:
                        self._leave(steps)
                        raise
                    timer = timer or self._give_it()
                    move = partial(steps.throw, error)
                except BaseException as error:
                    move = partial(steps.throw, error)
                else:
                    move = partial(steps.send, sent)
        finally:
            if timer is not None:
                timer.cancel()

    def _give_it(self) -> asyncio.TimerHandle:
        """GRACE to clean up."""
        mine = asyncio.current_task()
        assert mine is not None
        return asyncio.get_running_loop().call_later(GRACE, self._insist, mine)

    def _insist(self, task: asyncio.Task[Any]) -> None:
        self._over = True
        task.cancel()

    def _leave(self, steps: Any) -> None:
        mine = asyncio.current_task()
        assert mine is not None
        mine.uncancel()  # that one was ours
        with suppress(BaseException):
            steps.close()
