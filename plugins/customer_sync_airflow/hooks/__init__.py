"""Airflow connections turned into typed clients."""
