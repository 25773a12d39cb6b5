"""A rehearsal, for people and programs. Values in, lines and text out.

model.py     RehearsalView: frozen, the ``--json`` output
making.py    from a rehearsal and its plan to the view
words.py     its sentences, which the terminal and the page share
drawing.py   draw(view, width) -> lines
picture.py   svg(view) -> text
page.py      page(view) -> a whole HTML page, nothing to load, no script
"""

from pilotage.views.rehearsal.drawing import draw
from pilotage.views.rehearsal.making import view_of
from pilotage.views.rehearsal.model import RehearsalView
from pilotage.views.rehearsal.page import page
from pilotage.views.rehearsal.picture import svg

__all__ = ["RehearsalView", "draw", "page", "svg", "view_of"]
