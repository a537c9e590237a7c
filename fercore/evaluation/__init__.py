"""How good a network is, and how sure that is.

inference    class probabilities of images, from one view or several
metrics      accuracy, F1, confusion, by class
calibration  a temperature by which probabilities mean what they say
statistics   intervals over images and over seeds, differences between networks
grad_cam     where a network looks
lbp_svm      the baseline that needs no network
"""
