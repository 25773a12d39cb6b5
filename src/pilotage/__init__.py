"""Pilotage takes a release safely into production, and proves how it got there."""

__version__ = "0.1.0"
