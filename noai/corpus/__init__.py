"""Many files: finding them, judging them in this process or in several, and writing down what they come to.

* :func:`scan`: verdicts on files, folders, archives and remote objects, as an iterator;
* :func:`admitted`: those of them that may enter the corpus;
* :func:`filter_archive`: an archive written anew without what may not;
* :class:`Selection`: which files of a folder are meant.
"""

from noai.corpus.filtering import admitted
from noai.corpus.judging import Judged, judge
from noai.corpus.patterns import Selection
from noai.corpus.resharding import filter_archive
from noai.corpus.scanning import scan
from noai.corpus.walking import AUDIO_EXTENSIONS, Candidate, Passed, walk
from noai.corpus.workers import judge_all

__all__ = [
    "AUDIO_EXTENSIONS",
    "Candidate",
    "Judged",
    "Passed",
    "Selection",
    "admitted",
    "filter_archive",
    "judge",
    "judge_all",
    "scan",
    "walk",
]
