"""Every code that a Problem about a manifest may carry: stable, searchable, never reused."""

from __future__ import annotations

CODES: dict[str, str] = {}
