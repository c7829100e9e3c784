"""Coverage-guided fuzzing of every parser. ``README.md`` says how to run it."""
