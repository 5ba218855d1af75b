class SurveydError(Exception):
    """The fake did not start, does not answer, or refused a call. The message is one sentence that says what to do."""
