"""Shared ground of both API clients: sending, timeouts, retry, pacing, redaction, errors."""
