"""Measures: from predictions to tables with intervals. One file a measure."""
