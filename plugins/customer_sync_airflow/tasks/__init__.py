"""The tasks of the DAGs: hook, step, XCom and log."""
