"""Energy: joules a call, by the meters of the device."""
