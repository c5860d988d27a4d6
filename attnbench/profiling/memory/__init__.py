"""Memory: peaks of torch's allocations, and the high-water mark of a fresh process."""
