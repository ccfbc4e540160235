"""What is used of KerasTuner's engine: a tuner without KerasTuner's own training loop.

`keras_tuner.Tuner`, which is the public base class, builds and fits the model itself.
"""

from __future__ import annotations

import keras_tuner

LIBRARY = "keras-tuner"

BaseTuner = keras_tuner.engine.base_tuner.BaseTuner
TrialStatus = keras_tuner.engine.trial.TrialStatus
