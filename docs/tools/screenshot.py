"""Pictures of the terminal: the real commands, run on the sample audio, drawn by rich as SVG.

    python docs/tools/screenshot.py

The pictures load nothing: they use whatever monospace font the viewer has.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

ROOT: Final = Path(__file__).resolve().parents[2]
IMAGES: Final = ROOT / "docs" / "images"
COLUMNS: Final = 100
#: rich's own template without the fonts that it would fetch.
TEMPLATE: Final = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.S).replace(
    "Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace"
)

#: Name of the picture, its title, and the commands in it.
PICTURES: Final = (
    ("mark-and-verify", "noai", ("noai mark album -o marked --holder 'Ana Lima'", "noai verify marked")),
    ("inspect", "noai inspect", ("noai inspect marked/tune.mp3",)),
)


def run_in_terminal(command: Sequence[str], folder: Path) -> str:
    """What ``command`` prints on a terminal, colours and all."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 200, COLUMNS, 0, 0))
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")},
        "NOAI_HOME": str(folder / "home"),
        "TERM": "xterm-256color",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    # Progress goes to standard error, and is no part of the picture.
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE
    )
    os.close(theirs)
    printed = b""
    try:
        while block := os.read(ours, 65536):
            printed += block
    except OSError:  # Linux ends a terminal's last read so.
        pass
    os.close(ours)
    _, errors = process.communicate()
    if process.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)} failed:\n{errors.decode()}")
    return printed.decode("utf-8").replace("\r\n", "\n")


def draw(name: str, title: str, commands: Sequence[str], folder: Path) -> None:
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for command in commands:
        console.print(Text.assemble(("$ ", "dim"), (command, "bold")))
        console.print(Text.from_ansi(run_in_terminal(["sh", "-c", command], folder)))
    svg = console.export_svg(title=title, code_format=TEMPLATE, unique_id=name)
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / f"{name}.svg").write_text(
        "\n".join(line.rstrip() for line in svg.splitlines()).strip() + "\n", "utf-8"
    )
    print(f"drew docs/images/{name}.svg")


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shutil.copytree(ROOT / "sample_audio" / "unmarked", folder / "album")
        run_in_terminal(["noai", "keygen", "ana"], folder)
        for name, title, commands in PICTURES:
            draw(name, title, commands, folder)


if __name__ == "__main__":
    main()
