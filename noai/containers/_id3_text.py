"""Text inside ID3v2 frames, and the names of frames across the three versions.

ID3v2.2 §3.2 and §4, ID3v2.3 §3.3 and §4, ID3v2.4 structure §4 and frames §4.
"""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType
from typing import Final


class TextEncoding(IntEnum):
    """The byte in front of text. 2.2 and 2.3 know the first two."""

    LATIN1 = 0
    #: With a byte order mark.
    UTF16 = 1
    #: Big-endian, without a byte order mark.
    UTF16BE = 2
    UTF8 = 3

    @property
    def terminator(self) -> bytes:
        return b"\x00\x00" if self in (TextEncoding.UTF16, TextEncoding.UTF16BE) else b"\x00"


#: ID3v2.2 frame names and the names that the same frames have since 2.3.
FRAMES_OF_V22: Final = MappingProxyType({
    "BUF": "RBUF", "CNT": "PCNT", "COM": "COMM", "CRA": "AENC", "ETC": "ETCO", "EQU": "EQUA",
    "GEO": "GEOB", "IPL": "IPLS", "LNK": "LINK", "MCI": "MCDI", "MLL": "MLLT", "PIC": "APIC",
    "POP": "POPM", "REV": "RVRB", "RVA": "RVAD", "SLT": "SYLT", "STC": "SYTC", "TAL": "TALB",
    "TBP": "TBPM", "TCM": "TCOM", "TCO": "TCON", "TCP": "TCMP", "TCR": "TCOP", "TDA": "TDAT",
    "TDY": "TDLY", "TEN": "TENC", "TFT": "TFLT", "TIM": "TIME", "TKE": "TKEY", "TLA": "TLAN",
    "TLE": "TLEN", "TMT": "TMED", "TOA": "TOPE", "TOF": "TOFN", "TOL": "TOLY", "TOR": "TORY",
    "TOT": "TOAL", "TP1": "TPE1", "TP2": "TPE2", "TP3": "TPE3", "TP4": "TPE4", "TPA": "TPOS",
    "TPB": "TPUB", "TRC": "TSRC", "TRD": "TRDA", "TRK": "TRCK", "TS2": "TSO2", "TSA": "TSOA",
    "TSC": "TSOC", "TSI": "TSIZ", "TSP": "TSOP", "TSS": "TSSE", "TST": "TSOT", "TT1": "TIT1",
    "TT2": "TIT2", "TT3": "TIT3", "TXT": "TEXT", "TXX": "TXXX", "TYE": "TYER", "UFI": "UFID",
    "ULT": "USLT", "WAF": "WOAF", "WAR": "WOAR", "WAS": "WOAS", "WCM": "WCOM", "WCP": "WCOP",
    "WPB": "WPUB", "WXX": "WXXX", "TCT": "TCAT", "TDS": "TDES", "TID": "TGID", "TKW": "TKWD",
    "PCS": "PCST", "WFD": "WFED", "MVN": "MVNM", "MVI": "MVIN", "GP1": "GRP1",
})  # fmt: skip


def modern_name(name: str) -> str:
    """The name since ID3v2.3 of a frame; names that 2.2 did not define stay as they are."""
    return FRAMES_OF_V22.get(name.rstrip(" \x00"), name)


def split(data: bytes, encoding: TextEncoding, count: int = -1) -> list[bytes]:
    """``data`` cut at terminators of ``encoding``, at most ``count`` times (-1: at all of them)."""
    if len(encoding.terminator) == 1:
        return data.split(b"\x00", count)
    pieces: list[bytes] = []
    start = search = 0
    while count < 0 or len(pieces) < count:
        found = data.find(b"\x00\x00", search)
        if found < 0:
            break
        if (found - start) % 2:
            search = found + 1
            continue
        pieces.append(data[start:found])
        start = search = found + 2
    pieces.append(data[start:])
    return pieces


_CODECS: Final = MappingProxyType(
    {
        TextEncoding.LATIN1: ("latin-1", "strict"),
        TextEncoding.UTF8: ("utf-8", "surrogateescape"),
        TextEncoding.UTF16BE: ("utf-16-be", "surrogatepass"),
    }
)
_LITTLE, _BIG = b"\xff\xfe", b"\xfe\xff"


def decode_all(pieces: list[bytes], encoding: TextEncoding) -> list[str]:
    """Each piece as text. Nothing is lost where it can be helped, and nothing raises.

    UTF-16 without a byte order mark has the order of the piece before it; the first one has that in which
    more of it is ASCII, else little-endian. Bytes that are no UTF-8 become lone surrogates, so that
    encoding again gives them back.
    """
    if encoding is not TextEncoding.UTF16:
        codec, errors = _CODECS[encoding]
        return [_decode(piece, codec, errors) for piece in pieces]
    codec = "utf-16-be" if pieces and pieces[0][::2].count(0) > pieces[0][1::2].count(0) else "utf-16-le"
    texts: list[str] = []
    for piece in pieces:
        if piece.startswith((_LITTLE, _BIG)):
            codec = "utf-16-le" if piece.startswith(_LITTLE) else "utf-16-be"
            piece = piece[2:]
        texts.append(_decode(piece, codec, "surrogatepass"))
    return texts


def _decode(piece: bytes, codec: str, errors: str) -> str:
    try:
        return piece.decode(codec, errors)
    except UnicodeDecodeError:
        return piece.decode(codec, "replace")


def encode(text: str, encoding: TextEncoding) -> bytes:
    """``text`` without a terminator; UTF-16 with a little-endian byte order mark.

    Raises:
        UnicodeEncodeError: if ``encoding`` cannot hold it.
    """
    if encoding is TextEncoding.UTF16:
        return _LITTLE + text.encode("utf-16-le", "surrogatepass")
    return text.encode(*_CODECS[encoding])


def printable(text: str) -> str:
    """``text`` without the lone surrogates that stand for undecodable bytes."""
    return text.encode("utf-8", "replace").decode("utf-8")
