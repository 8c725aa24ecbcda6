"""A file of 60 columns to Parquet by month, as one writes it in pandas: `pandas-parse.py FILE FOLDER`."""

import json
import os
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

path, folder = sys.argv[1:3]
os.makedirs(folder, exist_ok=True)
names = [f"c{at}" for at in range(60)]
writers = {}
rows = 0
for block in pd.read_csv(
    path, sep="|", header=None, names=names, dtype=str, quoting=3, chunksize=100_000, keep_default_na=False
):
    block = block[~block["c0"].isin(["HD", "TR"])]
    for at, name in enumerate(names):
        kind = at % 6
        if kind == 1:
            block[name] = pd.to_numeric(block[name], errors="coerce")
        elif kind == 2:
            block[name] = pd.to_datetime(block[name], format="%Y%m%d", errors="coerce")
        elif kind == 5:
            block[name] = pd.to_numeric(block[name], errors="coerce").astype("Int64")
    for month, own in block.groupby(block["c2"].dt.strftime("%Y-%m")):
        table = pa.Table.from_pandas(own, preserve_index=False)
        if month not in writers:
            writers[month] = pq.ParquetWriter(os.path.join(folder, f"{month}.parquet"), table.schema, compression="zstd")
        writers[month].write_table(table.cast(writers[month].schema))
        rows += len(own)
for writer in writers.values():
    writer.close()
print(json.dumps({"rows": rows}))
