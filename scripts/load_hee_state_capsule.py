"""Reads the state capsule and gives it to the next steps; --help has the flags."""

from hee_monitoring.cli.seed import main

main("load_hee_state_capsule")
