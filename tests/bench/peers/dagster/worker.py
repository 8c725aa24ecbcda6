"""Brings the job up to date with Dagster: `worker.py first|stale`. SINGLE=1: one run over each range.

`stale` observes the sources, asks the stale resolver, and materializes what it names, level by level:
the resolver is not transitive.
"""
import logging
import os
import sys

import dagster as dg
from dagster._core.asset_graph_view.asset_graph_view import AssetGraphView, TemporalContext
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.definitions.observe import observe
from dagster._time import get_current_datetime

import definitions as job

logging.getLogger("dagster").setLevel(logging.ERROR)
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
SINGLE = os.environ["SINGLE"] == "1"
LEVELS = [(job.silver, job.items), (job.gold, job.items), (job.canonical, job.months)]
graph = AssetGraph.from_assets(job.assets)


def stale_keys(instance, asset, keys):
    now = TemporalContext(effective_dt=get_current_datetime(), last_event_id=None)
    view = AssetGraphView(temporal_context=now, instance=instance, asset_graph=graph)
    resolver = CachingStaleStatusResolver(
        instance=instance, asset_graph=graph, loading_context=view
    )
    return [key for key in keys if resolver.get_status(asset.key, key).value != "FRESH"]


def ranges(keys, all_keys):
    place = {key: at for at, key in enumerate(all_keys)}
    found = []
    for key in sorted(keys, key=place.get):
        if found and place[found[-1][1]] + 1 == place[key]:
            found[-1][1] = key
        else:
            found.append([key, key])
    return found


def materialize(instance, asset, keys, all_keys):
    if SINGLE:
        runs = [{"tags": dict(zip(RANGE, ends))} for ends in ranges(keys, all_keys)]
    else:
        runs = [{"partition_key": key} for key in keys]
    for one in runs:
        done = dg.materialize(
            job.assets, selection=[asset], instance=instance, run_config=QUIET, **one
        )
        assert done.success


with dg.DagsterInstance.get() as instance:
    if len(sys.argv) > 1:
        for source in (job.src, job.mapping):
            observe([source], instance=instance, run_config=QUIET)
        for asset, partitions in LEVELS:
            keys = partitions.get_partition_keys()
            wanted = keys if sys.argv[1] == "first" else stale_keys(instance, asset, keys)
            materialize(instance, asset, wanted, keys)
