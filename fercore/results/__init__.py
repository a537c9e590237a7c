"""What a stage of the pipeline leaves behind.

folders        profiles, and where a stage of one reads and writes
stage          what a notebook calls to leave its results
tables         CSV that is the same bytes from run to run, LaTeX, single numbers as JSON
figures        SVG and PNG that are the same bytes from run to run
measurements   what was measured, by names that the ledger of claims looks up
provenance     parameters, data, code, versions, machine and time
text           names that come from data, made safe to show
"""
