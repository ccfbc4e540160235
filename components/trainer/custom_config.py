"""What Trainer and Tuner are told by their `custom_config`; every key has a default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components import features
from components.hyperparameters import Hyperparameters
from components.models.automatic import AUTO, configure_variants, variants_of
from components.models.decision import DecisionGoal, parse_goal
from components.models.registry import DEFAULT_MODEL, Variant
from components.models.shape import ModelShape
from components.trainer.tuned import tuned_values
from components.transform.token_settings import IMDB_TOKENS, TOKENS, TokenSettings

MODEL = "model"
HYPERPARAMETERS = "hyperparameters"
CANDIDATES = "candidates"
HAS_VALIDATION = "has_validation"
WARM_START = "warm_start"
IS_TUNED = "is_tuned"
CLASSES = "classes"
DECIDE = "decide"
MEMORY_BUDGET = "memory_budget"
CHECKPOINT_MINUTES = "checkpoint_minutes"
CHECKPOINT_FOLDER = "checkpoint_folder"
SOURCE_FINGERPRINT = "source_fingerprint"

# Gigabytes of token ids that are held in memory where nothing else is asked for.
DEFAULT_MEMORY_BUDGET = 4.0
DEFAULT_CHECKPOINT_MINUTES = 10.0


@dataclass(frozen=True)
class TrainingRequest:
    """One training, as the `custom_config` asks for it.

    Attributes:
      variant: What is trained; with candidates, the one for few reviews, until one is chosen.
      hyperparameters: All of them.
      has_validation: Whether the loss on eval is measured after each epoch.
      warm_start: Whether training continues from the weights of an earlier model.
      classes: Names of the classes, by label.
      tokens: How texts became token ids.
      candidates: With the model `auto`, the variants to choose from, with their hyperparameters;
        else none.
      chosen_because: Why it chose `variant`, in a sentence.
      memory_budget: Gigabytes of token ids that are held in memory.
      checkpoint_minutes: After how many minutes there is a checkpoint; 0 is never.
      checkpoint_folder: Where; "" is a place that TFX's names lead to.
      source_fingerprint: What names the code.
      goal: What the threshold between two classes is chosen for; None keeps 0.5.
    """

    variant: Variant
    hyperparameters: Hyperparameters
    has_validation: bool
    warm_start: bool
    classes: tuple[str, ...] = features.CLASSES
    tokens: TokenSettings = IMDB_TOKENS
    candidates: Mapping[str, Hyperparameters] = field(default_factory=dict)
    chosen_because: str = ""
    memory_budget: float = DEFAULT_MEMORY_BUDGET
    checkpoint_minutes: float = DEFAULT_CHECKPOINT_MINUTES
    checkpoint_folder: str = ""
    source_fingerprint: str = ""
    goal: DecisionGoal | None = None

    @property
    def memory_bytes(self) -> int:
        """Returns the memory budget in bytes."""
        return int(self.memory_budget * 1e9)

    @property
    def shape(self) -> ModelShape:
        """Returns the sizes of the model's input and of its answer."""
        return ModelShape(self.tokens.vocabulary_size, self.tokens.max_length, len(self.classes))

    @classmethod
    def from_fn_args(cls, fn_args: Any) -> TrainingRequest:
        """Reads `custom_config`, and what a Tuner found if `is_tuned` says so.

        Args:
          fn_args: `tfx.v1.components.FnArgs`.

        Raises:
          ConfigurationError: There is no such model, or `tokens` or `decide` cannot be used.
        """
        config = fn_args.custom_config or {}
        model = config.get(MODEL, DEFAULT_MODEL)
        variant = variants_of(model)[0]
        candidates = {}
        if model == AUTO:
            candidates = configure_variants(model, "", {})
            for name, values in config.get(CANDIDATES, {}).items():
                candidates[name] = candidates[name].overridden(**values)
            hyperparameters = candidates[variant.name]
        else:
            preset = variant.presets[variant.default_preset]
            hyperparameters = preset.overridden(**config.get(HYPERPARAMETERS, {}))
        if config.get(IS_TUNED):
            hyperparameters = hyperparameters.overridden(**tuned_values(fn_args.hyperparameters))
        classes = tuple(config.get(CLASSES, features.CLASSES))
        goal = parse_goal(config[DECIDE]) if config.get(DECIDE) else None
        if goal:
            goal.label_among(classes)
        return cls(
            variant,
            hyperparameters,
            config.get(HAS_VALIDATION, hyperparameters.needs_validation or goal is not None),
            config.get(WARM_START, False),
            classes,
            TokenSettings.from_config(config.get(TOKENS, {})),
            candidates,
            memory_budget=config.get(MEMORY_BUDGET, DEFAULT_MEMORY_BUDGET),
            checkpoint_minutes=config.get(CHECKPOINT_MINUTES, DEFAULT_CHECKPOINT_MINUTES),
            checkpoint_folder=config.get(CHECKPOINT_FOLDER, ""),
            source_fingerprint=config.get(SOURCE_FINGERPRINT, ""),
            goal=goal,
        )
