"""Many files: finding them in folders, and judging them one after the other or in processes."""

from noai.corpus.judging import Judged, judge
from noai.corpus.walking import AUDIO_EXTENSIONS, Candidate, Passed, walk
from noai.corpus.workers import judge_all

__all__ = ["AUDIO_EXTENSIONS", "Candidate", "Judged", "Passed", "judge", "judge_all", "walk"]
