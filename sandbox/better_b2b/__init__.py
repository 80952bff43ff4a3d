"""The store's twin."""
