"""Typed client of the Acumatica contract-based REST API."""
