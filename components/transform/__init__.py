"""Transform: from raw text to token ids, as part of the graph that is served."""
