"""Label issues of plain arrays or of a run, and the clean view."""
