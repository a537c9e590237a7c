"""What the papers claim, what was measured, the verdict.

ledger = claims.load()                                        # params/claims, one YAML file a paper
evidence = settings.evidence(["reports/quick", "reports/reference"])   # from fercore.claims import settings
findings = claims.run(ledger, evidence)                       # every consistency check
table = claims.judge(ledger, evidence, findings)              # a row a claim, with its verdict
"""

from .checks import Finding, contradicting, run
from .ledger import Check, Claim, Ledger, LedgerError, load, networks
from .verdicts import VERDICTS, in_words, judge, summary

__all__ = ["VERDICTS", "Check", "Claim", "Finding", "Ledger", "LedgerError"]
__all__ += ["contradicting", "in_words", "judge", "load", "networks", "run", "summary"]
