"""What results say: in sentences, as a table in the terminal, and as one HTML page."""

from penultimate.report.imagenet import accuracy_sources
from penultimate.report.page.render import write_report
from penultimate.report.summary import sentences
from penultimate.report.table import ranked_table

__all__ = ["accuracy_sources", "ranked_table", "sentences", "write_report"]
