"""Writes goldens/formats/peer.parquet with pyarrow: the table of src/formats/parquet/parquet.test.ts; and peer-CODEC.parquet,
one a codec: rows whose values follow from their number, in the types that pandas makes of ours (int64, float32,
doubles beside nulls, a column of nulls only).

Needs: pip install pyarrow (written with 26.0.1). Files given as arguments are
read with pyarrow and printed instead: to see that another reader understands what facehand wrote.
"""
import math
import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent / "goldens" / "formats"

for path in sys.argv[1:]:
    table = pq.read_table(path)
    print(table.schema, table.to_pydict(), sep="\n")
if len(sys.argv) > 1:
    sys.exit()

nan, inf = float("nan"), float("inf")
fields = [
    ("id", pa.string(), ["a/hand", "", "é😀"]),
    ("race", pa.string(), ["x", None, "x"]),
    ("sex", pa.int32(), [0, 1, -(2**31)]),
    ("age", pa.int32(), [None, 20, 2**31 - 1]),
    ("logit", pa.float64(), [0.1, -1e-300, inf]),
    ("gate", pa.float64(), [None, nan, -0.0]),
    ("kept", pa.bool_(), [True, False, True]),
    ("seen", pa.bool_(), [None, None, False]),
]
table = pa.table({name: pa.array(values, kind) for name, kind, values in fields})
pq.write_table(table, HERE / "peer.parquet", compression="snappy")

rows = range(500)
wide = pa.table(
    {
        "id": pa.array([f"subject-{i % 7}/hand" for i in rows]).dictionary_encode(),
        "sex": pa.array([i % 2 for i in rows], pa.int64()),
        "age": pa.array([None if i % 5 == 0 else float(i % 80) for i in rows], pa.float64()),
        "logit": pa.array([(i - 250) / 8 for i in rows], pa.float32()),
        "kept": pa.array([i % 3 == 0 for i in rows]),
        "seen": pa.nulls(500),
        "__index_level_0__": pa.array(list(rows)),
    }
)
for codec in ("gzip", "zstd", "brotli", "lz4", "none"):
    pq.write_table(wide, HERE / f"peer-{codec}.parquet", compression=codec)

# Stored predictions that were opened and saved again, as pandas and polars save them.
logits = [(i - 20) / 4 for i in range(40)]
words = {"source": "pairs", "split": "test", "age": "20-29", "race": "light", "gesture": "palm"}
again = pa.table(
    {
        "id": [f"{i // 2}/{('hand', 'face')[i % 2]}" for i in range(40)],
        "subject": [f"pairs:{i // 2}" for i in range(40)],
        "modality": [("hand", "face")[i % 2] for i in range(40)],
        "target": pa.array([(i // 2) % 2 for i in range(40)], pa.int64()),
        "probability": pa.array([1 / (1 + math.exp(-x)) for x in logits], pa.float32()),
        "modalityUsed": pa.nulls(40),
        "gateHand": pa.nulls(40, pa.float64()),
        "logit": pa.array(logits, pa.float64()),
        **{name: [word] * 40 for name, word in words.items()},
        "__index_level_0__": pa.array(list(range(40))),
    }
)
pq.write_table(again, HERE / "peer-predictions.parquet", compression="zstd")
