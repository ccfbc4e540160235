"""Durations for people."""


def duration(seconds: float) -> str:
    """Returns "4.2 s" or "3 min 07 s"."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s"
