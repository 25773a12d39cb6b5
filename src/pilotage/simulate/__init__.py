"""Simulation: the real heart, engine and store in one process, under a virtual clock and one source of chance.

loop.py       an event loop whose time is virtual
scenario.py   what a seed stands for
trouble.py    draws what goes wrong, keeps the story and its hash
process.py    a worker or a command, which may die, freeze or not be heard at any call
ledger.py     the one store, seen by the laws
place.py      the world of an environment as it really is
people.py     who releases and gives orders
weather.py    what goes wrong by itself
world.py      all of it, and the course of a story
laws.py       what must be true, with history.py (what is recorded) and truth.py (what really is)
play.py       plays one scenario
shrink.py     makes a story shorter
sentences.py, telling.py   tell it
planted.py    bugs planted on purpose, which must be found

docs/simulation.md says what it shows and what it does not.
"""
