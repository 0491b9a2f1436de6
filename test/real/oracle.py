#!/usr/bin/env python3
"""What a sample holds, found without any code of meterlake: ElementTree (namespaces), Decimal, zoneinfo.

    python3 test/real/oracle.py SAMPLES_DIR EXPECTED_DIR

writes one JSON per sample. The rules are those of the standard and of DESIGN 6 and 7, written a second time, in another
language, the simple way: whole document in memory, dictionaries of links, one pass over the readings.
"""
import hashlib
import json
import re
import sys
import xml.etree.ElementTree as ET
from datetime import datetime, timezone
from decimal import Decimal, localcontext
from pathlib import Path
from zoneinfo import ZoneInfo

ATOM = '{http://www.w3.org/2005/Atom}'
ESPI = '{http://naesb.org/espi}'
CUSTOMER = '{http://naesb.org/espi/customer}'
PACIFIC = ZoneInfo('America/Los_Angeles')
# best to worst; a code that is not listed is worse than all (schemas say the same; utility.md and analysts.md 5.3)
ORDER = [19, 0, 18, 17, 7, 14, 11, 13, 16, 15, 9, 8, 12, 10]
FIRST_NAMES = {'Subscription', 'RetailCustomer', 'User', 'UsagePoint', 'ReadingType', 'LocalTimeParameters',
               'ProgramIdMapping', 'Batch', 'MeterReading'}
RT_FIELDS = {'accumulation_behaviour': 'accumulationBehaviour', 'commodity': 'commodity',
             'data_qualifier': 'dataQualifier', 'default_quality': 'defaultQuality', 'flow_direction': 'flowDirection',
             'interval_length_s': 'intervalLength', 'kind': 'kind', 'phase': 'phase',
             'power_of_ten': 'powerOfTenMultiplier', 'time_attribute': 'timeAttribute', 'uom': 'uom',
             'measuring_period': 'measuringPeriod', 'currency': 'currency'}


def local(tag):
    return tag.rsplit('}', 1)[-1]


def path(href):
    """The resource path: all from the first resource name on."""
    parts = href.split('?')[0].split('/')
    at = next(i for i, part in enumerate(parts) if part in FIRST_NAMES)
    return '/'.join(parts[at:])


def up_to(resource, name):
    """`…/name/id` of a resource path, or None."""
    parts = resource.split('/')
    if name not in parts or parts.index(name) + 1 >= len(parts):
        return None
    return '/'.join(parts[: parts.index(name) + 2])


def text(element, *names):
    for name in names:
        if element is None:
            return None
        element = element.find(ESPI + name)
    return None if element is None or element.text is None else element.text.strip()


def number(element, *names):
    found = text(element, *names)
    return None if found in (None, '') else int(found)


def utc(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')


def instant(written):
    """An xs:dateTime; without a zone it is taken as UTC. Microseconds as far as needed."""
    if written is None:
        return None
    written = re.sub(r'Z$', '+00:00', written.strip())
    written = re.sub(r'\.(\d+)', lambda m: '.' + (m.group(1) + '000000')[:6], written)
    moment = datetime.fromisoformat(written)
    moment = moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
    shown = moment.strftime('%Y-%m-%dT%H:%M:%S.%f').rstrip('0').rstrip('.')
    return shown + 'Z'


def plain(value):
    """A decimal without exponent and without trailing zeros."""
    shown = format(value, 'f')
    return (shown.rstrip('0').rstrip('.') if '.' in shown else shown) or '0'


def scaled(value, exponent):
    with localcontext() as context:
        context.prec = 60
        return Decimal(value).scaleb(exponent)


def energy(value, reading_type):
    """kWh where it is an interval energy in Wh, exact in 9 decimals; else None."""
    exponent, uom = reading_type.get('power_of_ten'), reading_type.get('uom')
    if uom != 72 or exponent is None or reading_type.get('kind') in (8, 37):
        return None
    if reading_type.get('accumulation_behaviour') in (1, 2, 3):
        return None
    kwh = scaled(value, exponent - 3)
    fits = kwh == kwh.quantize(Decimal('0.000000001')) and abs(kwh) < Decimal(10) ** 9
    return plain(kwh) if fits else None


def hours(start):
    """Local day, hours elapsed since local midnight + 1, clock hour + 1."""
    here = datetime.fromtimestamp(start, PACIFIC)
    midnight = datetime(here.year, here.month, here.day, tzinfo=PACIFIC).timestamp()
    return here.date().isoformat(), int(start - midnight) // 3600 + 1, here.hour + 1


def worst(codes):
    return max(codes, key=lambda code: ORDER.index(code) if code in ORDER else len(ORDER) + code)


def entries(root):
    for entry in [root] if root.tag == ATOM + 'entry' else root.findall(ATOM + 'entry'):
        links = [(link.get('rel'), link.get('href')) for link in entry.findall(ATOM + 'link')]
        content = entry.find(ATOM + 'content')
        for payload in [] if content is None else list(content):
            if payload.tag.startswith(ATOM):
                continue
            yield {
                'self': next((href for rel, href in links if rel == 'self'), None),
                'related': [href for rel, href in links if rel == 'related'],
                'published': instant(entry.findtext(ATOM + 'published')),
                'payload': payload,
            }


def resource_types(found):
    """ReadingTypes by path. Defined twice with different contents: what differs is unknown."""
    types = {}
    for entry in found:
        if entry['payload'].tag != ESPI + 'ReadingType':
            continue
        fields = {name: number(entry['payload'], element) for name, element in RT_FIELDS.items()}
        key = path(entry['self'])
        if key not in types:
            types[key] = {**fields, 'conflict': False}
        elif any(types[key][name] != fields[name] for name in RT_FIELDS):
            known = types[key]
            types[key] = {name: known[name] if known[name] == fields[name] else None for name in RT_FIELDS}
            types[key]['conflict'] = True
    return types


def readings(found, types, by_id):
    meters = {path(e['self']): next((path(r) for r in e['related'] if 'ReadingType/' in r), None)
              for e in found if e['payload'].tag == ESPI + 'MeterReading'}
    for entry in found:
        block = entry['payload']
        if block.tag != ESPI + 'IntervalBlock':
            continue
        meter = up_to(path(entry['self']), 'MeterReading')
        reading_type = types.get(meters.get(meter))
        usage_point = up_to(meter, 'UsagePoint')
        own_block = [int(q) for q in (text(r, 'quality') for r in block.findall(ESPI + 'ReadingQuality')) if q]
        for reading in block.findall(ESPI + 'IntervalReading'):
            start, duration = number(reading, 'timePeriod', 'start'), number(reading, 'timePeriod', 'duration')
            value = number(reading, 'value')
            own = [int(text(r, 'quality')) for r in reading.findall(ESPI + 'ReadingQuality')]
            default = None if reading_type is None else reading_type['default_quality']
            codes, source = (own, 'reading') if own else (own_block, 'block') if own_block else \
                ([default], 'default') if default is not None else ([], 'none')
            day, he_seq, he_clock = hours(start)
            known = reading_type or {}
            yield {
                'attached': reading_type is not None,
                'usage_point_id': usage_point.split('/')[-1] if by_id else usage_point,
                'meter_reading_id': meter.split('/')[-1],
                'start': start,
                'row': {
                    'start_at': utc(start), 'duration_s': duration, 'value': value,
                    'energy_kwh': energy(value, known), 'power_of_ten': known.get('power_of_ten'),
                    'uom': known.get('uom'), 'flow_direction': known.get('flow_direction'),
                    'commodity': known.get('commodity'), 'local_date': day, 'he_seq': he_seq, 'he_clock': he_clock,
                    'quality': worst(codes) if codes else None, 'quality_source': source,
                    'quality_codes': ' '.join(map(str, codes)) if codes else None,
                    'tou': number(reading, 'tou'), 'cpp': number(reading, 'cpp'),
                    'consumption_tier': number(reading, 'consumptionTier'), 'cost': number(reading, 'cost'),
                    'published_at': entry['published'],
                },
            }


def winners(all_readings):
    """One row per series and start: latest published (missing first), then position. Covered ones are withdrawn."""
    ordered = sorted(enumerate(all_readings), key=lambda at: (at[1]['row']['published_at'] or '', at[0]))
    current = {}
    for _, reading in ordered:
        series = (reading['usage_point_id'], reading['meter_reading_id'])
        start, end = reading['start'], reading['start'] + reading['row']['duration_s']
        for key in [k for k, r in current.items() if k[:2] == series and start < k[2] < end
                    and r['start'] + r['row']['duration_s'] <= end]:
            del current[key]
        current[(*series, start)] = reading
    return [current[key] for key in sorted(current)]


def series_of(rows):
    groups = {}
    for reading in rows:
        groups.setdefault((reading['usage_point_id'], reading['meter_reading_id']), []).append(reading['row'])
    for (usage_point, meter_reading), group in sorted(groups.items()):
        kwh = [Decimal(row['energy_kwh']) for row in group if row['energy_kwh'] is not None]
        first = group[0]
        yield {
            'usage_point_id': usage_point, 'meter_reading_id': meter_reading, 'n': len(group),
            'sum_value': str(sum(row['value'] for row in group)),
            'sum_kwh': plain(sum(kwh, Decimal(0))) if kwh else None, 'n_kwh': len(kwh),
            'sum_cost': str(sum(row['cost'] for row in group)) if first['cost'] is not None else None,
            # a sum that changes when two readings swap their values
            'sum_start_value': str(sum(row['value'] * int(datetime.fromisoformat(
                row['start_at'].replace('Z', '+00:00')).timestamp()) for row in group)),
            'first_start_at': group[0]['start_at'], 'last_start_at': group[-1]['start_at'],
            'durations_s': sorted({row['duration_s'] for row in group}),
            **{name: first[name] for name in ('power_of_ten', 'uom', 'flow_direction', 'commodity', 'quality',
                                              'quality_source', 'published_at')},
        }


def seconds(stamp):
    """Seconds or milliseconds: beyond 1e11 it is milliseconds."""
    return None if stamp is None else Decimal(stamp) / 1000 if stamp > 10 ** 11 else Decimal(stamp)


def moment(stamp):
    found = seconds(stamp)
    if found is None:
        return None
    micro = int(found * 1_000_000)
    return instant(f'{utc(micro // 1_000_000)[:-1]}.{micro % 1_000_000:06d}Z')


def summaries(found):
    for entry in found:
        payload = entry['payload']
        if local(payload.tag) not in ('UsageSummary', 'ElectricPowerUsageSummary'):
            continue
        yield {
            'summary_id': path(entry['self']),
            'billing_start_at': moment(number(payload, 'billingPeriod', 'start')),
            'billing_duration_s': number(payload, 'billingPeriod', 'duration'),
            'bill_last_period': number(payload, 'billLastPeriod'), 'bill_to_date': number(payload, 'billToDate'),
            'cost_additional_last_period': number(payload, 'costAdditionalLastPeriod'),
            'currency': number(payload, 'currency'),
            'consumption_value': number(payload, 'overallConsumptionLastPeriod', 'value'),
            'consumption_power_of_ten': number(payload, 'overallConsumptionLastPeriod', 'powerOfTenMultiplier'),
            'consumption_uom': number(payload, 'overallConsumptionLastPeriod', 'uom'),
            'quality_of_reading': number(payload, 'qualityOfReading'),
            'status_at': moment(number(payload, 'statusTimeStamp')),
            'commodity': number(payload, 'commodity'), 'tariff_profile': text(payload, 'tariffProfile'),
            'read_cycle': text(payload, 'readCycle'),
            'n_lines': len(payload.findall(ESPI + 'costAdditionalDetailLastPeriod')),
        }


def tou_codes(found):
    for entry in found:
        for mapping in entry['payload'].findall(ESPI + 'programIdMapping'):
            yield {'kind': text(mapping, 'tOUorCPPorConsumptionTier'), 'code': number(mapping, 'code'),
                   'name': text(mapping, 'name'), 'note': text(mapping, 'note')}


def usage_points(found, by_id):
    for entry in found:
        if entry['payload'].tag == ESPI + 'UsagePoint':
            whole = path(entry['self'])
            yield {'usage_point_id': whole.split('/')[-1] if by_id else whole,
                   'service_kind': number(entry['payload'], 'ServiceCategory', 'kind'),
                   'status': number(entry['payload'], 'status')}


def expect(sample):
    raw = sample.read_bytes()
    # PG&E's figures are read with its own profile: there the UsagePoint id alone identifies.
    by_id = sample.name.startswith('pge-')
    head = {'sample': sample.name, 'sha256': hashlib.sha256(raw).hexdigest(), 'profile': 'pge' if by_id else 'espi'}
    if not raw.lstrip().startswith(b'<'):
        return {**head, 'outcome': 'refused', 'code': 'FEED_NOT_XML'}
    try:
        root = ET.fromstring(raw)
    except ET.ParseError:
        return {**head, 'outcome': 'refused', 'code': 'FEED_NOT_WELL_FORMED'}
    if root.tag not in (ATOM + 'feed', ATOM + 'entry'):
        return {**head, 'outcome': 'refused', 'code': 'FEED_WRONG_ROOT'}
    found = list(entries(root))
    payloads = {entry['payload'].tag for entry in found}
    if any(tag.startswith(CUSTOMER) for tag in payloads):
        return {**head, 'outcome': 'customer'}
    if payloads and payloads <= {ESPI + 'ApplicationInformation', ESPI + 'Authorization'}:
        return {**head, 'outcome': 'refused', 'code': 'FEED_SECRET'}
    types = resource_types(found)
    every = list(readings(found, types, by_id))
    rows = winners([reading for reading in every if reading['attached']])
    expected = {
        **head, 'outcome': 'loaded',
        'n_readings': len(every), 'n_parked': sum(not reading['attached'] for reading in every), 'n_current': len(rows),
        'usage_points': list(usage_points(found, by_id)),
        'reading_types': [{'reading_type_id': key.split('/')[-1] if by_id else key, **fields}
                          for key, fields in sorted(types.items())],
        'tou_codes': list(tou_codes(found)), 'usage_summaries': list(summaries(found)),
        'series': list(series_of(rows)),
    }
    if by_id:
        expected['intervals'] = [{'usage_point_id': reading['usage_point_id'],
                                  'meter_reading_id': reading['meter_reading_id'], **reading['row']}
                                 for reading in rows]
    return expected


def main():
    samples, target = Path(sys.argv[1]), Path(sys.argv[2])
    for sample in sorted(samples.iterdir()):
        if sample.name == 'INDEX.md':
            continue
        shown = json.dumps(expect(sample), ensure_ascii=False, indent=2)
        (target / f'{sample.name}.json').write_text(shown + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
