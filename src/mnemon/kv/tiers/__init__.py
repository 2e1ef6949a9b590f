"""Where kept keys and values lie: accelerator, host, disk, remote; a byte budget each."""
