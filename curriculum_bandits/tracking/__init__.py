"""Observers that every loop can have: record of a run, stall monitor, TensorBoard; and the metrics of a batch."""

from curriculum_bandits.tracking.metrics import TensorBoard, batch_metrics, drawn_by_group, step_metrics
from curriculum_bandits.tracking.record import RECORD_FILE, RECORD_VERSION, Record
from curriculum_bandits.tracking.stall import StallMonitor

__all__ = [
    "RECORD_FILE",
    "RECORD_VERSION",
    "Record",
    "StallMonitor",
    "TensorBoard",
    "batch_metrics",
    "drawn_by_group",
    "step_metrics",
]
