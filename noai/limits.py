"""Named limits on everything that is read from a file, each with its reason.

Reaching one raises :class:`noai.errors.LimitExceeded` or becomes a finding that forbids
``allowed`` and ``unreserved``: a limit is never a way to hide a reservation.
"""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

#: One read while hashing. Large enough that SHA-256 runs outside the GIL for most of the time, and small
#: enough to stay in a processor's own cache and in memory that was used before: 1 MiB takes 5 to 20 % more.
READ_SIZE: Final = 512 * KIB
#: The same where another thread searches: behind each read it has to wait for the GIL, so there are fewer.
FEED_READ: Final = 1 * MIB
#: What is shorter is hashed without a thread, which costs a tenth of a millisecond, as does hashing 200 KiB.
HASH_ALONE: Final = 1 * MIB
#: One read of what is searched meanwhile; the search holds that lock, and has to let go of it often.
SCAN_READ: Final = 256 * KIB
#: Threads that hash at a time in one process: the essence, what searches it, and one more file's.
HASH_THREADS: Final = 4

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
#: Certificates of which is kept what was found out about them. A corpus has some dozens of signers.
CERTIFICATES_KEPT: Final = 128

# -- timestamps (docs/format/marker-v1.md, "Timestamps") ---------------------------------------
#: Bytes of one timestamp. Those of public authorities, with their certificates, have 3 to 7 KiB.
TIMESTAMP_BYTES: Final = 16 * KIB
#: Timestamps of one marker that are verified. One is enough, and two where an authority's days are numbered.
TIMESTAMPS_PER_MARKER: Final = 4
#: Bytes of what an authority answers over HTTP: a timestamp with a status around it.
TIMESTAMP_ANSWER_BYTES: Final = 2 * TIMESTAMP_BYTES
#: Bytes of the terms at an address, of which marking records the digest. Pages with all in them have 5 MiB.
TERMS_BYTES: Final = 16 * MIB
#: Seconds that an authority, or a server with terms, may take for one answer.
FETCH_SECONDS: Final = 30

# -- consent (docs/format/consent-v1.md) ------------------------------------------------------
#: Characters of a text in a statement of consent: a URI, a name, a model.
CONSENT_TEXT_CHARS: Final = 2_000
#: Items of a list in one: tracks, ISRCs, what has ended. A status list holds no more.
CONSENT_ITEMS: Final = 50_000
#: Characters of a status list: everything that an identity has ever ended, at a hundred a piece.
STATUS_CHARS: Final = 4 * MIB
#: Bytes of one file of statements. A million grants have 2 GB; they belong into more than one file.
CONSENT_FILE_BYTES: Final = 256 * MIB
#: Lines of one, blank ones counted: ten times as many as statements find room in it.
CONSENT_FILE_LINES: Final = 1_000_000
#: Characters of revocations and status lists that do not hold: each grant is looked for in all of them.
CONSENT_DOUBT_CHARS: Final = 1 * MIB
#: Statements of consent that are shown with one file although they do not count.
CONSENT_SHOWN: Final = 8

# -- manifests of data sets (noai.integrations) --------------------------------------------------
#: Bytes of one line: a long transcript has 100 KB, one with the times of its words ten times that.
MANIFEST_LINE_BYTES: Final = 16 * MIB
#: Answers on files that are remembered, since many utterances are cut from one: a refusal takes 700 bytes.
GATE_ANSWERS: Final = 100_000
#: Whole verdicts that are, each of about 5 KB.
GATE_VERDICTS: Final = 2_000
#: Tar files of which is remembered what is in them: 2,000 members take 200 KB, and shards come in order.
GATE_TARS: Final = 16
#: Things in one collection that a cut carries along. More are not for one cut, or never end.
CUT_ITEMS: Final = 10_000

# -- catalogues (docs/howto/catalogue.md) -------------------------------------------------------
#: Bytes of one catalogue: a hundred thousand tracks with every column filled take 40 MB.
CATALOGUE_BYTES: Final = 64 * MIB
#: Tracks in one catalogue.
CATALOGUE_ROWS: Final = 200_000
#: Problems of one catalogue that are told. Who has more has made one mistake many times.
CATALOGUE_PROBLEMS: Final = 100
#: Characters of one text in a claim. All of a token has 16,384, of which a chain of certificates takes half.
CLAIM_TEXT_CHARS: Final = 2_000
#: Characters of a title or a name of artists that is taken from a file's own tags, which nobody proofreads.
TAG_TEXT_CHARS: Final = 300

# -- tag areas -------------------------------------------------------------------------------
#: Text and small binary metadata held in memory for one file, pictures apart (they are skipped).
TAG_BYTES: Final = 1 * MIB
#: Bytes of one item that is read as text. Longer ones are an error, not cut.
TAG_VALUE_BYTES: Final = 256 * KIB
#: ID3 frames, Vorbis comments, APEv2 items, RIFF INFO entries together. c2pa-rs takes 39 s for 20,000 frames.
TAG_ITEMS: Final = 2_000
#: Text values in them: one item may hold many. A file in the test set of a tagger has 31,279, one a letter.
TAG_VALUES: Final = 50_000
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
#: FLAC streams joined in one file.
FLAC_STREAMS: Final = 64
#: Bytes that should be audio and do not end where the file promises, as far as they are searched.
SEARCHED_BYTES: Final = 1024 * MIB
#: Tags among the frames of one stream, where files were joined. An audiobook of 100 chapters has two a seam.
TAGS_BETWEEN: Final = 512
#: Places in one stream that look like the start of a tag and may be none: chance puts one into 1.5 GB.
TAG_MARKS: Final = 1_000
#: How far in front of the end of MPEG audio tags are looked for that do not end exactly there.
STRAY_TAG_BYTES: Final = 4 * KIB
#: Padding and other bytes that hold no text, as far as they are searched. Taggers leave 4 KiB.
OPAQUE_BYTES: Final = 4 * MIB
#: Boxes or chunks in one file (c2pa-rs: over 60 s for 100,000 ``free`` boxes).
BOXES: Final = 10_000
#: Sizes in the table of ``ds64``. It is for chunks beyond 4 GiB: one or two, if any.
RF64_TABLE_ENTRIES: Final = 1_000
#: Audio that marking moves within the copy, to put tags in front of it. What is more stays, and tags go
#: behind it: 256 MiB take a second to move, and sparse files would lose their holes.
MOVED_AUDIO_BYTES: Final = 256 * MIB
#: Bytes of a chunk in front of so much audio that is moved behind it because it grows. Tags with
#: pictures reach a few MiB.
MOVED_CHUNK_BYTES: Final = 16 * MIB
#: Boxes of the fragments of one MP4 besides: 24 hours in pieces of 6 s, nine boxes a piece, are 130,000.
MP4_FRAGMENT_BOXES: Final = 140_000
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
#: Bytes of padding and unknown boxes in one MP4 that are searched for statements. What taggers leave is a
#: ``moov`` box that they wrote anew elsewhere, and 48 hours of AAC make one of 40 MiB.
MP4_HIDDEN_BYTES: Final = 64 * MIB
#: Logical streams (chained or multiplexed) in one Ogg file.
OGG_STREAMS: Final = 256
#: Bytes of one Ogg packet. Vorbis setup headers reach 64 KiB; comment packets carry pictures.
OGG_PACKET_BYTES: Final = 64 * MIB
#: Ogg pages with header packets in one file. mutagen lays 64 MiB of pictures onto 16,384.
OGG_HEADER_PAGES: Final = 32_768
#: Ogg files up to this size are walked page by page, in one read, whatever they say of themselves.
OGG_WALKED_BYTES: Final = 128 * KIB
#: Bytes of the end of longer ones, of which the last page can take 65,307.
OGG_END_BYTES: Final = 64 * KIB
#: One read while Ogg pages are walked, at most: 60 pages of oggenc, 15 of opusenc.
OGG_AHEAD_BYTES: Final = 256 * KIB
#: Bytes of one codec header that becomes part of a canonical configuration.
CODEC_HEADER_BYTES: Final = 1 * MIB
#: WavPack blocks in one file: 48 hours in blocks of a quarter of a second are 691,200.
WAVPACK_BLOCKS: Final = 1_000_000
#: Metadata sub-blocks in one WavPack block. Real ones have up to 20.
WAVPACK_SUB_BLOCKS: Final = 64
#: Pieces in which a lossless encoder keeps the header or trailer of the original file: WavPack starts a
#: new one every 1,000,000 bytes.
WRAPPED_PIECES: Final = 64
#: Packets in one Musepack SV8 file: 48 hours in packets of 64 frames are 103,000.
MUSEPACK_PACKETS: Final = 200_000
#: Frames in one Musepack SV7 file: 48 hours are 6.6 million.
MUSEPACK_FRAMES: Final = 10_000_000
#: ADTS frames in one file: 48 hours of AAC at 48 kHz are 8.1 million.
ADTS_FRAMES: Final = 20_000_000
#: EBML elements that are walked in one file in front of its clusters, and in tags: chapters of 2,000 parts
#: make 24,000, an index in front with an entry every five seconds 35,000 in 10 hours.
EBML_ELEMENTS: Final = 100_000
#: Nesting of EBML elements. Chapters in chapters and tags in tags reach 8; ffmpeg reads 16.
EBML_DEPTH: Final = 16
#: Elements at the top level of Matroska segments: 48 hours in clusters of 0.74 s, as mkvmerge makes them of
#: audio alone, are 233,000.
MATROSKA_TOP_ELEMENTS: Final = 250_000
#: Blocks in one Matroska file: 48 hours of Opus are 8.6 million.
MATROSKA_BLOCKS: Final = 20_000_000
#: Elements beside blocks in the clusters of one file. Most muxers write one a cluster, some three.
MATROSKA_CLUSTER_ELEMENTS: Final = 250_000
#: Elements in the index of one Matroska file: 24 hours by mkvmerge, seven elements a cluster, are 817,000.
MATROSKA_INDEX_ELEMENTS: Final = 1_000_000
#: Bytes of one Matroska block with audio. PCM of many channels at high rates reaches 1 MiB.
MATROSKA_BLOCK_BYTES: Final = 16 * MIB
#: Tracks in one Matroska file.
MATROSKA_TRACKS: Final = 256
#: Bytes of one Matroska element (tags, index) that marking rewrites in memory; tags may hold pictures.
MATROSKA_REWRITE_BYTES: Final = 16 * MIB
#: Bytes of the packet table of one CAF file: 48 hours of AAC take 16 MiB.
CAF_TABLE_BYTES: Final = 32 * MIB
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

# -- what a site says over HTTP ----------------------------------------------------------------
#: Fields of one response that are looked at. Servers stop at 100 to 200; redirections add theirs.
HTTP_FIELDS: Final = 1_000
#: Characters of one field. Servers send no more than 8 to 16 KiB in all.
HTTP_FIELD_CHARS: Final = 16 * KIB
#: Bytes of robots.txt. RFC 9309, section 2.5, asks for at least as many.
ROBOTS_BYTES: Final = 500 * KIB
#: Lines in it that speak about use. One a group, with a group for each of a hundred crawlers, is 200.
ROBOTS_RULES: Final = 1_000
#: Bytes of tdmrep.json, and rules in it. Real ones have one to twenty rules.
TDMREP_BYTES: Final = 512 * KIB
TDMREP_RULES: Final = 2_000
#: Bytes of an RSL document, elements and licences in it, and their nesting. In a feed each item has its own
#: licence, and of items there are a few hundred; a licence in content in an item in a feed nests eight deep.
RSL_BYTES: Final = 1 * MIB
RSL_ELEMENTS: Final = 20_000
RSL_LICENCES: Final = 1_000
RSL_DEPTH: Final = 32

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
#: Largest file that gets a C2PA manifest. Memory does not grow with it, but beyond this the passes over the
#: file take minutes; RIFF ends here anyway.
C2PA_SIGN_BYTES: Final = 4096 * MIB
#: Largest original whose own manifest becomes the parent of a new one: the library reads it into memory.
C2PA_PARENT_BYTES: Final = 256 * MIB
#: Ranges, or rules for boxes, that one hash in a manifest leaves out. Ogg needs one for each page at most.
C2PA_EXCLUSIONS: Final = 1_024
#: Bytes of one store, embedded files apart, that the C2PA library is asked about. It takes up to 160 bytes of
#: memory for each, and time that grows with their square; each signing adds 10 to 20 KiB.
C2PA_PARSED_BYTES: Final = 1 * MIB
#: Processor time in seconds for validating one store. An honest one takes a thousandth to a tenth; processor
#: time, since the clock on the wall runs on while a busy machine does something else.
C2PA_CPU_SECONDS: Final = 10
#: Seconds by the clock after which a validation that does not even use the processor is given up.
C2PA_WAIT_SECONDS: Final = 120
#: Memory of the process that validates. 16 MiB of pictures take 180 MiB.
C2PA_MEMORY: Final = 512 * MIB
#: Bytes of what it answers. Two thousand assertions make 800 KB.
C2PA_ANSWER_BYTES: Final = 4 * MIB

# -- many files --------------------------------------------------------------------------------
#: Files that one worker gets at a time: enough that handing them over costs little beside judging them.
BATCH_FILES: Final = 256
#: Bytes of one chunk of an output, or verdicts in one: what crosses between processes at a time.
OUTPUT_CHUNK_BYTES: Final = 1 * MIB
OUTPUT_CHUNK_VERDICTS: Final = 256
#: Bytes of chunks of one batch that a worker keeps in memory. An archive can yield any number of them.
OUTPUT_SPILL_BYTES: Final = 4 * MIB
#: Bytes, as JSON, of the paths that a receipt tells in full, and of each kind of pattern: a token has room
#: for little more beside a chain of five certificates. The digest beside them covers all.
RECEIPT_LISTED_BYTES: Final = 1 * KIB

# -- archives ----------------------------------------------------------------------------------
#: Members of one archive. Published shards hold 1,000 to 100,000.
ARCHIVE_MEMBERS: Final = 1_000_000
#: Bytes of compressed members that are held in memory at a time: one, or those of one sample. 40 minutes of
#: FLAC at 96 kHz take as many.
ARCHIVE_HELD_BYTES: Final = 256 * MIB
#: Members that stand or fall together as one sample. More than that with one key are several samples.
ARCHIVE_SAMPLE_MEMBERS: Final = 1_000
#: Files in one archive that may be sidecars of tracks: where each stands is kept in memory.
ARCHIVE_SIDECARS: Final = 200_000
#: How many times its own size an archive may inflate to, and what it may inflate to in any case. Digital
#: silence reaches 1,000, but not as a whole shard.
ARCHIVE_INFLATION: Final = 100
ARCHIVE_INFLATED_BYTES: Final = 1024 * MIB
#: Bytes of one extension header of a tar member (long names, pax records). Paths end at 4 KiB on Linux.
TAR_EXTENSION_BYTES: Final = 256 * KIB
#: Extension headers of one member. GNU tar writes two, pax one.
TAR_EXTENSIONS: Final = 8
#: Blocks with the map of one sparse member: 21 stretches each.
TAR_SPARSE_BLOCKS: Final = 4_096
#: Window of a zstd stream, as a power of two. ``zstd --long`` makes 27; more takes that much memory.
ZSTD_WINDOW_LOG: Final = 27
#: Bytes of values in one batch of Parquet rows that are in memory at a time.
PARQUET_BATCH_BYTES: Final = 32 * MIB
#: Rows of one such batch.
PARQUET_BATCH_ROWS: Final = 64
#: Bytes that are written as one row group. Rows of a larger one become several.
PARQUET_GROUP_BYTES: Final = 1024 * MIB
#: Bytes of one page header. Statistics of long values make them long; Arrow stops at 16 MiB.
PARQUET_HEADER_BYTES: Final = 1 * MIB
#: Pages in one row group: a page holds at least one value, and most hold 1 MiB of them.
PARQUET_PAGES: Final = 1_000_000
#: Nesting of the values in one Parquet column that are looked into. Lists of structures are 3.
PARQUET_DEPTH: Final = 8
#: Rows of one row group of Parquet, held in memory as Arrow: about 1 KB each.
PARQUET_ROW_GROUP: Final = 20_000
#: Seconds after which rows become a part of their own, so that a killed run loses no more.
PARQUET_PART_SECONDS: Final = 2
#: Bytes of one verdict record that is read back. A file with eight markers and their companions makes 40 KiB.
RECORD_BYTES: Final = 16 * MIB
#: Files that a report lists. From there on those that are admitted and unremarkable are summed up; a browser
#: needs a second to open so many, and 60 MiB of memory.
REPORT_ROWS: Final = 200_000
#: Files that a report lists at most, unremarkable ones apart.
REPORT_REMARKABLE_ROWS: Final = 500_000
#: Signers, containers, codes or questions that a report tells apart; there are as many as its input says.
REPORT_KINDS: Final = 500

# -- uploads -----------------------------------------------------------------------------------
#: Bytes of one upload that is judged or marked, where nobody says otherwise: an hour of stereo at 48 kHz and
#: 24 bit has 989 MiB.
UPLOAD_BYTES: Final = 1024 * MIB
#: Bytes of a request beside the upload in it: boundaries, field names, a few short fields.
UPLOAD_FORM_BYTES: Final = 1 * MIB

# -- noai serve --------------------------------------------------------------------------------
#: Uploads that a service receives, keeps waiting and works on at a time; each may take a file on its disk.
SERVICE_REQUESTS: Final = 256
#: Bytes of one upload in memory. What is larger goes to disk.
SERVICE_SPOOL_BYTES: Final = 256 * KIB
#: Fields of one form. All that can be said of a work, each once, are 20.
SERVICE_FIELDS: Final = 32
#: Bytes of one of them, and of a file's name, as far as file systems take one.
SERVICE_FIELD_BYTES: Final = 8 * KIB
SERVICE_NAME_BYTES: Final = 255
#: Seconds for one upload: a gigabyte at 14 Mbit/s.
SERVICE_UPLOAD_SECONDS: Final = 600
#: Seconds in which nothing comes, or nothing is taken, before a client is given up.
SERVICE_IDLE_SECONDS: Final = 20
#: Seconds that judging or marking one upload may take. A gigabyte of music takes 5; of frames without audio,
#: which nobody plays, it takes 450.
SERVICE_JUDGE_SECONDS: Final = 120
#: Seconds that a service which stops waits for what runs. Supervisors kill after 10 to 90.
SERVICE_STOP_SECONDS: Final = 30
#: Seconds in which work that is given up then has to end. It asks before each read.
SERVICE_END_SECONDS: Final = 5
#: Seconds after which a client that was refused for want of room may come again.
SERVICE_RETRY_SECONDS: Final = 2
#: Bytes and seconds of a refused body that are thrown away, so that the refusal is read before the cut.
SERVICE_LINGER_BYTES: Final = 64 * MIB
SERVICE_LINGER_SECONDS: Final = 2
#: Characters of a token. 16 random ones of a keyboard are 100 bits.
SERVICE_TOKEN_CHARS: Final = 16
#: Bytes of notices in a header of an answer. Servers in between take 4 to 8 KiB of headers in all.
SERVICE_NOTICES_BYTES: Final = 2 * KIB

# -- objects elsewhere -----------------------------------------------------------------------
#: Characters of one URL. Signed ones reach 2,000; servers take no more than 8 KiB.
REMOTE_URL_CHARS: Final = 8 * KIB
#: Times that one range is asked for. With the waits in between that is about ten seconds of trouble.
REMOTE_ATTEMPTS: Final = 5
#: Seconds that a server may ask to wait before the next attempt; longer ones end the attempts.
REMOTE_RETRY_AFTER_SECONDS: Final = 60
#: Redirections followed for one range. Hosters of files use one or two.
REMOTE_REDIRECTS: Final = 5
#: Seconds to connect, seconds between two pieces of an answer, and seconds for one range in all.
REMOTE_CONNECT_SECONDS: Final = 15
REMOTE_READ_SECONDS: Final = 30
REMOTE_REQUEST_SECONDS: Final = 120
#: Bytes of one range. Up to so many objects are read at a time as the caller asked for.
REMOTE_RANGE_BYTES: Final = 1 * MIB
#: Bytes of one object that are kept, to answer later reads from.
REMOTE_KEPT_BYTES: Final = 2 * MIB
#: Bytes of one object that are thrown away because its server sends no ranges, only all from the start.
REMOTE_SKIPPED_BYTES: Final = 64 * MIB
#: Times that all bytes of one object may come. Evidence reads them two or three times: its digest, the search
#: for what hides in audio, the essence.
REMOTE_READINGS: Final = 8
#: Bytes of one page of a listing. A thousand names of a thousand characters are 1 MB.
REMOTE_PAGE_BYTES: Final = 8 * MIB
#: Names of one listing that are held at a time to tell which are sidecars of which.
REMOTE_HELD_NAMES: Final = 10_000
#: Rows of Parquet that are records in memory at a time, each about 5 KB.
PARQUET_RECORDS: Final = 2_000
