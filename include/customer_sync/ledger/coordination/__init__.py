"""What keeps runs apart: leases, budgets, watermarks, incidents, the inbox of pushes."""
