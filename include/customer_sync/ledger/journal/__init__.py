"""Requests that write: intents before they leave, and what became of them."""
