#!/usr/bin/env python3
"""Makes fiori-docs.ndjson from the unpacked npm package: make_sample.py EMBEDDINGS_DIR > fiori-docs.ndjson"""
import array
import json
import sys
from pathlib import Path

COUNT = 100
DIMENSIONS = 384


def main():
    folder = Path(sys.argv[1])
    floats = array.array("f")
    floats.frombytes((folder / "embeddings.bin").read_bytes())
    records = [json.loads(line) for line in open(folder / "records.jsonl", encoding="utf-8") if line.strip()]
    step = len(records) // COUNT
    for n in range(0, step * COUNT, step):
        record = records[n]
        vector = floats[n * DIMENSIONS:(n + 1) * DIMENSIONS]
        print(json.dumps({
            "_id": record["id"],
            "title": record["title"],
            "category": record["category"],
            "words": record["wordCount"],
            "excerpt": record["excerpt"],
            "__vector__": [round(v, 5) for v in vector],
        }, ensure_ascii=False, separators=(",", ":")))


if __name__ == "__main__":
    main()
