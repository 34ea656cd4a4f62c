"""Forecasts of the highest demand within a start-up time, with bounds that keep their promise."""

from controllers.stats.forecast.outlook import Basis, Outlook, basis, outlook
from controllers.stats.forecast.past import Outlooks, outlooks

__all__ = ["Basis", "Outlook", "Outlooks", "basis", "outlook", "outlooks"]
