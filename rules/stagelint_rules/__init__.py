"""What is known about Dockerfiles: one rule, one file, one class."""
