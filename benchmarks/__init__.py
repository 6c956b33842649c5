"""How fast, against whom: ``python -m benchmarks``. Every row verifies its result before it is timed."""
