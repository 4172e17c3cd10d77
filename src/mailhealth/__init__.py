"""Customer health scores from e-mail: local, open, explained."""
