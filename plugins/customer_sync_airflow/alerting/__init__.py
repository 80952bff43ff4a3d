"""Airflow callbacks that open and end incidents, and the channels that report them."""
