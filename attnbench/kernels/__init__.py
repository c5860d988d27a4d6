"""Hand-fused code behind `impl=`, one file per kernel; reached from `attention/` alone."""
