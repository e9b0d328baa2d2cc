"""The peers that bench.against_peers compares with: each is started, filled, and asked by a module of its own."""
