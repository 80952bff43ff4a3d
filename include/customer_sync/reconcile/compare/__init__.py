"""Read both sides and the ledger, and say what differs."""
