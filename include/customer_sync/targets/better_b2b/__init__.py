"""Better B2B as a target: client of its store management API, and adapter to the port."""
