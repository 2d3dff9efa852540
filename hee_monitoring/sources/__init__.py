"""Where CI evidence comes from: `act` runs the repository's own workflows, `logs` reads files that a person has."""
