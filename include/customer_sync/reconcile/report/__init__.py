"""The report of a reconciliation: page and tables."""
