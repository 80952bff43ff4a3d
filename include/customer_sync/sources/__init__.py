"""Sources of customers: the port, which says what each must do; adapters are packages inside."""
