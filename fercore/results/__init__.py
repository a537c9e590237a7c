"""What a stage of the pipeline leaves behind.

tables         CSV that is the same bytes from run to run, LaTeX, single numbers as JSON
measurements   what was measured, by names that the ledger of claims looks up
provenance     parameters, data, code, versions, machine and time
"""
