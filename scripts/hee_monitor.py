"""Runs one monitoring cycle; --help has the flags."""

from hee_monitoring.cli.seed import main

main("hee_monitor")
