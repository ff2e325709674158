"""Two validities: does a biomarker measure the same again, and does it matter to a patient?

- `intraclass_correlation`: the share of the variance that lies between subjects, six forms.
- `pivotal_icc`: its interval where few scanners were drawn from many.
- `variation`: within-subject SD and CV, repeatability and reproducibility coefficients.
- `limits_of_agreement`: how far two methods may differ on the next patient.
- `delong`: the AUCs of several scores of the same cases, and any contrast of them.
- `calibration_of_risk`: intercept in the large, slope, and observed over expected events.
- `calibration_curve`: the share of events against the told risk, smooth, with a band.
- `brier`: the Brier score, its three parts and its scaled form.
- `decision_curve`: net benefit over thresholds, with bootstrap intervals.
- `survival_decision_curve`: the same where some patients left before their outcome was known.
- `scanner_sampling`: how often an interval holds the truth where few scanners were drawn.
- `discordant_pair`: two biomarkers, of which the more precise tells less.
- `fall_elsewhere`: how far an AUC falls in other patients, and what the risks foretold of it.
- `case_mix`: an external cohort by case mix, and the AUC that it should have.
- `readings`: simulated readings, how reproducible and how useful set apart.
"""
