"""What a reader sees.

plots     one function a figure
widgets   a figure with sliders
page      tables to be read, a notebook as a page
study_sentences, ledger_sentences   what to see, worked out from the values
"""
