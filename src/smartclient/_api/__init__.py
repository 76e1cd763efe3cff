"""What users hold: verbs, sessions, options, responses."""
