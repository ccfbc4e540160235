"""What the steps of our own have in common."""

from __future__ import annotations

import pytest
from tfx.types import Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.data_gate.executor import Executor
from components.tfx_base.step import Step


class CounterSpec(ComponentSpec):
    """A parameter, an input, an output."""

    PARAMETERS = {"least": ExecutionParameter(type=int)}
    INPUTS = {"examples": ChannelParameter(type=standard_artifacts.Examples)}
    OUTPUTS = {"counts": ChannelParameter(type=standard_artifacts.ExampleStatistics)}


class Counter(Step, spec=CounterSpec, executor=Executor):
    """Takes what the specification has."""


def test_outputs_are_made_by_the_specification():
    """Nobody names their types a second time."""
    counter = Counter(least=3, examples=Channel(standard_artifacts.Examples))
    assert counter.exec_properties["least"] == 3
    assert counter.outputs["counts"].type is standard_artifacts.ExampleStatistics
    assert counter.executor_spec.executor_class is Executor


def test_what_the_specification_does_not_know_is_refused():
    """As TFX refuses it."""
    with pytest.raises(ValueError, match="least"):
        Counter(examples=Channel(standard_artifacts.Examples))


def test_a_subclass_inherits_both():
    """A user may derive from a step without declaring it anew."""

    class Louder(Counter):
        """Adds nothing."""

    assert Louder.SPEC_CLASS is CounterSpec
    assert Louder.EXECUTOR_SPEC is Counter.EXECUTOR_SPEC
