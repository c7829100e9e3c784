"""Recipes: one real file a container and variant. Every container has ``plain`` and ``tagged``."""

from __future__ import annotations

import importlib
import pkgutil

# Every module of recipes counts: a new container needs no line here.
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
