"""What people read: log entries, alerts, metrics, reports."""
