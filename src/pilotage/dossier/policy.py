"""The policy of a manifest: for each part of the release file, whether what is open blocks a start or warns."""

from __future__ import annotations

from pydantic import Field

from pilotage.core.readiness import Weight
from pilotage.core.values import Frozen


class Policy(Frozen):
    """What open items of the release file do to a start: block, warn, or ignore. A way back is never asked."""

    criteria: Weight = Field(default=Weight.BLOCK, description="Criteria for success and for taking back.")
    definition_of_done: Weight = Field(default=Weight.BLOCK, description="What must be accepted before.")
    non_functional: Weight = Field(default=Weight.BLOCK, description="Requirements that are no functions.")
    work_items: Weight = Field(default=Weight.BLOCK, description="Stories and defects that are not accepted.")
    stakeholders: Weight = Field(default=Weight.BLOCK, description="Those whose yes is needed.")
    communication: Weight = Field(default=Weight.BLOCK, description="Messages to be sent before.")
    training: Weight = Field(default=Weight.BLOCK, description="Those who must learn something.")
    support: Weight = Field(default=Weight.BLOCK, description="People who stand by, all the time.")
    risks: Weight = Field(default=Weight.BLOCK, description="Risks that nobody has accepted or closed.")
    issues: Weight = Field(
        default=Weight.BLOCK, description="Open issues: grave ones, and those of security and compliance."
    )
    recovery: Weight = Field(default=Weight.BLOCK, description="A fresh restore point, and a rehearsal.")
    vendors: Weight = Field(default=Weight.BLOCK, description="Licences, contracts and versions of others.")
    change: Weight = Field(default=Weight.BLOCK, description="The approval of the change.")
    windows: Weight = Field(default=Weight.BLOCK, description="Whether it is within a cut-over window.")
    residency: Weight = Field(default=Weight.BLOCK, description="Regions where data are and may be.")
    compliance: Weight = Field(default=Weight.BLOCK, description="Rules that must be kept.")
    interfaces: Weight = Field(default=Weight.WARN, description="Old interfaces kept beyond their day.")
    runbook: Weight = Field(default=Weight.BLOCK, description="Manual steps to be ticked off before.")

    def over(self, below: Policy) -> Policy:
        """This policy where it says something, else the one below."""
        return below.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})

    def weight(self, subject: str) -> Weight:
        """Of the part of that name; what has none blocks."""
        found: Weight = getattr(self, subject, Weight.BLOCK)
        return found
