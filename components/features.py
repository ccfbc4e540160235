"""Names, ids and sizes of the features: the one leaf that every component shares."""

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
