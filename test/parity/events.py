"""Reads a folder of event files with TensorBoard's own reader and prints its scalars as JSON.

Called by src/formats/tensorboard.test.ts; exits with 77 where tensorboard is not installed.
"""

import json
import sys

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    sys.exit(77)

reader = EventAccumulator(sys.argv[1])
reader.Reload()
print(json.dumps({tag: [[e.wall_time, e.step, e.value] for e in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}))
