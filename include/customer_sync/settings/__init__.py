"""The connector file: its sections, how it is read, and what connectors share."""
