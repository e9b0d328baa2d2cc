"""One module a grant. The library parses and dispatches; each grant consumes what works once before it mints."""
