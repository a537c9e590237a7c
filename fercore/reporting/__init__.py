"""What a reader sees.

plots       one function a figure
sentences   words for what a figure shows, worked out from its values
widgets     a figure with sliders
page        tables to be read, a notebook as a page
study_sentences, student_sentences, ledger_sentences   the same for the studies, for students and for the ledger
"""
