"""What the papers claim, what was measured, the verdict.

ledger = claims.load()                                        # params/claims, one YAML file a paper
evidence = settings.evidence(["reports/quick", "reports/reference"])   # from fercore.claims import settings
findings = claims.run(ledger, evidence)                       # every consistency check
table = claims.judge(ledger, evidence, findings)              # a row a claim, with its verdict

ledger      the claims, as params/claims has them
rounding    a printed number, and all numbers that would be printed that way
checks      what must hold among the numbers of a paper
equations   the papers' equations, against what the library computes
settings    the papers' settings, against params/paper
verdicts    what was measured and what was checked, as one verdict a claim
nearest     what was measured that is nearest to a claim without a verdict
effort      what it would take to give it one
render      the judged ledger as tables, and as macros for LaTeX
"""

from .checks import Finding, contradicting, run
from .ledger import Check, Claim, Ledger, LedgerError, load, networks
from .verdicts import VERDICTS, in_words, judge, summary

__all__ = ["VERDICTS", "Check", "Claim", "Finding", "Ledger", "LedgerError"]
__all__ += ["contradicting", "in_words", "judge", "load", "networks", "run", "summary"]
