"""KerasTuner's engine is there, and a search runs as ours counts on."""

from __future__ import annotations

import keras_tuner

from components.tuner import keras_tuner_adapter
from tests.canary import canary


def test_a_tuner_of_the_engine_asks_its_oracle_and_runs_trials(tmp_path):
    """Without a model: `run_trial` alone decides, and the oracle knows what was started."""
    with canary(keras_tuner_adapter.LIBRARY, keras_tuner_adapter.__name__):
        space = keras_tuner.HyperParameters()
        space.Choice("size", [1, 2, 3], default=3)
        starts = []

        class Oracle(keras_tuner.oracles.RandomSearchOracle):
            def populate_space(self, trial_id):
                starts.append(list(self.start_order))
                return {
                    "status": keras_tuner_adapter.TrialStatus.RUNNING,
                    "values": {"size": len(starts)},
                }

        class Tuner(keras_tuner_adapter.BaseTuner):
            def run_trial(self, trial, added):
                return {"loss": float(trial.hyperparameters.get("size") + added)}

        oracle = Oracle(
            objective=keras_tuner.Objective("loss", "min"), max_trials=2, hyperparameters=space
        )
        tuner = Tuner(oracle, directory=str(tmp_path), project_name="trials", overwrite=True)
        tuner.search(added=10)
        first, second = (oracle.trials[name] for name in oracle.start_order)
        assert starts == [[], [first.trial_id]]
        assert (first.score, second.score) == (11.0, 12.0)
        assert {first.status, second.status} == {keras_tuner_adapter.TrialStatus.COMPLETED}
        assert tuner.get_best_hyperparameters()[0].values == {"size": 1}
