"""Undo: the writes of a run taken back by a plan like any other."""
