"""One measure over time, against its limit: as a picture and in the terminal. Values in, text out.

model.py      Chart: frozen, the ``--json`` output
gathering.py  from snapshots and verdicts to charts
thinning.py   hours made few, no extreme lost; gaps kept
scales.py     axes
telling.py    a chart in words
svg.py        svg(chart) -> text; curves.py its lines, paper.py what they stand on
cells.py      draw(chart, width, rows) -> lines
"""

from pilotage.views.chart.cells import draw
from pilotage.views.chart.gathering import Gathering, charts_of
from pilotage.views.chart.model import Chart, Point, Step, Turn
from pilotage.views.chart.svg import svg

__all__ = ["Chart", "Gathering", "Point", "Step", "Turn", "charts_of", "draw", "svg"]
