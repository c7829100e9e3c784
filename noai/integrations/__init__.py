"""noai inside other people's programs: one file each, and none imports a framework before it is used."""
