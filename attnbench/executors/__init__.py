"""Jobs of sweeps, trainings and counts, on this machine or on others.

base        a job, what it answers, how it ended, and what runs jobs
local       processes of this machine
submitted   Slurm, through submitit
rayed       Ray
named       an executor by name, with its options
host_lock   one job at a time measures on a machine
told        how far a job is, in a file that whoever waits for it reads
folder      the files of jobs beside the results, and what an earlier call left there
merging     the results files of jobs join the one that was asked for
running     jobs are run, and what each has written is merged
"""
