"""Writes a report of a state; --help has the flags."""

from hee_monitoring.cli.seed import main

main("generate_hee_state_report")
