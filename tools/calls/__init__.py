"""Calls of several runtimes beside each other: what `make bench` and `make bench-growth` are made of."""
