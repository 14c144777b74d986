"""Findings as text for people, editors and pipelines; a run imports the one format it prints."""
