"""The ledger against the papers' texts: is every number of every table in it, and which numbers of the text are not?

    python tests/benchmarks/check_claims.py FOLDER             # tinyfer.txt ..., tables as lines with tabs
    python tests/benchmarks/check_claims.py FOLDER --draw 50   # as many at random, with where their number stands

By hand, since the texts may not be passed on. Ends with 1 where a table's number is missing.
"""

import argparse
import random
import re
import sys
from collections import Counter
from pathlib import Path

from fercore import claims

ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7}
CAPTION = re.compile(r"^table ([IVX]+|\d+)\b", re.IGNORECASE)
NUMBER = r"\d[\d,]*(?:\.\d+)?"
CELL = re.compile(rf"[+~]?({NUMBER}) ?(%|ms|M|K|MB|ms/image|total|s|\([^)]*\))*")
LIST = re.compile(r"\d+(, ?\d+)+")  # three widths in one cell


def number(text):
    return float(text.replace(",", ""))


def tables(text, whole):
    """By number the numbers in its cells, the first cell of a line left out: it is the row's name.

    whole  texts that are one number: "64,128,256" is three
    """
    found, current = {}, None
    for line in text.splitlines():
        caption = CAPTION.match(line.strip())
        if caption and not re.match(r"\S+ \S+ (presents|maps|shows|displays|compares)", line):
            current = ROMAN.get(caption[1].upper()) or int(caption[1])
            found.setdefault(current, [])
        elif "\t" in line and current:
            for cell in map(str.strip, line.split("\t")[1:]):
                if LIST.fullmatch(cell) and (" " in cell or cell not in whole):
                    found[current] += map(number, re.split(", ?", cell))
                elif CELL.fullmatch(cell):
                    found[current].append(number(CELL.fullmatch(cell)[1]))
        elif current and line.strip() and not caption and found[current]:
            current = None
    return found


def printed(claim):
    """The numbers in a claim's text, without its scale."""
    return [number(part) for part in re.findall(NUMBER, claim.text)]


def read(folder, paper):
    (path,) = (path for path in Path(folder).glob("*.txt") if re.fullmatch(rf"(\d+-)?{paper}", path.stem))
    return path.read_text(encoding="utf-8")


def draw(folder, ledger, count, seed):
    """Claims at random, each with the places where its number is printed, to be read by eye."""
    chosen = random.Random(seed).sample(list(ledger.claims.values()), count)
    for number, claim in enumerate(sorted(chosen, key=lambda claim: claim.id), 1):
        cited = f" cited {claim.cited}" if claim.cited else ""
        what = f"needs {', '.join(claim.needs) or 'nothing'} | {claim.measurement or 'no measurement'}"
        print(f"\n{number}. {claim.id} | {claim.where} | {claim.text} {claim.unit} | {claim.about}{cited}")
        print(f"     {what} | {claim.tolerance}")
        for part in re.findall(NUMBER, claim.text)[:1]:
            for found in list(re.finditer(rf"(?<![\d.]){re.escape(part)}(?!\d)", read(folder, claim.paper)))[:5]:
                text = read(folder, claim.paper)[max(0, found.start() - 90) : found.end() + 60]
                print("     ...", " ".join(text.split()))


def main(folder):
    ledger = claims.load()
    missing = 0
    for paper in ledger.papers:
        text = read(folder, paper)
        held = {}
        for claim in ledger.claims.values():
            place = CAPTION.match(claim.where)
            if claim.paper == paper and place:
                key = ROMAN.get(place[1].upper()) or int(place[1])
                held.setdefault(key, []).extend(printed(claim))
        for key, numbers in tables(text, {claim.text for claim in ledger.claims.values()}).items():
            found = held.get(key, [])
            lacking = Counter(numbers) - Counter(found)
            missing += sum(lacking.values())
            order = "in the printed order" if found[: len(numbers)] == numbers else "in another order"
            counts = f"{len(numbers)} numbers printed, {len(found)} held, {order}"
            print(f"{paper}, table {key}: {counts}, missing {sorted(lacking.elements()) or 'none'}")
        body = re.split(r"^(?:REFERENCES|References)\s*$", text, flags=re.MULTILINE)[0]
        words = Counter(number(part) for part in re.findall(rf"(?<![\w.\[-]){NUMBER}(?![\d\]])", body))
        for claim in ledger.claims.values():
            if claim.paper == paper:
                words -= Counter(printed(claim))
        print(f"{paper}, text: not in the ledger, with how often: "
              + ", ".join(f"{value:g} ({count})" for value, count in sorted(words.items())))  # fmt: skip
    return 1 if missing else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--draw", type=int)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.draw:
        draw(options.folder, claims.load(), options.draw, options.seed)
    else:
        sys.exit(main(options.folder))
