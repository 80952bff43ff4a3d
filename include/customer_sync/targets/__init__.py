"""Stores of companies: what each must do, and the adapters."""
