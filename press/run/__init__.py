"""Runs: planned, executed one process each, kept while they are fresh; here or on a cluster.

On this machine:

- `execute`: chapters executed side by side, each in a work folder of its own.
- `worker`: one notebook in its own kernel, reported over a pipe.
- `starting`: how a worker is started, new or forked.
- `nursery`: a process that has imported much, whose forks need import it no more.
- `forked_kernel`: a kernel that was forked and is like a fresh one.
- `run_folder`: what lies in a run's folder.
- `progress`: what a person sees while chapters run.
- `lock`: one build at a time.

What is fresh, and what differs:

- `freshness`: whether a chapter must be executed again, and why.
- `chapter_run`: source, job, freshness and record of a chapter, each read once.
- `comparison`: the one comparer of records.
- `alignment`: which items of two lists belong together.
- `spread`: how far a number may move before it is another.

On other machines:

- `scheduler`: who runs the points of a sweep.
- `pool`: jobs handed to it, with the display that suits the terminal.
- `address`: where a Dask scheduler is, and by which certificates both ends know each other.
- `cluster`: sources out, run folders back.
- `dealing`: points dealt out, one to each free thread.
- `payload`: what travels.
- `outpost`: what a Dask worker is handed.
- `admission`: a worker's passport.
- `point`: one point, in the sources that were sent.
- `arrival`: what comes back, put in its place.
"""
