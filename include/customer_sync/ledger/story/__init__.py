"""What happened: runs, outcomes, log, plans."""
