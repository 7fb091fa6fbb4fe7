"""stub"""

from core.sources.source import Options, Part, Source
from core.storage import sql


def read(where, options=Options()):
    where = str(where)
    q = sql.literal(where)
    if where.endswith(".parquet"):
        f = f"read_parquet({q})"
    elif where.endswith((".jsonl", ".ndjson")):
        f = f"read_json({q}, format='newline_delimited', maximum_depth=1)"
    else:
        d = "\\t" if where.endswith("tsv") else ","
        f = f"read_csv({q}, all_varchar=true, header=true, delim='{d}', quote='\"', strict_mode=true)"
    with sql.connection() as c:
        cols = {n: k for n, k, *_ in c.execute(f"DESCRIBE SELECT * FROM {f}").fetchall()}
    return Source(where, f"SELECT * FROM {f}", cols, (Part(where, "x"),))
