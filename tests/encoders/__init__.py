"""Recipes: one real file a container and variant. Every container has ``plain`` and ``tagged``."""

from __future__ import annotations

from tests.encoders import flac, mp3, mp4, ogg, wav

__all__ = ["flac", "mp3", "mp4", "ogg", "wav"]
