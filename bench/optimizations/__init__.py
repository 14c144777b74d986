"""Projects built by a real BuildKit before and after they are optimized."""
