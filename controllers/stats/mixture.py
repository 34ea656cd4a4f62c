"""The arithmetic that every e-process here shares: exponential tilts of a share, and mixing."""

import numpy as np
import numpy.typing as npt

from controllers.readings import FloatArray

Counts = float | FloatArray
"""One count, or an array of counts with any leading dimensions."""


def tilt(bad: Counts, trials: Counts, share: Counts, factors: FloatArray) -> FloatArray:
    """The log likelihood of ``bad`` out of ``trials`` when the odds of ``share`` are multiplied.

    Returns ``x ln(k) - m ln(1 - s + s k)`` for each factor ``k`` (last axis): the log likelihood
    ratio of Binomial(m, s') to Binomial(m, s), where ``s'`` has ``k`` times the odds of ``s``.
    Under any share at most ``s`` (for k > 1; at least ``s`` for k < 1) its exponential has a mean
    of at most 1, because the binomial moment generating function grows with the share.
    """
    x, m, s = (np.asarray(count, dtype=np.float64)[..., None] for count in (bad, trials, share))
    tilted: FloatArray = x * np.log(factors) - m * np.log1p(s * (factors - 1.0))
    return tilted


def log_mixture(log_values: FloatArray, log_weights: FloatArray, axis: int = -1) -> FloatArray:
    """The log of a weighted sum of exponentials along one axis; -inf where all of them are zero."""
    terms = log_values + log_weights
    top = np.max(terms, axis=axis, keepdims=True)
    anchor = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):  # an empty sum is zero, and its log -inf
        logs = np.log(np.sum(np.exp(terms - anchor), axis=axis))
    mixed: FloatArray = logs + np.squeeze(anchor, axis=axis)
    return mixed


def log_weights(weights: FloatArray) -> FloatArray:
    """The logs of weights scaled to sum to one; -inf for a weight of zero."""
    with np.errstate(divide="ignore"):
        logs: FloatArray = np.log(weights / np.sum(weights))
    return logs


def combine_rollback(log_es: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> FloatArray:
    """The log of the mean (or weighted mean) of e-values along the first axis.

    A mean of e-values is an e-value whatever their dependence, so one threshold of 1/alpha holds
    over all of them: first over the edges of a latency guardrail, then over the guardrails.
    """
    logs = np.asarray(log_es, dtype=np.float64)
    even = np.ones(len(logs)) if weights is None else np.asarray(weights, dtype=np.float64)
    shape = (len(logs),) + (1,) * (logs.ndim - 1)
    return log_mixture(logs, log_weights(even).reshape(shape), axis=0)
