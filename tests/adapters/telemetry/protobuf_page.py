"""The protobuf format of Prometheus' scrapes, as much of it as native histograms need.

Source: ``io/prometheus/client/metrics.proto`` of prometheus/client_model; each message after its length.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

CONTENT_TYPE = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
_GAUGE, _HISTOGRAM = 1, 4


def histogram(
    name: str, labels: Mapping[str, str], schema: int, buckets: Mapping[int, int], zero: int = 0
) -> bytes:
    """A family with one native histogram. ``buckets``: bucket i is (2^((i-1)/2^schema), 2^(i/2^schema)]."""
    spans, deltas, last_index, last_count = [], [], None, 0
    for index in sorted(buckets):
        gap = index if last_index is None else index - last_index - 1
        if last_index is not None and gap == 0:
            spans[-1][1] += 1
        else:
            spans.append([gap, 1])
        deltas.append(buckets[index] - last_count)
        last_index, last_count = index, buckets[index]
    body = _whole(1, zero + sum(buckets.values())) + _double(2, 1.0)
    body += _whole(5, _zigzag(schema)) + _double(6, 1e-9) + _whole(7, zero)
    for offset, length in spans:
        body += _bytes(12, _whole(1, _zigzag(offset)) + _whole(2, length))
    for delta in deltas:
        body += _whole(13, _zigzag(delta))
    return _family(name, _HISTOGRAM, labels, _bytes(7, body))


def gauge(name: str, labels: Mapping[str, str], value: float) -> bytes:
    return _family(name, _GAUGE, labels, _bytes(2, _double(1, value)))


def page(families: Sequence[bytes]) -> bytes:
    return b"".join(_varint(len(family)) + family for family in families)


def _family(name: str, kind: int, labels: Mapping[str, str], value: bytes) -> bytes:
    pairs = [_bytes(1, _bytes(1, key.encode()) + _bytes(2, text.encode())) for key, text in labels.items()]
    return _bytes(1, name.encode()) + _whole(3, kind) + _bytes(4, b"".join(pairs) + value)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _zigzag(number: int) -> int:
    return number * 2 if number >= 0 else -number * 2 - 1


def _whole(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _double(field: int, number: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", number)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content
