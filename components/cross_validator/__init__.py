"""CrossValidator: judges the variant on every review, by models that did not see it."""
