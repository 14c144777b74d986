"""What makes images smaller and rebuilds faster: SL3xx."""
