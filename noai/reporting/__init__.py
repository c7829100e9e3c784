"""The report for people: one self-contained HTML file made of verdict records.

- ``records``: one record, read from untrusted JSON.
- ``reading``: the records of an output file, one by one.
- ``summary``: what they come to, in bounded memory.
- ``rows``: the table of files, packed so that a browser opens it quickly.
- ``page``, ``sections``, ``html``: the document; its template, style and script are files beside them.
"""

from noai.reporting.making import Made, make_report

__all__ = ["Made", "make_report"]
