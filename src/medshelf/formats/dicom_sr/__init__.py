"""Measurement reports in DICOM (structured reports after TID 1500, PS3.16): groups of measurements and regions."""

from __future__ import annotations

from medshelf.formats.dicom_sr.reading import Measurement, MeasurementGroup, Region, Report, read_report
from medshelf.formats.dicom_sr.writing import write_report

__all__ = ["Measurement", "MeasurementGroup", "Region", "Report", "read_report", "write_report"]
