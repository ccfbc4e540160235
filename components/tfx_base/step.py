"""`Step`: a TFX component that is declared in its class statement."""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.components.base.base_executor import BaseExecutor


class Step(base_component.BaseComponent):
    """A component of TFX's that is declared in its class statement.

    The arguments of the statement are TFX's `SPEC_CLASS` and the class that carries the step out;
    a class that names neither inherits both. Output channels have the types that the specification
    gives them.
    """

    def __init_subclass__(
        cls,
        *,
        spec: type[types.ComponentSpec] | None = None,
        executor: type[BaseExecutor] | None = None,
        **more: Any,
    ):
        """Keeps both where TFX looks for them."""
        super().__init_subclass__(**more)
        if spec:
            cls.SPEC_CLASS = spec
        if executor:
            cls.EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor)

    def __init__(self, **given: Any):
        """Takes the specification's parameters and input channels, by name."""
        outputs = self.SPEC_CLASS.OUTPUTS.items()
        written = {name: types.Channel(type=parameter.type) for name, parameter in outputs}
        super().__init__(self.SPEC_CLASS(**given, **written))
