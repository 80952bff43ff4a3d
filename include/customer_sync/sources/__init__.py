"""Sources of customers: what each must do, and the adapters."""
