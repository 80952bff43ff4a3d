"""Stores of companies: the port, which says what each must do; adapters are packages inside."""
