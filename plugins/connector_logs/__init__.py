"""The Connector Logs pages."""
