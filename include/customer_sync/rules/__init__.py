"""Who is eligible, and what a customer becomes in the store. Pure."""
