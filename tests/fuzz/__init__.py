"""A fuzzer of every protocol endpoint: right requests, changed; and what must hold for every answer. docs/fuzz.md."""
