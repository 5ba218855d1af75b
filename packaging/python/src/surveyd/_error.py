class SurveydError(Exception):
    """The fake did not start, does not answer, or refused a call. The message is one sentence that says why."""

    __module__ = "surveyd"  # as tests import it, and as pytest shows it
