"""Tests of the emulator's Data Lake Store."""
