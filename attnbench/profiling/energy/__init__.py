"""Energy: joules per call, from the meters of the device."""
