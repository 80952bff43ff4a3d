"""What is wrong before a run: every check of connection, ERP, store, ledger and customers, without a write."""
