"""Observers that every loop can have: record of a run, stall monitor, TensorBoard; and the metrics of a batch."""

from curriculum_bandits.tracking.metrics import TensorBoard, batch_metrics, drawn_by_group
from curriculum_bandits.tracking.record import RECORD_FILE, Record
from curriculum_bandits.tracking.stall import StallMonitor

__all__ = ["RECORD_FILE", "Record", "StallMonitor", "TensorBoard", "batch_metrics", "drawn_by_group"]
