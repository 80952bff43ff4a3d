"""The steps of a run, one file per task of the DAG: extract, filter, transform, guard, load, audit.

Nothing is imported here: a task is a process of its own, and filter, guard or audit have no use for the
clients of both systems, which take longer to import than these steps to run.
"""
