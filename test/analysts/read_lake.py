"""Reads a lake as an analyst does: any DuckDB client on views.duckdb, directly or attached; pyarrow on the files of the manifest.

    python3 read_lake.py summary (direct|attach) LAKE TIME_ZONE   one JSON object: every view, every macro, the sums
    python3 read_lake.py parquet LAKE                             the sums, by pyarrow, from `current.files` of the manifest
    python3 read_lake.py watch LAKE                               opens the lake again and again until stdin ends
"""
import json
import sys
import threading
from decimal import Decimal
from pathlib import Path

AS_OF = "TIMESTAMPTZ '2999-01-01 00:00:00+00'"
# what must not depend on the session's time zone, the client or the way of opening
SUMS = {
    'intervals': """SELECT count(*), sum(value)::VARCHAR, sum(energy_kwh)::VARCHAR, sum(quantity)::VARCHAR,
        min(epoch_us(start_at)), max(epoch_us(start_at)), min(local_date)::VARCHAR, max(local_date)::VARCHAR,
        sum(he_seq)::VARCHAR, sum(he_clock)::VARCHAR, sum(date_diff('day', DATE '2000-01-01', local_date))::VARCHAR,
        count(DISTINCT series_key), min(quality_class), max(quality_source) FROM {lake}core.interval""",
    'versions': "SELECT count(*), sum(value)::VARCHAR, max(epoch_us(known_at)) FROM {lake}core.interval_version",
    'as of': f"SELECT count(*), sum(energy_kwh)::VARCHAR FROM {{lake}}core.interval_asof({AS_OF})",
    'as published': f"SELECT count(*), sum(energy_kwh)::VARCHAR FROM {{lake}}core.interval_as_published({AS_OF})",
    'hourly': """SELECT count(*), sum(delivered_kwh)::VARCHAR, sum(received_kwh)::VARCHAR, sum(net_kwh)::VARCHAR,
        sum(n_intervals)::VARCHAR, min(epoch_us(hour_start_at)), sum(he_seq)::VARCHAR, sum(he_clock)::VARCHAR,
        max(net_basis), min(quality_grade) FROM {lake}mart.load_hourly""",
    'system': """SELECT count(*), sum(delivered_kwh)::VARCHAR, sum(net_kwh)::VARCHAR, sum(n_usage_points)::VARCHAR
        FROM {lake}mart.load_system_hourly""",
    'bills': """SELECT count(*), sum(billed_kwh)::VARCHAR, sum(interval_kwh)::VARCHAR, sum(n_intervals)::VARCHAR, sum(n_expected)::VARCHAR,
        max(epoch_us(billing_end_at)), max(reason) FROM {lake}mart.bill_recon""",
    'billed quality': """SELECT count(*), count(*) FILTER (WHERE is_revenue_quality), max(quality_basis),
        max(epoch_us(revenue_since_at)) FROM {lake}mart.bill_quality""",
    'hourly as of': f"""SELECT count(*), sum(delivered_kwh)::VARCHAR, sum(net_kwh)::VARCHAR, sum(n_expected)::VARCHAR
        FROM {{lake}}mart.load_hourly_asof({AS_OF})""",
    'revisions': """SELECT count(*), sum(energy_kwh_changed)::VARCHAR, sum(n_versions)::VARCHAR, sum(days_late)::VARCHAR,
        sum(published_days_late)::VARCHAR FROM {lake}mart.revision_delta""",
    'latency': """SELECT count(*), sum(energy_kwh_in)::VARCHAR, sum(n_usage_points_in)::VARCHAR, sum(days_after)::VARCHAR
        FROM {lake}mart.latency_curve""",
}
VIEWS = """SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal AND database_name = ? ORDER BY 1"""
MACROS = """SELECT DISTINCT schema_name || '.' || function_name FROM duckdb_functions()
    WHERE function_type = 'table_macro' AND NOT internal AND database_name = ? ORDER BY 1"""


def open_lake(how, lake, zone=None):
    import duckdb
    path = str(Path(lake) / 'views.duckdb')
    if how == 'direct':
        connection, prefix, database = duckdb.connect(path, read_only=True), '', 'views'
    else:
        connection, prefix, database = duckdb.connect(), 'lake.', 'lake'
        connection.execute(f"ATTACH '{path}' AS lake (READ_ONLY)")
    if zone is not None:
        connection.execute(f"SET TimeZone = '{zone}'")
    return connection, prefix, database


def summary(how, lake, zone):
    connection, prefix, database = open_lake(how, lake, zone)
    views = [name for (name,) in connection.execute(VIEWS, [database]).fetchall()]
    macros = [name for (name,) in connection.execute(MACROS, [database]).fetchall()]
    found = {'views': {}, 'macros': {}}
    for name in views:
        # fetched whole, so that every type crosses into Python
        rows = connection.execute(f'SELECT * FROM {prefix}{name}').fetchall()
        found['views'][name] = len(rows)
    for name in macros:
        found['macros'][name] = len(connection.execute(f'SELECT * FROM {prefix}{name}({AS_OF})').fetchall())
    for name, sql in SUMS.items():
        found[name] = connection.execute(sql.format(lake=prefix)).fetchall()[0]
    return found


def parquet(lake):
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
    newest = max((Path(lake) / 'manifests').glob('*.json'))
    manifest = json.loads(newest.read_text())
    count, kwh, types = 0, Decimal(0), {}
    for file in manifest['current']['files']:
        table = pq.read_table(Path(lake) / file['path'], partitioning=None)
        if table.num_rows != file['rows']:
            raise SystemExit(f"{file['path']}: {table.num_rows} rows, the manifest says {file['rows']}")
        count += table.num_rows
        kwh += pc.sum(table['energy_kwh']).as_py() or Decimal(0)
        types = {field.name: str(field.type) for field in table.schema}
    return {'count': count, 'kwh': str(kwh), 'types': types, 'n_files': len(manifest['current']['files'])}


def watch(lake):
    """What each look saw: count and sum by both ways of opening; they may differ only where a commit came between."""
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    seen = []
    while True:
        last = ended.is_set()
        for how in ('direct', 'attach'):
            connection, prefix, _ = open_lake(how, lake)
            look = []
            # several queries on one connection: a snapshot holds though commits go on
            for view in ('core.interval', 'core.interval_version', 'mart.load_hourly', 'core.interval'):
                value = 'value' if view.startswith('core') else 'n_intervals'
                look.append(connection.execute(f'SELECT count(*), sum({value})::VARCHAR FROM {prefix}{view}').fetchall()[0])
            connection.close()
            seen.append(look)
        if last:
            return {'looks': seen}


def main():
    mode, *rest = sys.argv[1:]
    print(json.dumps({'summary': summary, 'parquet': parquet, 'watch': watch}[mode](*rest)))


main()
