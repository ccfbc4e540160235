"""`run_fn`: builds the selected variant, fits it to the token ids, exports it."""

from __future__ import annotations

import hashlib
import os
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components import features
from components.errors import ConfigurationError
from components.hyperparameters import Hyperparameters
from components.layers.padding_states import fix_padding_states
from components.models.decision import Decision, decide
from components.models.registry import Variant
from components.models.shape import IMDB_SHAPE, ModelShape
from components.models.training_record import TrainingRecord
from components.trainer import devices, signatures, warm_start
from components.trainer.batches import read_examples, refuse_unknown_tokens
from components.trainer.checkpoints import Checkpoints, default_parent, key_of
from components.trainer.choice import choose_variant
from components.trainer.custom_config import TrainingRequest
from components.trainer.disk_tokens import Reviews, bytes_in_memory
from components.trainer.fit import Fitted, fit_variant, set_seeds

_BATCH = 256


def run_fn(fn_args: Any) -> None:
    """Trains and exports; TFX's Trainer calls it by the name "components.run_fn".

    The Trainer takes what Transform made of the reviews with `components.preprocessing_fn`. Its
    `custom_config` may hold:

      model: Name of the variant, one of `components.variant_names()`, by default `lstm`; or
        `auto`, see `components.trainer.choice`.
      hyperparameters: Values by name, in place of the variant's own; see `Hyperparameters`.
      candidates: With `auto`, the same for each variant by its name.
      has_validation: Whether the loss on eval is measured after each epoch; by default only where
        a hyperparameter asks for it.
      warm_start: Whether training continues from `base_model`, an earlier model of the variant.
      classes: Names of the classes, in the order of their labels 0, 1, ...; by default `negative`
        and `positive`.
      tokens: The settings that `preprocessing_fn` had, see `TokenSettings`; by default IMDB's.
      memory_budget: Gigabytes of token ids that are held in memory; more are read from disk, with
        the same result. By default 4.
      checkpoint_minutes: After how many minutes gradient descent leaves a checkpoint, from which
        the same training goes on if it was killed; 0 leaves none. By default 10.
      checkpoint_folder: Where; by default `checkpoints` in the Trainer's own folder, where TFX
        names that <Trainer>/model_run/<execution>. Elsewhere there are none without it.
      source_fingerprint: What names the code: a checkpoint of other code is not taken.
      decide: What the threshold between two classes is chosen for, on eval, see
        `components.models.decision`; by default it is 0.5.
      is_tuned: Whether the hyperparameters are those that a Tuner with `tuner_fn` found.

    It writes a SavedModel that takes raw text, see `components.trainer.signatures`.

    >>> from tfx.types import Channel, standard_artifacts as artifacts
    >>> from tfx.v1.components import Trainer
    >>> examples, graph = Channel(artifacts.Examples), Channel(artifacts.TransformGraph)
    >>> trainer = Trainer(
    ...     run_fn="components.run_fn",
    ...     examples=examples,
    ...     transform_graph=graph,
    ...     custom_config={"model": "linear", "hyperparameters": {"regularization": 0.5}},
    ... )
    >>> sorted(trainer.outputs)
    ['model', 'model_run']

    Args:
      fn_args: `tfx.v1.components.FnArgs`.

    Raises:
      TrainingError: The loss stopped being a number.
      ConfigurationError: There is no such model, its tokens are not Transform's, or no token is in
        the vocabulary; no threshold is what `decide` asks for; there is no earlier model for a warm
        start, or one that does not fit; there is no GPU for `mixed_precision`; or TF_CONFIG names
        several workers.
    """
    devices.refuse_several_workers(os.environ)
    request = TrainingRequest.from_fn_args(fn_args)
    transform_output = tft.TFTransformOutput(fn_args.transform_output)
    training, validation = read_reviews(request, fn_args, transform_output)
    train(request, fn_args, transform_output, training, validation)


def train(
    request: TrainingRequest,
    fn_args: Any,
    transform_output: tft.TFTransformOutput,
    training: Reviews,
    validation: Reviews | None,
) -> None:
    """Chooses the variant if it is to be chosen, fits it, chooses its threshold, exports it."""
    if request.candidates:
        request = choose_variant(request, training, validation)
    set_seeds(request.hyperparameters)
    checkpoints = checkpoints_of(request, fn_args, training)
    gpus = devices.gpus()
    with devices.strategy_over(gpus).scope():
        with devices.precision(request.hyperparameters.mixed_precision, gpus):
            model = build_model(request, fn_args, transform_output)
        fitted = fit_variant(
            request.variant,
            model,
            training,
            validation,
            request.hyperparameters,
            fn_args.model_run_dir,
            checkpoints,
        )
    decision = choose_threshold(request, model, validation)
    export_model(request, model, transform_output, fitted, fn_args.serving_model_dir, decision)
    if checkpoints:
        checkpoints.remove()


def checkpoints_of(request: TrainingRequest, fn_args: Any, training: Reviews) -> Checkpoints | None:
    """Returns where this training's checkpoints are; None if there are to be none.

    Their key holds all that decides the weights: the request, the inputs, and the code.
    """
    parent = request.checkpoint_folder or default_parent(fn_args.model_run_dir)
    if not request.checkpoint_minutes or not parent:
        return None
    decides = {
        "variant": request.variant.name,
        "hyperparameters": request.hyperparameters.to_config(),
        "classes": request.classes,
        "tokens": request.tokens.to_config(),
        "train": [*fn_args.train_files],
        "eval": [*fn_args.eval_files] if request.has_validation else [],
        "transform": fn_args.transform_output,
        "base_model": fn_args.base_model if request.warm_start else None,
        # Labels are in the order of the texts' hashes.
        "labels": hashlib.blake2b(training[1].tobytes(), digest_size=16).hexdigest(),
        "source": request.source_fingerprint,
        "libraries": [tf.__version__, keras.__version__],
    }
    return Checkpoints(parent, key_of(decides), request.checkpoint_minutes)


def build_model(
    request: TrainingRequest, fn_args: Any, transform_output: tft.TFTransformOutput
) -> keras.Model:
    """Returns the variant's model, with random weights or those of an earlier model."""
    model = request.variant.build(request.hyperparameters, shape=request.shape)
    if request.warm_start:
        warm_start.load_weights(
            model,
            request.variant.name,
            request.hyperparameters,
            fn_args.base_model,
            transform_output,
            classes=request.classes,
            tokens=request.tokens,
        )
    return model


def read_reviews(
    request: TrainingRequest, fn_args: Any, transform_output: tft.TFTransformOutput
) -> tuple[Reviews, Reviews | None]:
    """Returns token ids and labels of train, and of eval where there is validation."""
    budget = request.memory_bytes
    training = read_examples(fn_args.train_files, transform_output, request.tokens, budget)
    refuse_unknown_tokens(training[0], request.tokens)
    if not request.has_validation:
        return training, None
    budget = max(budget - bytes_in_memory(training[0]), 0)
    return training, read_examples(fn_args.eval_files, transform_output, request.tokens, budget)


def choose_threshold(
    request: TrainingRequest, model: keras.Model, validation: Reviews | None
) -> Decision:
    """Returns the threshold that serves the request's goal, chosen on eval; 0.5 without a goal.

    Raises:
      ConfigurationError: No threshold reaches the goal, or there is no eval split.
    """
    if request.goal is None:
        return Decision()
    if validation is None:
        raise ConfigurationError(
            "`decide` chooses a threshold on the eval split, never on test, and no review is kept "
            "for it. Set `validation_fraction` to 0.1, or `has_validation`."
        )
    token_ids, labels = validation
    answers = [
        model.predict_on_batch(token_ids[start : start + _BATCH].astype(np.int32))
        for start in range(0, len(labels), _BATCH)
    ]
    return decide(request.goal, labels, np.concatenate(answers)[:, 0], request.classes)


def export_model(
    request: TrainingRequest,
    model: keras.Model,
    transform_output: tft.TFTransformOutput,
    fitted: Fitted,
    directory: str,
    decision: Decision,
) -> None:
    """Writes the SavedModel, and in its folder its tokens' settings and the training's record."""
    served = build_served_models(request.variant, request.hyperparameters, model, request.shape)
    signatures.export(
        *served, transform_output, directory, request.classes, request.tokens, decision
    )
    request.tokens.write(directory)
    record = TrainingRecord(
        request.variant.name,
        request.hyperparameters,
        fitted.seconds,
        model.count_params(),
        request.classes,
        request.chosen_because,
        curve=fitted.curve,
        decision=decision,
    )
    record.write(directory)


def build_served_models(
    variant: Variant,
    hyperparameters: Hyperparameters,
    model: keras.Model,
    shape: ModelShape = IMDB_SHAPE,
) -> tuple[keras.Model, keras.Model]:
    """Returns what is exported of a trained model: one without dropout, and its per-token model.

    Layers with dropout keep a seed and random ops in their graph, even where they do nothing.
    What LSTMs make of padding is fixed in both: their weights do not change any more.
    """
    without_noise = hyperparameters.without_noise()
    served = variant.build(without_noise, shape=shape)
    per_token = variant.build(without_noise, per_token=True, shape=shape)
    for each in (served, per_token):
        each.set_weights(model.get_weights())
        fix_padding_states(each, features.PAD_ID)
    return served, per_token
