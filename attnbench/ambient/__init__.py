"""What all code of a process shares: functions, settings, threads; watched and put back."""
