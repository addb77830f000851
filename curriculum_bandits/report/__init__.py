"""A page about one run: what was drawn, what it brought, what it cost.

``curriculum-bandits report RUN`` reads the record of a run, line by line, and writes a single HTML file that needs no
network. Reading needs numpy alone; the page needs matplotlib and Jinja2, the extra ``report``.
"""

from curriculum_bandits.report._page import write_report
from curriculum_bandits.report._reading import read_record

__all__ = ["read_record", "write_report"]
