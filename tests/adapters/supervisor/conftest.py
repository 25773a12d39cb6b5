"""The fixture of this folder."""

from supervised_bench import bench

__all__ = ["bench"]
