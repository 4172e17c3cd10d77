"""What can be read: one folder per connector. Data only, no Python."""
