"""What is linked and applied per customer."""
