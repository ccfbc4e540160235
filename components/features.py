"""Names, ids and sizes of the features, and their schema: the leaf that every component shares."""

TEXT = "text"
LABEL = "label"
RATING = "rating"
REVIEW_ID = "review_id"

TRAIN_SPLIT = "train"
EVAL_SPLIT = "eval"
TEST_SPLIT = "test"

TOKEN_IDS = "token_ids"

VOCABULARY = "words"
VOCABULARY_SIZE = 5_000
MAX_LENGTH = 500

PAD_ID = 0
OUT_OF_VOCABULARY_ID = 1
FIRST_WORD_ID = 2

NEGATIVE, POSITIVE = 0, 1
CLASSES = ("negative", "positive")
DECISION_THRESHOLD = 0.5

SCHEMA_NAME = "schema.pbtxt"


def schema_file() -> str:
    """Returns the path of the curated schema of what ReviewExampleGen writes.

    >>> from pathlib import Path
    >>> Path(schema_file()).name
    'schema.pbtxt'
    """
    from importlib.resources import files  # takes a tenth of what the command line's help may

    return str(files(__package__) / SCHEMA_NAME)
