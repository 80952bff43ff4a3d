"""How operations reach the store and the ERP: intent first, then the request, then the confirmation."""
