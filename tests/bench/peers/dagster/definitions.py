"""The peers' job as Dagster assets. Environment: ROOT, N, SINGLE (1: one run over a range of keys).

Dagster's best chance needs four parts written by hand: a content hash for each source, a hash of the
mapping's rules alone, a hash of each output as its data version, and the driver in worker.py.
"""
import hashlib
import json
import os

import dagster as dg

ROOT, N = os.environ["ROOT"], int(os.environ["N"])
MAPPINGS = 20
items = dg.StaticPartitionsDefinition([str(i) for i in range(N)])
months = dg.StaticPartitionsDefinition([str(m) for m in range(N // 10)])
mappings = dg.StaticPartitionsDefinition([str(k) for k in range(MAPPINGS)])
policy = dg.BackfillPolicy.single_run() if os.environ["SINGLE"] == "1" else None


def read(path):
    with open(f"{ROOT}/{path}") as file:
        return json.load(file)


def text(value):
    return json.dumps(value, separators=(",", ":"))


def digest(words):
    return hashlib.sha256(words.encode()).hexdigest()


def file_digest(path):
    with open(f"{ROOT}/{path}") as file:
        return digest(file.read())


def rules_digest(path):
    return digest(json.dumps(read(path)["rules"], sort_keys=True))


def build(asset, key, words):
    log = os.open(f"{ROOT}/exec.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(log, f"{asset} {key}\n".encode())
    os.close(log)
    with open(f"{ROOT}/{asset}/{key}.json", "w") as file:
        file.write(words)
    return words


def silver_of(i):
    return build("silver", i, text(read(f"src/{i}.json")))


def gold_of(i):
    silver = read(f"silver/{i}.json")
    return build("gold", i, text({"total": sum(silver["values"]), **silver}))


def canonical_of(m):
    rules = read(f"mapping/{int(m) % MAPPINGS}.json")["rules"]
    golds = [read(f"gold/{i}.json") for i in range(int(m) * 10, int(m) * 10 + 10)]
    rows = [[gold["id"], gold["code"], rules[gold["code"]], gold["total"]] for gold in golds]
    return build("canonical", m, text({"m": int(m), "rows": rows}))


def observed(folder, keys, digest_of):
    """Reports only the keys whose hash moved: reporting all of them costs 5 MB of state a pass."""
    now = {key: digest_of(f"{folder}/{key}.json") for key in keys}
    seen = f"{ROOT}/seen-{folder}.json"
    old = read(f"seen-{folder}.json") if os.path.exists(seen) else {}
    with open(seen, "w") as file:
        json.dump(now, file)
    moved = {key: dg.DataVersion(one) for key, one in now.items() if old.get(key) != one}
    return dg.DataVersionsByPartition(moved)


@dg.observable_source_asset(partitions_def=items)
def src():
    return observed("src", items.get_partition_keys(), file_digest)


@dg.observable_source_asset(partitions_def=mappings)
def mapping():
    return observed("mapping", mappings.get_partition_keys(), rules_digest)


def each(context, make):
    words = "".join(make(key) for key in context.partition_keys)
    return dg.MaterializeResult(data_version=dg.DataVersion(digest(words)))


@dg.asset(partitions_def=items, deps=[src], code_version="1", backfill_policy=policy)
def silver(context: dg.AssetExecutionContext):
    return each(context, silver_of)


@dg.asset(partitions_def=items, deps=[silver], code_version="1", backfill_policy=policy)
def gold(context: dg.AssetExecutionContext):
    return each(context, gold_of)


by_ten = dg.StaticPartitionMapping({str(i): str(i // 10) for i in range(N)})
by_mapping = dg.StaticPartitionMapping(
    {
        str(k): [str(m) for m in range(N // 10) if m % MAPPINGS == k]
        for k in range(MAPPINGS)
        if k < max(1, N // 10)
    }
)


@dg.asset(
    partitions_def=months,
    code_version="1",
    backfill_policy=policy,
    deps=[
        dg.AssetDep(gold, partition_mapping=by_ten),
        dg.AssetDep(mapping, partition_mapping=by_mapping),
    ],
)
def canonical(context: dg.AssetExecutionContext):
    return each(context, canonical_of)


assets = [src, mapping, silver, gold, canonical]
