"""Local twins of both APIs, for demos, tests and benchmarks. They share no code with the product."""
