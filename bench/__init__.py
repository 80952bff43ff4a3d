"""Benchmarks: the sync and its peers on the same work, against local twins of both systems. `make bench`."""
