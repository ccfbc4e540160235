"""keras.layers.LSTM for texts that are padded in front: the same numbers in less time."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from components.layers.compiled_lstm import compiled_lstm
from components.layers.fused_lstm import fused_lstm
from components.layers.lstm_steps import read_rows
from components.layers.masked_lstm import masked_lstm
from components.layers.packed_lstm import packed_lstm, reordered
from components.layers.packed_rows import PackedRows

# Options of keras.layers.LSTM that are not computed here.
_FIXED_OPTIONS = (
    "activation",
    "recurrent_activation",
    "use_bias",
    "go_backwards",
    "stateful",
    "return_state",
)
# Larger tables of states at padding are not kept; they are computed anew for each batch.
MOST_PADDING_STATE_BYTES = 64 * 2**20


def has_gpu() -> bool:
    """Returns whether TensorFlow uses a GPU."""
    return bool(tf.config.list_logical_devices("GPU"))


@keras.saving.register_keras_serializable(package="sentiment")
class FrontPaddedLSTM(keras.layers.LSTM):
    """An LSTM for which padding in front costs nothing, or next to nothing.

    Without a mask, padding moves the state: but the state after some padding depends on how much
    there is, and not on the row. So one row of padding is read for all, and each row goes on from
    its state there. With `masks_padding` rows begin with zeros, as they do behind a mask of
    Keras. Rows are sorted by where they begin, and a timestep reads those that have begun.

    Dropout on inputs or on the state makes the padding of each row another: in training, rows are
    read from their first timestep then. In training without a mask, XLA compiles the loop; with
    `return_sequences`, which no variant trains so, Keras' own loop reads all timesteps.

    On a GPU, training takes cuDNN's LSTM by way of Keras, where that computes the same: it reads
    all timesteps. What is exported never does. All of it is computed in float32.

    Weights, their order and the results are those of `keras.layers.LSTM`; the tests hold outputs
    and gradients to it.

    Reference: Hochreiter & Schmidhuber, Long Short-Term Memory, 1997; dropout: Gal & Ghahramani,
    A Theoretically Grounded Application of Dropout in Recurrent Neural Networks, 2016.

    Args:
      units: Size of the state.
      return_sequences: Whether the output after each timestep is returned.
      masks_padding: Whether padding leaves the state at zeros.
      **options: Those of `keras.layers.LSTM`, as far as they are computed here.

    Raises:
      ValueError: An option asks for what is not, e.g. another activation.

    Call arguments:
      sequences: <float32>[batch, timesteps, features].
      padding: <int32>[batch], how many leading timesteps of each row are padding, see
        `leading_padding`. At a timestep that is padding in two rows, both hold the same. None
        is, when it is left out.

    Output:
      <float32>[batch, units], or [batch, timesteps, units] with `return_sequences`.
    """

    def __init__(
        self,
        units: int,
        return_sequences: bool = False,
        masks_padding: bool = False,
        **options: Any,
    ):
        """See the class."""
        # The kernels that are used here take no other numbers, whatever Keras' policy is.
        options = {"dtype": "float32", **options}
        super().__init__(units, return_sequences=return_sequences, **options)
        self.masks_padding = masks_padding
        self._padding_states: tuple[tf.Tensor, tf.Tensor] | None = None
        self._has_gradient = True
        config, fixed = super().get_config(), keras.layers.LSTM(units).get_config()
        refused = [name for name in _FIXED_OPTIONS if config[name] != fixed[name]]
        if masks_padding and self.recurrent_dropout:
            refused.append("recurrent_dropout with masks_padding")
        if refused:
            raise ValueError(
                f"FrontPaddedLSTM does not support {', '.join(refused)}: it computes what "
                "keras.layers.LSTM computes by default. Use keras.layers.LSTM instead."
            )

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments."""
        return {**super().get_config(), "masks_padding": self.masks_padding}

    def build(self, sequences_shape: Any, padding_shape: Any = None) -> None:
        """Makes the weights of `keras.layers.LSTM`."""
        super().build(sequences_shape)

    def compute_output_shape(self, sequences_shape: Any, padding_shape: Any = None) -> Any:
        """Returns that of `keras.layers.LSTM`."""
        return super().compute_output_shape(sequences_shape)

    def fix_padding_states(self, padding: tf.Tensor) -> None:
        """Keeps the states after each number of timesteps of padding, as constants.

        Outside of training they are used from now on, whatever becomes of the weights, and there
        is no gradient: for a model that is exported. Tables beyond `MOST_PADDING_STATE_BYTES` are
        not kept.

        Args:
          padding: <float32>[1, timesteps, features], the layer's input for a text without words.
        """
        self._has_gradient = False
        if self.masks_padding:
            return
        table_bytes = 4 * 2 * (padding.shape[1] + 1) * self.units
        if table_bytes <= MOST_PADDING_STATE_BYTES:
            self._padding_states = self._read_padding(padding)

    def call(
        self,
        sequences: tf.Tensor,
        padding: tf.Tensor | None = None,
        training: bool = False,
    ) -> tf.Tensor:
        """See the class."""
        if training and self.is_left_to_keras(has_gpu()):
            return super().call(sequences, training=True)
        if padding is None:
            padding = tf.zeros(tf.shape(sequences)[:1], tf.int32)
        if not training:
            return self._read(sequences, padding)
        if self.masks_padding:
            return self._learn_from_zeros(sequences, padding)
        return self._learn_with_padding(sequences, padding)

    def takes_cudnn(self, is_there: bool) -> bool:
        """Returns whether training takes cuDNN's LSTM where that `is_there`.

        It knows no zeros in front of a row, and no dropout of the state; and in Keras' way to it,
        all gates share one mask of the inputs.
        """
        return is_there and not self.masks_padding and self._has_one_mask()

    def is_left_to_keras(self, has_cudnn: bool) -> bool:
        """Returns whether Keras' layer is trained: with cuDNN, or where it has to read all."""
        reads_all = self.return_sequences and not self.masks_padding and self._has_one_mask()
        return reads_all or self.takes_cudnn(has_cudnn)

    def _has_one_mask(self) -> bool:
        """Returns whether dropout is of the inputs alone, the same for all gates."""
        has_masks_by_gate = self.dropout > 0 and self.cell.implementation == 1
        return not (self.recurrent_dropout > 0 or has_masks_by_gate)

    def _read(self, sequences: tf.Tensor, padding: tf.Tensor) -> tf.Tensor:
        """Computes the output with nothing kept for a way back."""
        order = tf.argsort(padding, stable=True)
        begins = tf.gather(padding, order)
        if self.masks_padding:
            zeros = tf.zeros([tf.size(order), self.units])
            states = zeros, zeros
        else:
            table = self._padding_states or self._read_padding(
                # None in an empty batch.
                tf.gather(sequences, order[-1:])[:, : tf.reduce_sum(begins[-1:])]
            )
            states = tuple(tf.gather(part, begins) for part in table)
        parameters = self._weights(), tf.convert_to_tensor(self.cell.bias)
        outputs, places = read_rows(
            sequences,
            begins,
            order,
            states,
            parameters,
            self.return_sequences,
            self._has_gradient,
        )
        batch, timesteps = tf.unstack(tf.shape(sequences)[:2])
        if not self.return_sequences:
            return tf.scatter_nd(places[:, :1], outputs, [batch, self.units])
        onto = tf.zeros([batch, timesteps, self.units])
        if not self.masks_padding:
            missing = timesteps + 1 - tf.shape(table[1])[0]
            onto += tf.pad(table[1], [[0, missing], [0, 0]])[1:]
        return tf.tensor_scatter_nd_update(onto, places, outputs)

    def _read_padding(self, padding: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns cell states and outputs, <float32>[1 + timesteps, units], zeros first.

        Args:
          padding: <float32>[0 or 1, timesteps, features].
        """
        batch = tf.shape(padding)[0]
        start = tf.zeros([batch, self.units])
        by_time = tf.transpose(padding, [1, 0, 2])
        bias = tf.convert_to_tensor(self.cell.bias)
        after = fused_lstm(by_time, start, start, self._weights(), bias)
        rows = (tf.reshape(states, [-1, self.units]) for states in after)
        cells, outputs = (tf.pad(states, [[1, 0], [0, 0]]) for states in rows)
        return cells, outputs

    def _learn_from_zeros(self, sequences: tf.Tensor, padding: tf.Tensor) -> tf.Tensor:
        """Computes the output of rows that begin with zeros, with a gradient."""
        order = tf.argsort(padding, stable=True)
        begins = tf.gather(padding, order)
        timesteps = tf.shape(sequences)[1]
        first = tf.minimum(tf.reduce_min(begins), timesteps - 1)
        packed = PackedRows.beginning(begins, timesteps, first)
        outputs = packed_lstm(
            self._project(sequences, packed, order),
            packed.counts,
            tf.size(order),
            reordered(tf.convert_to_tensor(self.cell.recurrent_kernel)),
            self.return_sequences,
        )
        self.cell.reset_dropout_mask()
        if not self.return_sequences:
            return tf.gather(outputs, tf.math.invert_permutation(order))
        onto = tf.zeros([*tf.unstack(tf.shape(sequences)[:2]), self.units])
        return packed.unpack(outputs, order, onto)

    def _learn_with_padding(self, sequences: tf.Tensor, padding: tf.Tensor) -> tf.Tensor:
        """Computes the output of rows whose state padding moves, with a gradient."""
        parameters = self._weights(), tf.convert_to_tensor(self.cell.bias)
        if self._has_one_mask():
            if self.dropout:
                sequences *= self.cell.get_dropout_mask(sequences[:, 0, :])[:, tf.newaxis]
                # No padding is that of another row now.
                padding = tf.zeros_like(padding)
            order = tf.argsort(padding, stable=True)
            ordered = tf.gather(sequences, order), tf.gather(padding, order)
            outputs = compiled_lstm(*ordered, *parameters)
            outputs = tf.gather(outputs, tf.math.invert_permutation(order))
        else:
            by_time = tf.transpose(sequences, [1, 0, 2])
            outputs = masked_lstm(by_time, self._masks(by_time[0]), *parameters)
            outputs = tf.transpose(outputs, [1, 0, 2]) if self.return_sequences else outputs[-1]
        self.cell.reset_dropout_mask()
        self.cell.reset_recurrent_dropout_mask()
        return outputs

    def _project(self, sequences: tf.Tensor, packed: PackedRows, order: tf.Tensor) -> tf.Tensor:
        """Returns what the inputs add to the gates: <float32>[packed, 4 * units]."""
        kernel = reordered(tf.convert_to_tensor(self.cell.kernel))
        bias = reordered(tf.convert_to_tensor(self.cell.bias))
        masks = self.cell.get_dropout_mask(sequences[:, 0, :]) if self.dropout else None
        if not isinstance(masks, list):
            seen = sequences if masks is None else sequences * masks[:, tf.newaxis]
            return tf.nn.bias_add(tf.matmul(packed.pack(seen, order), kernel), bias)
        # Each gate has a mask of its own, in Keras' order: input, forget, candidate, output.
        parts = [
            tf.matmul(packed.pack(sequences * masks[gate][:, tf.newaxis], order), part)
            for gate, part in zip((0, 2, 1, 3), tf.split(kernel, 4, axis=1), strict=True)
        ]
        return tf.nn.bias_add(tf.concat(parts, axis=1), bias)

    def _masks(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns what each gate sees of inputs and state: <float32>[4, batch, features + units].

        Args:
          inputs: <float32>[batch, features], those of a timestep.
        """
        state = tf.zeros([tf.shape(inputs)[0], self.units])
        drawn = (
            self.cell.get_dropout_mask(inputs),
            self.cell.get_recurrent_dropout_mask(state),
        )
        of_all = [
            tf.ones_like([each] * 4) if masks is None else tf.stack(masks)
            for each, masks in zip((inputs, state), drawn, strict=True)
        ]
        return tf.concat(of_all, axis=2)

    def _weights(self) -> tf.Tensor:
        return tf.concat([self.cell.kernel, self.cell.recurrent_kernel], axis=0)
