"""Checks: of the source (`lint`, `prose`), of a run (`verify`), of a run against what was accepted
(`drift`) and against itself done again (`reproduce`, `reproduce_crate`); of a crate (`crate`,
`crate_profile`)."""
