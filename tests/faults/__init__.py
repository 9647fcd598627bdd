"""Real faults: processes, disks and databases that fail while everything runs. The promises are the same."""
