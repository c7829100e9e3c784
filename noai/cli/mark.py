"""``noai mark``: put a signed declaration into files."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any, Final

import click

from noai import signing
from noai.cli import _declaring, _options
from noai.cli._cataloguing import plan_catalogue
from noai.cli._mark_receipts import MarkReceipts
from noai.cli._marking import Settings
from noai.cli._options import PathType
from noai.cli._planning import plan
from noai.cli._running import run
from noai.cli._secrets import load_signer
from noai.errors import UsageError

_EPILOG: Final = """\
\b
Uses, for --deny, --allow and --constrain:
  ai_generative_training   models that generate content
  ai_training              other models
  data_mining              analysis of patterns and correlations
  ai_inference             use as input of a model
  voice_likeness           imitating a voice, style or likeness

\b
Examples:
  noai mark album/ -o marked/
  noai mark --in-place --holder "Ana Lima" --contact rights@ana.example album/
  noai mark song.flac -o out/ --profile no-generative --isrc QZ-ABC-26-00001
  noai mark song.wav -o out/ --key leaf.key --cert chain.pem
  noai mark --claims catalogue.csv -o marked/ --dry-run
  noai mark album/ -o marked/ --tsa http://timestamp.example --terms terms.html --receipt album.receipts
"""


@click.command(short_help="Put a signed declaration into files.", epilog=_EPILOG)
@_options.paths
@click.option(
    "-o", "--output", type=PathType(), metavar="DIR", help="Write marked copies below DIR; keep the folders."
)
@click.option("--in-place", is_flag=True, help="Replace each file by its marked copy, at once or not at all.")
@click.option("--identity", metavar="NAME", help="Sign as this identity. May be left out if there is one.")
@click.option("--key", type=PathType(), metavar="PEM", help="Sign with your own private key; with --cert.")
@click.option("--cert", type=PathType(), metavar="PEM", help="The certificate chain of --key, leaf first.")
@_declaring.options
@click.option(
    "--claims",
    type=PathType(),
    metavar="FILE",
    help="Mark the tracks of a catalogue (.csv, .json, .jsonl), and say in each what its row says.",
)
@click.option(
    "--tsa",
    metavar="URL",
    help="Have this timestamp authority (RFC 3161) date the marker and the manifest.",
)
@click.option(
    "--receipt",
    type=PathType(),
    metavar="FILE",
    help="Append a signed line for each marked track to FILE; see: noai receipts verify.",
)
@click.option("--no-c2pa", is_flag=True, help="Leave out the C2PA manifest.")
@click.option(
    "--c2pa-in-ogg",
    is_flag=True,
    help="Embed a manifest in Ogg, too, where TagLib (kid3, Kodi) and some players do not take it.",
)
@click.option("--c2pa-sidecar", is_flag=True, help="Write FILE.c2pa where the file itself cannot carry one.")
@click.option("--dry-run", is_flag=True, help="Write and sign nothing; say what would be done.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file, one a line.")
def mark(
    paths: tuple[str, ...],
    output: str | None,
    in_place: bool,
    identity: str | None,
    key: str | None,
    cert: str | None,
    claims: str | None,
    tsa: str | None,
    receipt: str | None,
    no_c2pa: bool,
    c2pa_in_ogg: bool,
    c2pa_sidecar: bool,
    no_tags: bool,
    dry_run: bool,
    as_json: bool,
    **said: Any,
) -> int:
    """Put a signed declaration into audio files and, recursively, folders.

    The audio is not touched, and all other tags stay. A file that says the same already is left as it
    is; one that says something else by the same key is marked anew. Files that are not audio are
    passed over, and not copied. What is said of the work (title, artist, identifiers) and not given
    is taken from the file's own tags.
    """
    if not paths and claims is None:
        raise UsageError("name the files or folders to mark; see: noai mark --help")
    if (output is None) == (not in_place):
        raise UsageError("say where marked files go: -o DIR writes copies, --in-place replaces the originals")
    for name, asked in (("--c2pa-in-ogg", c2pa_in_ogg), ("--c2pa-sidecar", c2pa_sidecar)):
        if no_c2pa and asked:
            raise UsageError(f"--no-c2pa leaves out what {name} asks for; give one of them")
    declaration = _declaring.declared(**said)
    # Whatever is wrong with the request is found before any file is touched.
    signer = load_signer(identity, key, cert, signing.now())
    folder = None if output is None else Path(output)
    if claims is None:
        planned, unlisted = plan(paths, folder), None
    else:
        planned, unlisted = plan_catalogue(claims, paths, folder, declaration)
    if declaration.work.isrc is not None and len(planned.jobs) > 1:
        raise UsageError(f"an ISRC names one recording, not {len(planned.jobs)}; mark them one by one")
    if not planned.jobs:
        raise UsageError("there is no audio in what was named; nothing was marked")
    if tsa is not None:
        from noai.timestamping import require_ready

        require_ready(tsa)
    settings = Settings(
        declaration.claim(), signer, not no_c2pa, c2pa_in_ogg, c2pa_sidecar, tsa, not no_tags, dry_run
    )
    if receipt is None or dry_run:
        return run(planned, settings, None, unlisted, as_json=as_json)
    inputs = (*paths, *([] if claims is None else [claims]))
    with closing(MarkReceipts.open(receipt, signer, inputs)) as receipts:
        return run(planned, settings, receipts, unlisted, as_json=as_json)
