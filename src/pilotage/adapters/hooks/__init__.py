"""Runs hooks: programs that must not be run twice.

runner.py     the handle: begins a program once, sees how far it is
memory.py     the files in which it is remembered what was begun, and how it ended
__main__.py   the process that runs one program, outlives the worker, and writes down how it ended
secrets.py    values by reference, and a text without them
"""
