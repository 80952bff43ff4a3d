"""The product: what a customer of the ERP becomes in the store, and how it gets there."""
