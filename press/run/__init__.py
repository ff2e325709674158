"""Runs: planned and executed (`execute`) by a process of its own each (`worker`), side by side
(`pool`), shown while they last (`progress`), kept while they are fresh (`freshness`), one build at
a time (`lock`)."""
