"""The ERP's twin."""
