"""What is to be done: window, difference, matching of users, limits, estimate. Pure."""
