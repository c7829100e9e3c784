"""noai inside other programs, with the real ones around it."""
