"""Archives, looked into without unpacking them: tar (plain, gzip, zstd; WebDataset), zip, Parquet.

The seam is :mod:`~noai.corpus.archives.interface`, one file a kind stands behind it, and
:mod:`~noai.corpus.archives.registry` lists them.
"""

from noai.corpus.archives.interface import Member
from noai.corpus.archives.judging import judge_archive, members
from noai.corpus.archives.registry import is_archive

__all__ = ["Member", "is_archive", "judge_archive", "members"]
