"""MurmurHash3, 32 bits, for little-endian words. Source: Austin Appleby, *SMHasher*, MurmurHash3.cpp
(x86_32)."""

from __future__ import annotations

_WORD = 0xFFFFFFFF


def murmur3(data: bytes, seed: int = 0) -> int:
    """0 … 2^32 - 1."""
    state, whole = seed, len(data) - len(data) % 4
    for place in range(0, whole, 4):
        state ^= _mixed(int.from_bytes(data[place : place + 4], "little"))
        state = (_rotated(state, 13) * 5 + 0xE6546B64) & _WORD
    state ^= _mixed(int.from_bytes(data[whole:], "little")) ^ len(data)
    state = ((state ^ (state >> 16)) * 0x85EBCA6B) & _WORD
    state = ((state ^ (state >> 13)) * 0xC2B2AE35) & _WORD
    return state ^ (state >> 16)


def _mixed(word: int) -> int:
    return (_rotated((word * 0xCC9E2D51) & _WORD, 15) * 0x1B873593) & _WORD


def _rotated(word: int, bits: int) -> int:
    return ((word << bits) | (word >> (32 - bits))) & _WORD
