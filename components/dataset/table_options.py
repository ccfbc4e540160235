"""What a person may say of how tables are written."""

from __future__ import annotations

from dataclasses import dataclass

from components.dataset.source import Quoting
from components.dataset.text_encoding import checked_encoding
from components.errors import ConfigurationError, did_you_mean

QUOTINGS = ("auto", *(quoting.value for quoting in Quoting))

_DELIMITER_WORDS = {
    "comma": ",",
    "semicolon": ";",
    "tab": "\t",
    "\\t": "\t",
    "pipe": "|",
    "space": " ",
    "colon": ":",
    "none": "",
}


@dataclass(frozen=True)
class TableOptions:
    """What a person says of how tables are written; what is left out is found by content.

    >>> from components import TableOptions
    >>> TableOptions(delimiter="semicolon").character
    ';'

    Attributes:
      delimiter: A character, or a word for one; "" finds it.
      encoding: Name of an encoding; "" finds it.
      quoting: "doubled", "backslash", "none", or "auto" to find it.
      header: Whether the first row names the columns.
      max_bad_records: Share of records, 0 to 1, that may be bad: a file with no more lines that are
        not UTF-8 is read as UTF-8.
    """

    delimiter: str = ""
    encoding: str = ""
    quoting: str = "auto"
    header: bool = True
    max_bad_records: float = 0.0

    def __post_init__(self) -> None:
        """Raises a ConfigurationError for what is no delimiter, encoding or quoting."""
        if self.encoding:
            checked_encoding(self.encoding)
        if self.quoting not in QUOTINGS:
            raise ConfigurationError(
                f"`quoting` is '{self.quoting}'; expected one of {', '.join(QUOTINGS)}."
                f"{did_you_mean(self.quoting, QUOTINGS)}"
            )
        character = self.character
        if character is not None and (len(character) > 1 or character in ('"', "\r", "\n")):
            words = ", ".join(word for word in _DELIMITER_WORDS if word.isalpha())
            raise ConfigurationError(
                f"`delimiter` is '{self.delimiter}'; expected one character, or a word: {words}."
                f"{did_you_mean(self.delimiter.lower(), _DELIMITER_WORDS)}"
            )

    @property
    def character(self) -> str | None:
        """Returns the delimiter, "" for none at all, or None when it is to be found."""
        if not self.delimiter:
            return None
        return _DELIMITER_WORDS.get(self.delimiter.lower(), self.delimiter)


FOUND_BY_CONTENT = TableOptions()
