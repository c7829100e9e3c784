"""Stretches of bytes: what several of them cover together, and what is left without them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

#: First byte, and the one behind the last.
Range = tuple[int, int]


def union(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """``ranges`` in order, those that touch or overlap made one, empty ones gone."""
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        elif start < end:
            merged.append((start, end))
    return tuple(merged)


def without(ranges: Iterable[Range], holes: Sequence[Range]) -> list[Range]:
    """What ``ranges`` cover and ``holes`` do not. Both are in order and apart, as after :func:`union`."""
    rest: list[Range] = []
    at = 0
    for start, end in ranges:
        while at < len(holes) and holes[at][1] <= start:
            at += 1
        for hole_start, hole_end in holes[at:]:
            if hole_start >= end:
                break
            if hole_start > start:
                rest.append((start, hole_start))
            start = hole_end
        if start < end:
            rest.append((start, end))
    return rest
