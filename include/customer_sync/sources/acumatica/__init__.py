"""Acumatica as a source: client of its contract-based REST API, and adapter to the port."""
