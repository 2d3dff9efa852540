"""Writes the capsule as the log has it now; --help has the flags."""

from hee_monitoring.cli.seed import main

main("update_hee_state_capsule")
