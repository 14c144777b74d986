"""What hadolint checks, under its codes; a rule a file."""
