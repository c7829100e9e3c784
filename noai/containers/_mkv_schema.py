"""The elements of Matroska: their ids, kinds and places (RFC 9559; ``ebml_matroska.xml`` of the IETF).

Ids are numbers with their length marker, as the specification writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

SEGMENT: Final = 0x18538067
SEEK_HEAD: Final = 0x114D9B74
SEEK: Final = 0x4DBB
SEEK_ID: Final = 0x53AB
SEEK_POSITION: Final = 0x53AC

INFO: Final = 0x1549A966
TIMESTAMP_SCALE: Final = 0x2AD7B1
DURATION: Final = 0x4489
PREV_UUID: Final = 0x3CB923
NEXT_UUID: Final = 0x3EB923

CLUSTER: Final = 0x1F43B675
TIMESTAMP: Final = 0xE7
SILENT_TRACKS: Final = 0x5854
POSITION: Final = 0xA7
PREV_SIZE: Final = 0xAB
SIMPLE_BLOCK: Final = 0xA3
BLOCK_GROUP: Final = 0xA0
BLOCK: Final = 0xA1
BLOCK_DURATION: Final = 0x9B
REFERENCE_PRIORITY: Final = 0xFA
REFERENCE_BLOCK: Final = 0xFB
DISCARD_PADDING: Final = 0x75A2
ENCRYPTED_BLOCK: Final = 0xAF

TRACKS: Final = 0x1654AE6B
TRACK_ENTRY: Final = 0xAE
TRACK_NUMBER: Final = 0xD7
TRACK_TYPE: Final = 0x83
FLAG_ENABLED: Final = 0xB9
TRACK_TIMESTAMP_SCALE: Final = 0x23314F
TRACK_OFFSET: Final = 0x537F
CODEC_ID: Final = 0x86
CODEC_PRIVATE: Final = 0x63A2
CODEC_DELAY: Final = 0x56AA
TRACK_OVERLAY: Final = 0x6FAB
TRACK_OPERATION: Final = 0xE2
AUDIO: Final = 0xE1
SAMPLING_FREQUENCY: Final = 0xB5
OUTPUT_SAMPLING_FREQUENCY: Final = 0x78B5
CHANNELS: Final = 0x9F
BIT_DEPTH: Final = 0x6264
CONTENT_ENCODINGS: Final = 0x6D80
CONTENT_ENCODING: Final = 0x6240
ENCODING_SCOPE: Final = 0x5032
ENCODING_TYPE: Final = 0x5033
COMPRESSION: Final = 0x5034
COMPRESSION_ALGORITHM: Final = 0x4254
COMPRESSION_SETTINGS: Final = 0x4255

CUES: Final = 0x1C53BB6B
CUE_CLUSTER_POSITION: Final = 0xF1
CUE_CODEC_STATE: Final = 0xEA
CUE_REFERENCE_CLUSTER: Final = 0x97
CUE_REFERENCE_CODEC_STATE: Final = 0xEB

ATTACHMENTS: Final = 0x1941A469
ATTACHED_FILE: Final = 0x61A7
FILE_NAME: Final = 0x466E
FILE_MEDIA_TYPE: Final = 0x4660
FILE_DATA: Final = 0x465C

CHAPTERS: Final = 0x1043A770
EDITION_FLAG_ORDERED: Final = 0x45DD
CHAPTER_FLAG_ENABLED: Final = 0x4598
CHAPTER_SEGMENT_UUID: Final = 0x6E67
CHAPTER_SKIP_TYPE: Final = 0x4588
CHAPTER_PROCESS: Final = 0x6944

TAGS: Final = 0x1254C367
TAG: Final = 0x7373
TARGETS: Final = 0x63C0
TARGET_TYPE_VALUE: Final = 0x68CA
TARGET_TYPE: Final = 0x63CA
SIMPLE_TAG: Final = 0x67C8
TAG_NAME: Final = 0x45A3
TAG_STRING: Final = 0x4487
TAG_BINARY: Final = 0x4485

#: Each master with its children. A letter tells the kind: m master, u and i numbers without and with sign,
#: f float, s and t strings (ASCII and UTF-8), d date, b binary. A star: it may stand there several times.
_SCHEMA: Final = """
18538067: 114D9B74m* 1549A966m* 1F43B675m* 1654AE6Bm* 1C53BB6Bm* 1941A469m* 1043A770m* 1254C367m*
114D9B74: 4DBBm*
4DBB: 53ABb 53ACu
1549A966: 73A4b 7384t 3CB923b 3C83ABt 3EB923b 3E83BBt 4444b* 6924m* 2AD7B1u 4489f 4461d 7BA9t 4D80t
    5741t
6924: 69A5b 69BFu 69FCu*
1F43B675: E7u 5854m A7u ABu A3b* A0m* AFb*
5854: 58D7u*
A0: A1b A2b 75A1m 9Bu FAu FBi* FDi A4b 75A2i 8Em C8m
75A1: A6m*
A6: A5b EEu
8E: E8m*
E8: CCu CDu CBu CEu CFu
C8: C9u CAu
1654AE6B: AEm*
AE: D7u 73C5u 83u B9u 88u 55AAu 55ABu 55ACu 55ADu 55AEu 55AFu 9Cu 6DE7u 6DF8u 23E383u 234E7Au 23314Ff
    537Fi 55EEu 41E4m* 536Et 22B59Cs 22B59Ds 86s 63A2b 258688t 7446u* 3A9697t 3B4040s* 26B240s* AAu
    6FABu* 56AAu 56BBu 6624m* E0m E1m E2m C0u C1b C6u C7u C4b 6D80m
41E4: 41F0u 41A4s 41E7u 41EDb
6624: 66A5b 66BFu 66FCu*
E0: 9Au 9Du 53B8u 53C0u 53B9u B0u BAu 54AAu 54BBu 54CCu 54DDu 54B0u 54BAu 54B2u 54B3u 2EB524b 2FB523f
    2383E3f 55B0m 7670m
55B0: 55B1u 55B2u 55B3u 55B4u 55B5u 55B6u 55B7u 55B8u 55B9u 55BAu 55BBu 55BCu 55BDu 55D0m
55D0: 55D1f 55D2f 55D3f 55D4f 55D5f 55D6f 55D7f 55D8f 55D9f 55DAf
7670: 7671u 7672b 7673f 7674f 7675f
E1: B5f 78B5f 9Fu 7D7Bb 6264u 52F1u
E2: E3m E9m
E3: E4m*
E4: E5u E6u
E9: EDu*
6D80: 6240m*
6240: 5031u 5032u 5033u 5034m 5035m
5034: 4254u 4255b
5035: 47E1u 47E2b 47E7m 47E3b 47E4b 47E5u 47E6u
47E7: 47E8u
1C53BB6B: BBm*
BB: B3u B7m*
B7: F7u F1u F0u B2u 5378u EAu DBm*
DB: 96u 97u 535Fu EBu
1941A469: 61A7m*
61A7: 467Et 466Et 4660s 465Cb 46AEu 4675b 4661u 4662u
1043A770: 45B9m*
45B9: 45BCu 45BDu 45DBu 45DDu 4520m* B6m*
4520: 4521t 45E4s*
B6: 73C4u 5654t 91u 92u 98u 4598u 6E67b 4588u 6EBCu 63C3u 8Fm 80m* 6944m* B6m*
8F: 89u*
80: 85t 437Cs* 437Ds* 437Es*
6944: 6955u 450Db 6911m*
6911: 6922u 6933b
1254C367: 7373m*
7373: 63C0m 67C8m*
63C0: 68CAu 63CAs 63C5u* 63C9u* 63C4u* 63C6u* 63C7u*
67C8: 45A3t 447As 447Bs 4484u 44B4u 4487t 4485b 67C8m*
"""


class Rule(NamedTuple):
    """What an element is where it belongs."""

    kind: str
    repeats: bool


def _parse(schema: str) -> dict[int, dict[int, Rule]]:
    rules: dict[int, dict[int, Rule]] = {}
    children: dict[int, Rule] = {}
    for word in schema.split():
        if word.endswith(":"):
            children = rules[int(word[:-1], 16)] = {}
        else:
            name = word.rstrip("*")
            children[int(name[:-1], 16)] = Rule(name[-1], word.endswith("*"))
    return rules


#: Of each master its children. Those that may stand anywhere, Void and CRC-32, are left out.
CHILDREN: Final[Mapping[int, Mapping[int, Rule]]] = MappingProxyType(_parse(_SCHEMA))
#: All that have a place of their own.
KNOWN: Final = frozenset({SEGMENT}.union(*CHILDREN.values()))

#: For people: the parts of a segment.
PARTS: Final = MappingProxyType(
    {
        SEEK_HEAD: "SeekHead",
        INFO: "Info",
        CLUSTER: "Cluster",
        TRACKS: "Tracks",
        CUES: "Cues",
        ATTACHMENTS: "Attachments",
        CHAPTERS: "Chapters",
        TAGS: "Tags",
    }
)
#: Names of the elements that hold text for people.
TEXTS: Final = MappingProxyType(
    {
        0x7384: "SegmentFilename",
        0x3C83AB: "PrevFilename",
        0x3E83BB: "NextFilename",
        0x7BA9: "Title",
        0x4D80: "MuxingApp",
        0x5741: "WritingApp",
        0x536E: "Name",
        0x258688: "CodecName",
        0x3A9697: "CodecSettings",
        0x467E: "FileDescription",
        FILE_NAME: "FileName",
        0x4521: "EditionString",
        0x5654: "ChapterStringUID",
        0x85: "ChapString",
    }
)
