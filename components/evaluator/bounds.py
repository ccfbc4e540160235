"""What the gate asks for, and what it asks for where nothing was set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.evaluator.confusion import Confusion

# With more classes, the same accuracy is easy to have or out of reach, as the classes are.
MIN_ACCURACY_OF_TWO = 0.80
# Of so many reviews, an accuracy of 75 % is known to 9 points either way (95 %).
MIN_SLICE_SIZE = 100


@dataclass(frozen=True)
class GateBounds:
    """The gate's bounds on the whole test split and on slices of it.

    Attributes:
      min_accuracy: The least accuracy; 0 asks for none.
      min_macro_f1: The least macro F1, see `Confusion.macro_f1`; None asks for none.
      max_regression: How much worse than the last blessed model a candidate may be.
      min_lift: By how much it must be proven better than always saying the largest class.
      compares_accuracy: Whether the accuracy must not fall behind the last blessed model's.
      by_significance: Whether only a model that is significantly worse than the last blessed one
        is refused, whatever the points between them; `max_regression` is not asked for then.
      min_slice_accuracy: The least accuracy of a slice; None asks for none.
      min_slice_size: The fewest reviews of a slice that must reach it.
    """

    min_accuracy: float
    min_macro_f1: float | None
    max_regression: float
    min_lift: float
    compares_accuracy: bool
    by_significance: bool = False
    min_slice_accuracy: float | None = None
    min_slice_size: int = MIN_SLICE_SIZE

    @classmethod
    def of(
        cls,
        min_accuracy: float | None,
        min_macro_f1: float | None,
        max_regression: float,
        min_lift: float,
        classes: int,
        *,
        by_significance: bool = False,
        min_slice_accuracy: float | None = None,
        min_slice_size: int = MIN_SLICE_SIZE,
    ) -> GateBounds:
        """Returns the bounds, of a data set of so many classes.

        Without `min_accuracy` two classes must reach MIN_ACCURACY_OF_TWO, and more only be better
        than always saying the largest; and where `min_macro_f1` is set, it alone is held to a
        minimum and compared with the last blessed model's.
        """
        if min_accuracy is None:
            asks_by_itself = classes == 2 and min_macro_f1 is None
            least = MIN_ACCURACY_OF_TWO if asks_by_itself else 0.0
        else:
            least = min_accuracy
        compares_accuracy = min_macro_f1 is None or min_accuracy is not None
        return cls(
            least,
            min_macro_f1,
            max_regression,
            min_lift,
            compares_accuracy,
            by_significance,
            min_slice_accuracy,
            min_slice_size,
        )

    def is_weak(self, examples: float, accuracy: float) -> bool:
        """Returns whether a slice of so many reviews is large enough, and not accurate enough."""
        least = self.min_slice_accuracy
        return least is not None and examples >= self.min_slice_size and not accuracy >= least

    def are_met_by(self, confusion: Confusion, slices: Iterable[tuple[float, float]] = ()) -> bool:
        """Returns whether a model reaches what is asked for; no earlier model is compared with.

        Args:
          confusion: Which classes it took for which.
          slices: Reviews and accuracy of each slice that must reach a least accuracy.
        """
        from components.evaluator import lift

        if any(self.is_weak(*each) for each in slices):
            return False
        if not confusion.accuracy >= self.min_accuracy:
            return False
        if self.min_macro_f1 is not None and not confusion.macro_f1 >= self.min_macro_f1:
            return False
        if not self.min_lift:
            return True
        return lift.lift_of(float(confusion.right.sum()), confusion.sizes.tolist()) >= self.min_lift
