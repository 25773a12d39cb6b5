"""The fixture of this folder."""

from processes_bench import bench

__all__ = ["bench"]
