"""Which method fits a release: rules that are data, and what follows from them for what is known of it.

``table.yaml`` is the whole knowledge. This room only counts: it is pure, and knows neither files nor people.
"""

from pilotage.advisor.advice import Advice, advise
from pilotage.advisor.facts import Known, settle
from pilotage.advisor.table import Table, faults

__all__ = ["Advice", "Known", "Table", "advise", "faults", "settle"]
