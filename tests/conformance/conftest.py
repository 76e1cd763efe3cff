"""These tests need the conformance suite, whose place CACHE_CONFORMANCE_DIR names; without it there is nothing here."""

import os

collect_ignore_glob = [] if os.environ.get("CACHE_CONFORMANCE_DIR") else ["test_*.py"]
