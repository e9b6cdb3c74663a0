"""Pages: self-contained HTML, its sections a module and a template each."""

from penultimate.report.page.render import render, write_report

__all__ = ["render", "write_report"]
