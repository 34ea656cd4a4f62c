"""Every kind's models; KINDS is the one tuple that generators and tests walk."""

from controllers.api.base import Crd
from controllers.api.inferenceautoscaler import INFERENCEAUTOSCALER
from controllers.api.modelcanary import MODELCANARY

KINDS: tuple[Crd, ...] = (MODELCANARY, INFERENCEAUTOSCALER)
