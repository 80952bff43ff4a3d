"""The command line: customer-sync."""
