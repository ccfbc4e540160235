"""Puts steps in the place of those that Kubeflow's compiler does not take.

The pipeline is the one of every engine. Its resolvers ask ML Metadata, which no step of a cluster
sees; `LastPushedModel` takes their place, under their names.
"""

from __future__ import annotations

import re
from typing import Any

from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.resolver import (
    RESOLVER_CONFIG,
    RESOLVER_STRATEGY_CLASS,
    Resolver,
)
from tfx.orchestration.pipeline import Pipeline

from components.evaluator.baseline import CANDIDATE, LatestBlessedPredecessor
from components.last_pushed.component import LastPushedModel
from components.tfx_base import tfx_adapter
from components.trainer.warm_start import LatestBlessedOfVariant

# The names that Kubeflow takes, https://www.kubeflow.org/docs/components/pipelines/reference/.
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 128


def lower(pipeline: Pipeline, serving_directory: str) -> None:
    """Replaces the resolvers of a pipeline.

    Args:
      pipeline: As `create_pipeline` made it.
      serving_directory: What the Pusher pushes to.
    """
    steps = list(pipeline.components)
    replaced = {
        step: _last_pushed(step, serving_directory) for step in steps if isinstance(step, Resolver)
    }
    tfx_adapter.replace_nodes(pipeline, replaced)


def runs_every_time(step: BaseNode) -> bool:
    """Returns whether a step must run each time: none of its inputs says that it would differ."""
    return isinstance(step, LastPushedModel)


def legal_name(name: str) -> str:
    """Returns a pipeline's name in small letters, digits and dashes.

    >>> legal_name("sample_sentiment")
    'sample-sentiment'
    """
    return _NOT_IN_NAMES.sub("-", name.lower()).strip("-")[:_LONGEST_NAME]


def _last_pushed(step: Resolver, serving_directory: str) -> LastPushedModel:
    """Returns what stands in for a resolver.

    Raises:
      TypeError: It is a strategy that is not known here.
    """
    strategy: Any = step.exec_properties[RESOLVER_STRATEGY_CLASS]
    config: dict[str, Any] = step.exec_properties[RESOLVER_CONFIG]
    if strategy is LatestBlessedPredecessor:
        instead = LastPushedModel(
            serving_directory,
            classes=config["classes"],
            candidate=step.raw_inputs[CANDIDATE],
        )
    elif strategy is LatestBlessedOfVariant:
        instead = LastPushedModel(serving_directory, variant=config["variant"])
    else:
        raise TypeError(f"{step.id}: no step is known that does what {strategy} does.")
    return instead.with_id(step.id)
