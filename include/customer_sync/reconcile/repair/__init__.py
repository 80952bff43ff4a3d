"""Plan and apply repairs of what differs."""
