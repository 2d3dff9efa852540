"""Validates a state capsule; --help has the flags."""

from hee_monitoring.cli.seed import main

main("validate_hee_state_capsule")
