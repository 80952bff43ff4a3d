"""How load writes: intents first, several requests in flight, every answer settled in the ledger."""
