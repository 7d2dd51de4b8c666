"""The implementations of gRPC's interoperability tests that are put against each other."""
