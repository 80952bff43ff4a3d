"""The DAGs, a file each kind; every one is documented by the docstring of its file."""
