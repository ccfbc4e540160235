"""The REST edge: HTTP, JSON in TF-Serving's own spelling, and the page."""
