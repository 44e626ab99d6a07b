"""Writes goldens/formats/peer.parquet with pyarrow: the table of src/formats/parquet.test.ts.

Needs: pip install pyarrow (written with 26.0.1). Files given as arguments are
read with pyarrow and printed instead: to see that another reader understands what facehand wrote.
"""
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
