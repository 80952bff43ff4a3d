"""Discovery: what two systems say of themselves becomes a proposed connector file, with questions. Pure."""
