"""Real data that no one here wrote.

  languages, subdivisions  Debian package iso-codes: ISO 639-3 and ISO 3166-2
  glosses                  Debian package wordnet-base: the nouns of WordNet 3.1 with their glosses
  fiori_docs               npm @sap-ux/fiori-docs-embeddings 1.2.6: 778 texts with 384-dimensional
                           all-MiniLM-L6-v2 embeddings (scripts/test_data.sh fetches it)
"""
import array
import json
from pathlib import Path

from kernel import ROOT

ISO = Path("/usr/share/iso-codes/json")
WORDNET = Path("/usr/share/wordnet")
FIORI = ROOT / "build" / "test-data" / "fiori-docs"
FIORI_DIMENSIONS = 384


def languages():
    return json.loads((ISO / "iso_639-3.json").read_text(encoding="utf-8"))["639-3"]


def subdivisions():
    return json.loads((ISO / "iso_3166-2.json").read_text(encoding="utf-8"))["3166-2"]


def glosses(part="noun"):
    """Yields {synset, lexname, words, gloss, relations} for each line of a WordNet data file."""
    with open(WORDNET / f"data.{part}", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith(" "):
                continue  # the licence, at the top
            head, gloss = line.split(" | ", 1)
            fields = head.split()
            count = int(fields[3], 16)
            yield {
                "_id": part[0] + fields[0],
                "lexname": int(fields[1]),
                "words": fields[4:4 + 2 * count:2],
                "relations": int(fields[4 + 2 * count]),
                "gloss": gloss.strip(),
            }


def fiori_docs():
    """(records, vectors), in the same order."""
    with open(FIORI / "records.jsonl", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines if line.strip()]
    floats = array.array("f")
    floats.frombytes((FIORI / "embeddings.bin").read_bytes())
    vectors = [floats[i:i + FIORI_DIMENSIONS].tolist() for i in range(0, len(floats), FIORI_DIMENSIONS)]
    return records, vectors
