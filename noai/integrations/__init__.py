"""noai inside other people's programs: a framework is imported by the modules that are about it alone."""
