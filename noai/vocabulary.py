"""What every token of every vocabulary denies and permits: one table, versioned.

Readers look tokens up here and never decide by themselves what one means. A change of meaning is
a new :data:`VERSION`. ``docs/vocabularies.md`` is :func:`as_markdown`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from noai.claim import ALL_USES, TRAINING_USES, Claim, Permission, Profile, Use, Uses

#: Raised whenever a token is added, goes, or means something else.
VERSION: Final = 2

#: A value of ``plus:DataMining`` is this and a code of the vocabulary.
PLUS_VOCABULARY: Final = "http://ns.useplus.org/ldf/vocab/"


class Vocabulary(Enum):
    """A vocabulary: its name, the edition that the table follows, and how its tokens speak."""

    PLUS = (
        "XMP `plus:DataMining`",
        "PLUS License Data Format 2.0.1; IPTC Photo Metadata Standard 2023.1",
        f"The value is the token, alone or after `{PLUS_VOCABULARY}`.",
    )
    CAWG = (
        "C2PA assertion `cawg.training-mining`",
        "CAWG training and data mining assertion 1.1",
        "`notAllowed` and `constrained` deny; `allowed` permits, once it is proven.",
    )
    C2PA = (
        "C2PA assertion `c2pa.training-mining`",
        "C2PA 1.x; CAWG took it over",
        "`notAllowed` and `constrained` deny; `allowed` permits, once it is proven.",
    )
    TDMREP = (
        "TDMRep `tdm-reservation` in tags, XMP, HTTP and `tdmrep.json`",
        "TDM Reservation Protocol, W3C community group report of 10 May 2024",
        "The value is the token. `tdm-policy` is shown and changes nothing.",
    )
    TAG = (
        "Hobby tags",
        "none; spellings seen in use, compared without case and punctuation",
        "A yes (`1`, `true`, `yes`) says what the name says, a no (`0`, `false`, `no`) its opposite; the"
        " opposite of an opt-out is no statement.",
    )
    AIPREF = (
        "AIPREF `Content-Usage` in tags, robots.txt and HTTP",
        "draft-ietf-aipref-vocab-07, and the retired labels of -01 to -04",
        "`n` denies, `y` permits without proof. Parameters are ignored.",
    )
    CONTENT_SIGNAL = (
        "`Content-Signal` in robots.txt and HTTP",
        "draft-romm-aipref-contentsignals-00",
        "`no` denies, `yes` permits without proof. Paths and agents are matched as robots.txt has it.",
    )
    ROBOTS = (
        "HTTP `X-Robots-Tag`",
        "none; in use since November 2022",
        "The token itself denies, for everybody or for the agent whose name stands in front. Directives about"
        " indexing say nothing of AI.",
    )
    RSL = (
        "RSL `usage`",
        "Really Simple Licensing 1.0",
        "Inside `prohibits` it denies. Uses that a list of `permits` leaves out are constrained, and so are"
        " all five where a licence asks for a payment or is for some users or countries only.",
    )

    def __init__(self, title: str, edition: str, reading: str) -> None:
        self.title = title
        self.edition = edition
        self.reading = reading


_ALL: Final = frozenset(ALL_USES)
# Imitating a voice is generative training put to work: what forbids the one forbids the other.
# So the token that stands for a profile reads back as that profile.
_GENERATIVE: Final = Profile.NO_GENERATIVE.denied
_TRAINING: Final = Profile.NO_TRAINING.denied
_INFERENCE: Final = frozenset({Use.INFERENCE})
_MINING: Final = frozenset({Use.DATA_MINING})
_NONE: Final[frozenset[Use]] = frozenset()
# A permission is read narrowly: it says nothing of imitation.
_MAY_GENERATE: Final = frozenset({Use.GENERATIVE_TRAINING})
_MAY_TRAIN: Final = frozenset(TRAINING_USES)


@dataclass(frozen=True)
class Token:
    """One token of one vocabulary and what it says about the five uses."""

    #: As the vocabulary spells it.
    name: str
    #: What it denies when it says no.
    denies: frozenset[Use] = _NONE
    #: What it permits when it says yes.
    permits: frozenset[Use] = _NONE
    #: Denied unless there is an agreement, rather than altogether.
    constrained: bool = False
    note: str = ""

    @property
    def denial(self) -> Uses:
        return _uses(self.denies, Permission.CONSTRAINED if self.constrained else Permission.NOT_ALLOWED)

    @property
    def permission(self) -> Uses:
        """A claim only: nothing in this table is ever proof of a permission."""
        return _uses(self.permits, Permission.ALLOWED)


def _uses(uses: frozenset[Use], permission: Permission) -> Uses:
    return MappingProxyType({use: permission for use in ALL_USES if use in uses})


#: An opt-out that cannot be narrowed down denies everything.
DENY_ALL: Final = _uses(_ALL, Permission.NOT_ALLOWED)

_OWN: Final = "noai's own entry; the assertion may be extended"
_OPT_OUT: Final = "a name without a definition is a general opt-out"

TABLE: Final[Mapping[Vocabulary, tuple[Token, ...]]] = MappingProxyType(
    {
        Vocabulary.PLUS: (
            Token("DMI-PROHIBITED", _ALL),
            Token("DMI-PROHIBITED-AIMLTRAINING", _TRAINING, note="profile `no-training`"),
            Token("DMI-PROHIBITED-GENAIMLTRAINING", _GENERATIVE, note="profile `no-generative`"),
            Token("DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING", _ALL, note="none of the uses is indexing"),
            Token("DMI-PROHIBITED-SEECONSTRAINT", _ALL, constrained=True, note="prose is not interpreted"),
            Token(
                "DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR",
                _ALL,
                constrained=True,
                note="the expression is not interpreted",
            ),
            Token(
                "DMI-PROHIBITED-SEELINKEDRIGHTSEXPR", _ALL, constrained=True, note="the link is not followed"
            ),
            Token("DMI-ALLOWED", permits=_ALL, note="without proof"),
            Token("DMI-UNSPECIFIED", note="says nothing"),
        ),
        Vocabulary.CAWG: tuple(
            Token(
                use.value, frozenset({use}), frozenset({use}), note=_OWN if use is Use.VOICE_LIKENESS else ""
            )
            for use in ALL_USES
        ),
        Vocabulary.C2PA: tuple(
            Token(use.value.replace("cawg.", "c2pa."), frozenset({use}), frozenset({use}))
            for use in ALL_USES
            if use is not Use.VOICE_LIKENESS
        ),
        Vocabulary.TDMREP: (
            Token("1", _ALL, note="a general reservation of rights"),
            Token("0", note="not reserved, which is no permission"),
        ),
        Vocabulary.TAG: (
            Token("NOAI", _ALL, note="other values in the marker's own tag are read as a marker"),
            Token("NO_AI_TRAINING", _ALL, note=_OPT_OUT),
            Token("NO_AI_TRAINING_MARKER", _ALL, note="any value but a no"),
            Token("AI_TRAINING_OPT_OUT", _ALL, note=_OPT_OUT),
            Token("AI_OPT_OUT", _ALL, note=_OPT_OUT),
            Token("DO_NOT_TRAIN", _ALL, note=_OPT_OUT),
            Token("AI_TRAINING_ALLOWED", _ALL, _MAY_TRAIN, note="a yes is without proof"),
            Token("AIGC", note="discloses how the work was made; not read"),
        ),
        Vocabulary.AIPREF: (
            Token("train-ai", _GENERATIVE, _MAY_GENERATE, note="models that generate content"),
            Token("search", _MINING, note="permits search only, which is none of the uses"),
            Token("train-genai", _GENERATIVE, _MAY_GENERATE, note="retired (-02, -03)"),
            Token("genai", _GENERATIVE, _MAY_GENERATE, note="retired (-01)"),
            Token("ai", _TRAINING, _MAY_TRAIN, note="retired (-01)"),
            Token("tdm", _ALL, note="retired (-01)"),
            Token("all", _ALL, note="retired (-02)"),
            Token("bots", _ALL, note="retired (-03, -04)"),
            Token("inference", _INFERENCE, _INFERENCE, note="retired (-01)"),
            Token("ai-use", _INFERENCE, _INFERENCE, note="retired (-02)"),
            Token("ai-output", _INFERENCE, _INFERENCE, note="retired (-04)"),
        ),
        Vocabulary.CONTENT_SIGNAL: (
            Token("ai-train", _TRAINING, _MAY_TRAIN),
            Token("ai-input", _INFERENCE, _INFERENCE),
            Token("search", _MINING, note="permits search only, which is none of the uses"),
        ),
        Vocabulary.ROBOTS: (
            Token("noai", _ALL),
            Token("noimageai", note="speaks of images only"),
        ),
        Vocabulary.RSL: (
            Token(
                "all", _ALL, note="a permission comes with terms: none of these permits anything by itself"
            ),
            Token("ai-all", _ALL),
            Token("ai-train", _TRAINING),
            Token("ai-input", _INFERENCE),
            Token("ai-index", _MINING),
            Token("search", _MINING),
        ),
    }
)

_INDEX: Final = {(vocabulary, token.name): token for vocabulary in TABLE for token in TABLE[vocabulary]}


def lookup(vocabulary: Vocabulary, name: str) -> Token | None:
    """The token that is spelt ``name``, exactly, or None where the vocabulary has none such."""
    return _INDEX.get((vocabulary, name))


def data_mining_value(claim: Claim) -> str | None:
    """The full ``plus:DataMining`` URI that goes beside a claim.

    The widest token that, read alone, denies no more than the claim does; None where none does.
    """
    constrained = claim.uses and set(claim.uses.values()) == {Permission.CONSTRAINED}
    widest = "DMI-PROHIBITED-SEECONSTRAINT" if constrained else "DMI-PROHIBITED"
    for name in (widest, "DMI-PROHIBITED-AIMLTRAINING", "DMI-PROHIBITED-GENAIMLTRAINING"):
        token = lookup(Vocabulary.PLUS, name)
        if token is not None and claim.denied.issuperset(token.denies):
            return f"{PLUS_VOCABULARY}{name}"
    return None


#: What a site writes to say no. Not ``search``: read, it is taken for data mining, but written it would turn
#: away search engines, which is none of the uses. Nor what is retired.
_WRITTEN: Final[Mapping[Vocabulary, tuple[str, ...]]] = MappingProxyType(
    {
        Vocabulary.AIPREF: ("train-ai",),
        Vocabulary.CONTENT_SIGNAL: ("ai-train", "ai-input"),
        Vocabulary.TDMREP: ("1",),
        Vocabulary.ROBOTS: ("noai",),
    }
)


def denying_tokens(vocabulary: Vocabulary, denied: Set[Use]) -> tuple[Token, ...]:
    """The tokens that a site writes to deny ``denied``: together as much of it as they can, and no more.

    Empty where each denies more, and for vocabularies that are not a site's.
    """
    tokens = (lookup(vocabulary, name) for name in _WRITTEN.get(vocabulary, ()))
    return tuple(token for token in tokens if token is not None and denied >= token.denies)


# -- the page in the docs -------------------------------------------------------------------

_INTRODUCTION: Final = f"""\
# Vocabularies

What each token of each vocabulary means to noai, as the five [uses](format/marker-v1.md) of a claim.
This is version {VERSION} of the table, made from `noai/vocabulary.py`.

Where a token could mean more or less, a denial is read widely and a permission narrowly. Outside C2PA a
permission carries no proof: it is shown, and admits nothing. A value that is not in the table is the finding
`unknown_value`, and the file is undecided.
"""


def as_markdown() -> str:
    """The table as ``docs/vocabularies.md`` shows it."""
    return "\n".join([_INTRODUCTION, *(line for vocabulary in TABLE for line in _section(vocabulary))])


def _section(vocabulary: Vocabulary) -> Iterator[str]:
    yield f"## {vocabulary.title}\n"
    yield f"Edition: {vocabulary.edition}. {vocabulary.reading}\n"
    yield "| token | denies | permits | note |"
    yield "| --- | --- | --- | --- |"
    for token in TABLE[vocabulary]:
        denies = _names(token.denies) + (" (constrained)" if token.constrained else "")
        yield f"| `{token.name}` | {denies} | {_names(token.permits)} | {token.note} |"
    yield ""


def _names(uses: frozenset[Use]) -> str:
    if uses == _ALL:
        return "all five"
    return ", ".join(f"`{use.value}`" for use in ALL_USES if use in uses)
