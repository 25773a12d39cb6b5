"""What documents need of the world: a typesetter for PDF, and a repository's commits."""
