"""The Connector Logs pages: what happened to every customer, and why. Read from the ledger."""
