"""What has been learnt: one folder per model. Data only, no Python."""
