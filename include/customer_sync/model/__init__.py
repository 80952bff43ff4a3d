"""Records of both sides, operations, outcomes and reasons. Pure."""
