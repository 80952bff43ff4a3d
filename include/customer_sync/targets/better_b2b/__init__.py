"""Typed client of the Better B2B store management API."""
