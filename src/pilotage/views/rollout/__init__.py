"""One rollout, drawn the same for the command line, the API, the pages and notifications.

model.py      RolloutView: frozen, the ``--json`` output
making.py     view_of(state, events, glance, now) -> RolloutView
coming.py     what it waits for, and what comes next
drawing.py    draw(view, width, height) -> lines; as_text
"""

from pilotage.views.rollout.drawing import as_text, draw
from pilotage.views.rollout.making import view_of
from pilotage.views.rollout.model import RolloutView

__all__ = ["RolloutView", "as_text", "draw", "view_of"]
