"""Config -> graph of steps. Pure: nothing is read, run or imported that is heavy."""

from pipeline.engine.graph import Node
from pipeline.plan.graph import LeftOut, Plan, PlannedArtifact
from pipeline.plan.make import make_plan

__all__ = ["LeftOut", "Node", "Plan", "PlannedArtifact", "make_plan"]
