"""Between DVC, papermill and the notebooks.

parameters   YAML files layered and checked against a notebook before anything runs
data         a profile's data set, put in place
notebook     one notebook, run as a stage
trainings    a notebook's trainings one by one, run in advance or published
stages       dvc.yaml, whose dependencies follow from what a notebook imports
locks        what a killed run holds of DVC's, released
"""
