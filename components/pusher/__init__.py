"""Pusher: a blessed model becomes a version that TF-Serving loads."""
