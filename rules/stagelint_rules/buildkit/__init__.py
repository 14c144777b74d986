"""The checks of `docker build --check`, under BuildKit's names; a rule a file."""
