"""Reconciliation: ERP, ledger and store compared, differences classed, reported, and repaired on request."""
