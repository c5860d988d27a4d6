"""Sweeps over machines: executors of other projects run jobs, each with a results file of its own.

base        a job, how it ended, and what runs jobs
submitted   Slurm, through submitit
rayed       Ray
named       an executor by name, with its options
sweep_job   one comparison of a sweep as a job
host_lock   one job at a time measures on a machine
spread      a sweep as jobs: what is missing is run, what came back is merged
merging     the results files of jobs join the one that was asked for
"""
