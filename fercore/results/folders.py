"""Profiles, and the folders that a stage of one reads and writes."""

PROFILES = ("smoke", "quick", "laptop", "paper")
REFERENCE = "reference"  # in the place of a profile: the included results on real data
FOLDERS = {  # parameters that every notebook means alike
    "profile": "{profile}",
    "data": "data/{profile}",
    "fer2013": "data/{profile}",
    "ckplus": "data/subjects/ckplus",
    "oulucasia": "data/subjects/oulucasia",
    "bundles": "data/bundles",
    "audit": "reports/{profile}/01_data_audit",
    "baselines": "reports/{profile}/02_baselines",
    "reports": "reports/{profile}",
    "reference": "reports/reference",
    "params": "params",
    "runs": "runs/{profile}",
    "out": "reports/{profile}/{name}",
}
READ = tuple(name for name in FOLDERS if name not in ("profile", "params", "out"))  # what a stage finds there
TIMINGS = "timings"  # the folder for what is another number each time (`Stage.timings`)
