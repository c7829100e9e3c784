"""Other people's audio files, as packages carry them: fetched and unpacked.

Used by ``robustness.py``. Packages are had by the ordinary clients of their registries: ``pip download`` for
source distributions, ``apt-get`` for Debian's binary and source packages.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_EXTENSIONS = """
    mp3 mp2 mp1 mpa flac ogg oga ogx opus spx m4a m4b mp4 m4v mov 3gp wav wave rf64 bw64 w64 aif aiff aifc aac
    adts wma asf wmv ape mpc mp+ wv tta ofr ofs tak dsf dff mka mkv webm caf au snd amr awb
"""
EXTENSIONS = frozenset(_EXTENSIONS.split())


@dataclass(frozen=True)
class TestSet:
    name: str
    what: str
    fetch: Callable[[str, Path], None]

    def files(self, cache: Path) -> list[Path]:
        """All files of the set, fetched into ``cache`` where they are not there yet.

        Raises:
            subprocess.CalledProcessError: if a client cannot fetch the package.
        """
        folder = cache / self.name.replace(" ", "-")
        if not folder.exists():
            making = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir(parents=True)
            self.fetch(self.what, making)
            making.rename(folder)
        return sorted(audio_files(folder))


def audio_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.suffix[1:].lower() in EXTENSIONS and path.is_file() and not path.is_symlink():
            yield path


def run(*command: str, folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


# -- registries -----------------------------------------------------------------------------


def source_distribution(package: str, folder: Path) -> None:
    run(
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--no-binary",
        ":all:",
        package,
        folder=folder,
    )
    for archive in [*folder.iterdir()]:
        unpack(archive, folder)


def debian_package(package: str, folder: Path) -> None:
    run("apt-get", "-q", "download", package, folder=folder)
    for archive in [*folder.glob("*.deb")]:
        run("dpkg-deb", "-x", str(archive), ".", folder=folder)
        archive.unlink()


def debian_source(package: str, folder: Path) -> None:
    """With lists of its own, so that nothing of the machine's settings is changed."""
    sources, lists = folder / "sources.list", folder / "lists"
    lists.mkdir()
    sources.write_text("deb-src http://deb.debian.org/debian bookworm main\n")
    options = (
        *("-o", f"Dir::Etc::sourcelist={sources}", "-o", "Dir::Etc::sourceparts=-"),
        *("-o", f"Dir::State::lists={lists}"),
    )
    run("apt-get", "-q", *options, "update", folder=folder)
    run("apt-get", "-q", *options, "source", "--download-only", package, folder=folder)
    shutil.rmtree(lists)
    for archive in [*folder.glob("*.orig*.tar.*")]:
        if archive.suffix != ".asc":
            unpack(archive, folder)


def unpack(archive: Path, folder: Path) -> None:
    """Audio files only; members are written by number, so that no name in an archive counts."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for number, name in enumerate(opened.namelist()):
                if Path(name).suffix[1:].lower() in EXTENSIONS:
                    (folder / f"{number}-{Path(name).name}").write_bytes(opened.read(name))
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as packed:
            for number, member in enumerate(packed):
                content = packed.extractfile(member) if member.isfile() else None
                if content is not None and Path(member.name).suffix[1:].lower() in EXTENSIONS:
                    (folder / f"{number}-{Path(member.name).name}").write_bytes(content.read())
    archive.unlink()


def python(*packages: str) -> list[TestSet]:
    return [TestSet(f"{name} (Python source)", name, source_distribution) for name in packages]


def debian(*packages: str) -> list[TestSet]:
    return [TestSet(f"{name} (Debian)", name, debian_package) for name in packages]


def debian_sources(*packages: str) -> list[TestSet]:
    return [TestSet(f"{name} (Debian source)", name, debian_source) for name in packages]


PACKAGES: list[TestSet] = [
    *python(
        "mutagen", "beets", "Mopidy", "hachoir", "ear", "pyFLAC", "pymediainfo", "puremagic", "audiofile"
    ),
    *python("miniaudio", "filetype"),
    *debian_sources("taglib", "gst-plugins-good1.0", "gst-plugins-base1.0", "libimage-exiftool-perl"),
    *debian_sources("tracker-miners", "audacity"),
    *debian(
        "sound-theme-freedesktop", "sound-icons", "openttd-opensfx", "frozen-bubble-data", "neverball-data"
    ),
    *debian("asterisk-core-sounds-en-wav", "fillets-ng-data-cs", "hydrogen-drumkits", "minetest-data"),
]
