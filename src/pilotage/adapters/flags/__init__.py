"""Sources of feature flags. file.py: a file in flagd's format, which every OpenFeature client can watch."""
