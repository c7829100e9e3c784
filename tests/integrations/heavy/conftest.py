"""For packages that are too large, or pin too much, to stand beside all others; see ``README.md``."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Final

# Asked when it is imported: albumentations would look for a newer version of itself.
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

#: A test file is called after the package that it needs, and is there where that is.
collect_ignore: Final = [
    path.name
    for path in Path(__file__).parent.glob("test_*.py")
    if find_spec(path.stem.removeprefix("test_")) is None
]
