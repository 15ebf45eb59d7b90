# SPDX-License-Identifier: GPL-2.0
"""What a benchmark prints: lines of JSON, and between them what it does, behind a #."""

import json
import sys
import threading
import time

BEGAN = time.monotonic()
LOCK = threading.Lock()


def say(text):
    """What is done now, for whoever waits."""
    with LOCK:
        print(f"# {time.monotonic() - BEGAN:6.1f} s  {text}", flush=True)


def line(**figures):
    """One object."""
    with LOCK:
        print(json.dumps(figures, ensure_ascii=True), flush=True)
        sys.stdout.flush()
