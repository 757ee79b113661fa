"""Sums the work of each miner in a file of record lines with DuckDB: what `scripts/bench payout` measures against. Prints miner, tab, work."""
import sys

import duckdb

rows = duckdb.execute(
    "SELECT miner, sum(work::HUGEINT) FROM read_json(?, format='newline_delimited', columns={type: 'VARCHAR', miner: 'VARCHAR', work: 'VARCHAR'}) "
    "WHERE type = 'share' GROUP BY miner", [sys.argv[1]]).fetchall()
for miner, work in rows:
    print(miner, int(work), sep="\t")
