"""Writes the capsule, for programs and for people; --help has the flags."""

from hee_monitoring.cli.seed import main

main("generate_hee_state_capsule")
