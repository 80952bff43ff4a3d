"""Bytes of real systems, tried on the product and on the twins: `make real REAL=FOLDER` (docs/real.md)."""
