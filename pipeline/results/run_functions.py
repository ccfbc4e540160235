"""The functions that the steps of a run reached, read when they are first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from components.storage.place import Place


class RunFunctions(Mapping[str, Mapping[str, str]]):
    """By step, the hash of each function by its qualified name; see `recorded_functions`.

    A step whose functions were not recorded, or whose record is damaged, is not there.
    """

    def __init__(self, root: Place, fingerprints: Mapping[str, str]):
        """Reads nothing yet.

        Args:
          root: Of the run.
          fingerprints: By step, the hash of its code.
        """
        self._root, self._fingerprints = root, fingerprints
        self._read: dict[str, Mapping[str, str]] | None = None

    def __getitem__(self, step: str) -> Mapping[str, str]:
        """Returns the functions of a step."""
        return self._all()[step]

    def __iter__(self) -> Iterator[str]:
        """Yields the steps."""
        return iter(self._all())

    def __len__(self) -> int:
        """Returns how many steps there are."""
        return len(self._all())

    def _all(self) -> Mapping[str, Mapping[str, str]]:
        if self._read is None:
            # It takes a fifth of a second to import, which a list of runs does not have.
            from pipeline.results.recorded_functions import load

            loaded = {step: load(self._root, each) for step, each in self._fingerprints.items()}
            self._read = {step: found for step, found in loaded.items() if found}
        return self._read
