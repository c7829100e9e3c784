"""Named limits on everything that is read from a file, each with its reason.

Reaching one raises :class:`noai.errors.LimitExceeded` or becomes a finding that forbids
``allowed`` and ``unreserved``: a limit is never a way to hide a reservation.
"""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

#: One read while hashing. Large enough that SHA-256 runs outside the GIL for most of the time.
READ_SIZE: Final = 1 * MIB

# -- marker v1 (docs/format/marker-v1.md, "Limits") ------------------------------------------
#: Characters of one compact token. A five-certificate RSA chain fits; nothing honest is larger.
TOKEN_CHARS: Final = 16 * KIB
#: Tokens looked at in one file. Two or three occur (label and distributor).
TOKENS_PER_FILE: Final = 8
#: Nesting of JSON in a token. The payload itself needs 3.
JSON_DEPTH: Final = 8
#: Certificates in ``x5c``.
CHAIN_CERTIFICATES: Final = 5
#: Signature operations a file may cost: 8 tokens would otherwise buy 40 with long chains.
SIGNATURE_CHECKS: Final = 16
#: Bytes of one DER certificate. Real ones are 0.5 to 3 KiB.
CERTIFICATE_BYTES: Final = 8 * KIB

# -- tag areas -------------------------------------------------------------------------------
#: Text and small binary metadata held in memory for one file, pictures apart (they are skipped).
TAG_BYTES: Final = 1 * MIB
#: Bytes of one item that is read as text. Longer ones are an error, not cut.
TAG_VALUE_BYTES: Final = 256 * KIB
#: ID3 frames, Vorbis comments, APEv2 items, RIFF INFO entries together. c2pa-rs takes 39 s for 20,000 frames.
TAG_ITEMS: Final = 2_000
#: Notes on one tag area. Damaged files have two or three; the rest is summed up in one more.
AREA_NOTES: Final = 64
#: ID3v2 tags in one file. Taggers that misbehave have been seen to leave three.
ID3_TAGS: Final = 8
#: Bytes of ID3 that are decoded in memory where unsynchronisation forbids reading in place.
ID3_UNSYNCHRONISED_BYTES: Final = 16 * MIB
#: How far the first MPEG frame is searched for behind ID3 tags: a tag with too small a size leaves the
#: rest of its picture there.
MP3_JUNK_BYTES: Final = 1 * MIB
#: The same where no tag says that this is MPEG audio; ffmpeg looks as far.
MP3_UNTAGGED_JUNK_BYTES: Final = 64 * KIB
#: How far in front of the end of MPEG audio tags are looked for that do not end exactly there.
STRAY_TAG_BYTES: Final = 4 * KIB
#: Boxes or chunks in one file (c2pa-rs: over 60 s for 100,000 ``free`` boxes).
BOXES: Final = 10_000
#: Boxes in the fragments of one MP4 besides: 28 hours in pieces of 5 s, six boxes a piece, are 120,000.
MP4_FRAGMENT_BOXES: Final = 120_000
#: Nesting of BMFF boxes. moov/trak/mdia/minf/stbl/stsd/mp4a/wave/esds is 9.
BOX_DEPTH: Final = 16
#: Samples in the tables of one MP4 track: 48 hours of AAC at 48 kHz are 8.1 million.
MP4_SAMPLES: Final = 20_000_000
#: Tracks in one MP4.
MP4_TRACKS: Final = 64
#: Stretches of contiguous samples in one MP4. Interleaved video makes two a second: 48 hours are 345,600.
MP4_RUNS: Final = 1_000_000
#: Entries of one edit list. Encoders write one or two, editors a few hundred.
MP4_EDITS: Final = 10_000
#: Bytes of one MP4 sample entry. Decoder configurations have 20 to 500 bytes.
SAMPLE_ENTRY_BYTES: Final = 64 * KIB
#: Bytes of a ``moov`` that marking rewrites in memory. 48 hours of AAC make 40 MiB; covers come on top.
MP4_MOOV_BYTES: Final = 64 * MIB
#: Logical streams (chained or multiplexed) in one Ogg file.
OGG_STREAMS: Final = 256
#: Bytes of one Ogg packet. Vorbis setup headers reach 64 KiB; comment packets carry pictures.
OGG_PACKET_BYTES: Final = 64 * MIB
#: Ogg pages with header packets in one file. mutagen lays 64 MiB of pictures onto 16,384.
OGG_HEADER_PAGES: Final = 32_768
#: Bytes of one codec header that becomes part of a canonical configuration.
CODEC_HEADER_BYTES: Final = 1 * MIB
#: Bytes of an XMP packet that is parsed.
XMP_BYTES: Final = 256 * KIB
#: Nesting of elements in an XMP packet. Structures in arrays in structures reach about 20.
XMP_DEPTH: Final = 64
#: Characters of one XML namespace in XMP. Real ones have 20 to 60; every element gets a copy of its own.
XMP_NAMESPACE_CHARS: Final = 1 * KIB
#: Packets in one XMP blob. Careless writers have been seen to append a second one.
XMP_PACKETS: Final = 16
#: Findings that one vocabulary's reader lists for one file; the rest is summed up in one more.
FINDINGS_PER_READER: Final = 64
#: Characters of a usage preference that are parsed as a structured field. Real ones have 10 to 100.
PREFERENCE_CHARS: Final = 4 * KIB

# -- C2PA ------------------------------------------------------------------------------------
#: Bytes of a manifest store that is read. Ours is 12 KiB; chains with thumbnails reach a few MiB.
MANIFEST_BYTES: Final = 16 * MIB
#: Manifest stores in one file that are looked at.
MANIFESTS_PER_FILE: Final = 4
#: JUMBF boxes and CBOR items in one store.
JUMBF_BOXES: Final = 4_000
CBOR_ITEMS: Final = 200_000
CBOR_DEPTH: Final = 32
#: Bytes of one training-and-data-mining assertion. Five entries with their constraints take 1 KiB.
TRAINING_ASSERTION_BYTES: Final = 64 * KIB
#: Largest file that is signed with C2PA: the library takes about three bytes of memory a byte.
C2PA_SIGN_BYTES: Final = 256 * MIB
