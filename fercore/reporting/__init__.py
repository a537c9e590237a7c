"""What a reader sees.

plots                  one function a figure
sentences              words for what a figure shows, worked out from its values
study_sentences        the same for MicroExpNet's two studies
student_sentences      the same for distilled students
deployment_sentences   the same for compression and latency
ledger_sentences       what the ledger of claims comes to
ledger_page            the ledger itself, to be searched
widgets                a figure with sliders
contents               the map of the notebooks
page                   tables to be read, a notebook as a page
site                   the report of a profile, as pages that open offline
"""
