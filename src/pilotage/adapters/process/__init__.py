"""The target ``process``: instances are processes of this machine, each under a small supervisor."""
