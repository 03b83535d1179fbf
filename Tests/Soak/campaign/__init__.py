"""A seeded campaign of faults against the running proxy."""
