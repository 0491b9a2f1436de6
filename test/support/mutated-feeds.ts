/**
 * Feeds spoiled by chance, from a seed: real samples, generated feeds and small ones, whose later half is changed, so that markup has
 * been learned by then. Meant for what markup memory could get wrong: the same bytes in another state, other bytes in the same.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { createFleet } from '../../sim/fleet.ts'
import { dailyPackage } from '../../sim/package.ts'
import { renderFeed } from '../../sim/render-feed.ts'
import { sharedPath } from './shared.ts'
import { blockEntry, feedOf, meterReadingEntry, readingTypeEntry, readingXml, usagePointEntry } from './small-feed.ts'

export interface SpoiledFeed {
  readonly feed: Buffer
  readonly chunkSizes: readonly number[]
  readonly what: string
}

type Chance = (below: number) => number

/** A generator of integers below a bound, by seed (mulberry32). */
function chanceOf(seed: number): Chance {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

const most = 6000

/** The head of a feed, its entries cut to a handful, closed. */
function headOf(feed: string): string {
  const [, entry] = /<((?:\w+:)?entry)\b/.exec(feed) ?? []
  const [, root] = /<((?:\w+:)?feed)\b/.exec(feed) ?? []
  if (entry === undefined || root === undefined || feed.length <= most) return feed
  const end = feed.lastIndexOf(`</${entry}>`, most)
  if (end > 0) return `${feed.slice(0, end)}</${entry}></${root}>`
  const [, reading = ''] = /<\/((?:\w+:)?IntervalReading)>/.exec(feed) ?? []
  const block = feed.indexOf(`</${reading.replace('IntervalReading', 'IntervalBlock')}>`)
  const stop = feed.lastIndexOf(`</${reading}>`, most) + reading.length + 3
  const close = feed.indexOf(`</${entry}>`, block) + entry.length + 3
  return stop < 100 || block < 0 ? feed.slice(0, most) : `${feed.slice(0, stop)}${feed.slice(block, close)}</${root}>`
}

function generated(seed: number): string[] {
  const daily = dailyPackage(createFleet({ seed, meters: 20 }), '2025-11-03')
  const text = Buffer.concat([...renderFeed(daily, 'electricity')]).toString('latin1')
  const cut = (from: number) => {
    const [entry = '', ...entries] = text.split(/(?=<ns1:entry )/)
    return `${entry}${entries.slice(from, from + 3).join('')}`.replace(/(<\/ns1:feed>)?\s*$/, '</ns1:feed>')
  }
  return [2, 5, 9, 14, 20, 40].map(cut)
}

let bases: readonly string[] | undefined

function baseFeeds(): readonly string[] {
  if (bases !== undefined) return bases
  const readings = [1, 2, 3, 4, 5, 6].map((value) => readingXml({ value, quality: [19], rest: '<e:tou>1</e:tou>' }))
  const path = 'Subscription/S/UsagePoint/U2/MeterReading/M2'
  const small = feedOf(
    readingTypeEntry('T1'),
    usagePointEntry(),
    meterReadingEntry(),
    blockEntry(readings),
    readingTypeEntry('T2'),
    usagePointEntry('U2', '<e:roleFlags/><e:readCycle>R</e:readCycle>'),
    meterReadingEntry(path, 'T2'),
    blockEntry(readings, path),
    blockEntry(readings.slice(1), path, null),
  )
  const samples = sharedPath('espi/samples')
  const real =
    samples === undefined
      ? []
      : readdirSync(samples)
          .filter((name) => name.endsWith('.xml'))
          .sort((a, b) => (a < b ? -1 : 1))
          .map((name) => headOf(readFileSync(`${samples}/${name}`, 'latin1')))
  const airy = small.replaceAll('><', '>\r\n\t<')
  const unprefixed = small.replaceAll(/<(\/?)e:/g, '<$1').replace('xmlns:e=', 'xmlns=')
  bases = [small, small, airy, unprefixed, ...generated(1), ...generated(2), ...real]
  return bases
}

const inserts = [
  '< > / & " \' ] = : - ! ? 0 x \t \n \r \0 \x7f'.split(' '),
  ['<!-- c -->', '<![CDATA[1]]>', '<?pi x?>', '&amp;', '&#49;', '&lt;', '&bogus;', ']]>', ']]&gt;', '\r\n', ' '],
  [
    '<e:x>',
    '</e:x>',
    '<x/>',
    '<a:entry>',
    '</a:entry>',
    '<e:value>1</e:value>',
    '<!DOCTYPE a>',
    '<?xml version="1.0"?>',
  ],
  [
    '\xc3\xa9',
    '\xc3',
    '\xe2\x82\xac',
    '\xef\xbf\xbf',
    '\xef\xbb\xbf',
    '--',
    '-12',
    ' href="x"',
    ' rel="self"',
    ' xmlns="u"',
  ],
  [' xmlns:e="other"', ' xmlns:ns0="other"', ' xmlns:ns1=""', ' xmlns:q="http://naesb.org/espi"', ' q:a="1" a="1"'],
].flat()
const values = [
  [
    '',
    ' ',
    '\n',
    ' 12 ',
    '<![CDATA[12]]>',
    '1<!-- -->2',
    '1<?p?>2',
    '&#49;2',
    '1&amp;2',
    '1]2',
    '1]]>2',
    '1>2',
    '\xc3\xa9',
  ],
  ['12\r\n', '\t12', '12<x/>', '<x>12</x>', '1"2', "1'2", '\x7f', '99999999999999999999', '-0', '+7', '1.5', '\xff'],
].flat()

/** Places of a pattern, the later ones likelier. */
function placeOf(text: string, pattern: RegExp, chance: Chance): RegExpMatchArray | undefined {
  const places = [...text.matchAll(pattern)]
  if (places.length === 0) return undefined
  const late = chance(4) > 0 ? places.length >> 1 : 0
  return places[late + chance(places.length - late)]
}

const splice = (text: string, at: number, cut: number, insert: string) =>
  text.slice(0, at) + insert + text.slice(at + cut)
const pick = <Item>(items: readonly Item[], chance: Chance): Item => items[chance(items.length)] as Item

const tag = /<[^<>]*>/g
const leaf = /<([\w:]+)([^<>]*)>([^<>]*)<\/\1>/g
const attribute = /\s([\w:]+)=("[^"]*"|'[^']*')/g
const element = /<((?:\w+:)?(?:IntervalReading|entry|link|timePeriod|ReadingQuality))\b[^]*?(?:<\/\1>|\/>)/g

type Mutation = (text: string, chance: Chance) => string

const at = (pattern: RegExp, change: (found: RegExpMatchArray, chance: Chance, text: string) => string): Mutation => {
  return (text, chance) => {
    const found = placeOf(text, pattern, chance)
    if (found === undefined) return text
    return splice(text, found.index ?? 0, found[0].length, change(found, chance, text))
  }
}
const anywhere = (text: string, chance: Chance) => {
  const late = chance(4) > 0 ? text.length >> 1 : 0
  return late + chance(Math.max(1, text.length - late))
}
const another = (pattern: RegExp): Mutation =>
  at(pattern, ([own], chance, text) => placeOf(text, pattern, chance)?.[0] ?? own)
const twice = (pattern: RegExp): Mutation =>
  at(pattern, ([own], chance, text) => own + (placeOf(text, pattern, chance)?.[0] ?? ''))

const mutations: Readonly<Record<string, Mutation>> = {
  flip: (text, chance) => {
    const place = anywhere(text, chance)
    return splice(text, place, 1, String.fromCharCode(text.charCodeAt(place) ^ (1 << chance(8))))
  },
  byte: (text, chance) => splice(text, anywhere(text, chance), 1, String.fromCharCode(chance(256))),
  cut: (text, chance) => splice(text, anywhere(text, chance), 1 + chance(40), ''),
  insert: (text, chance) => splice(text, anywhere(text, chance), 0, pick(inserts, chance)),
  'insert between tags': at(tag, ([own], chance) => own + pick(inserts, chance)),
  'insert in a tag': at(tag, ([own], chance) => splice(own, own.search(/[\s/>]/) || 1, 0, pick(inserts, chance))),
  'insert at the end of a tag': at(tag, ([own], chance) => own.replace(/\/?>$/, (end) => pick(inserts, chance) + end)),
  truncate: (text, chance) => text.slice(0, anywhere(text, chance)),
  'another tag': another(tag),
  'tag twice': twice(tag),
  'no tag': at(tag, () => ''),
  'another element': another(element),
  'element twice': twice(element),
  'no element': at(element, () => ''),
  'another leaf': another(leaf),
  'leaf twice': twice(leaf),
  value: at(leaf, ([, name = '', rest = ''], chance) => `<${name}${rest}>${pick(values, chance)}</${name}>`),
  'value everywhere': (text, chance) => {
    const [, name = 'x'] = placeOf(text, leaf, chance) ?? []
    const value = pick(values, chance)
    return text.replaceAll(new RegExp(`(<${name}[^<>]*>)[^<>]*(</${name}>)`, 'g'), (_all, open: string, end: string) =>
      chance(3) > 0 ? `${open}${value}${end}` : `${open}1${end}`,
    )
  },
  'empty element': at(leaf, ([, name = '', rest = ''], chance) =>
    pick([`<${name}${rest}/>`, `<${name}${rest}></${name}>`], chance),
  ),
  'element in an element': at(leaf, ([own, name = ''], chance) =>
    pick([`<${name}>${own}</${name}>`, `<x>${own}</x>`], chance),
  ),
  'other prefix': at(leaf, ([, name = '', rest = '', value = '']) => {
    const own = `q:${name.replace(/^.*:/, '')}`
    return `<${own} xmlns:q="http://naesb.org/espi"${rest}>${value}</${own}>`
  }),
  'prefix renamed': (text, chance) => text.replaceAll(pick(['e:', 'ns0:', 'a:', 'ns1:', 'espi:'], chance), 'z:'),
  'prefix rebound': at(/xmlns(:\w+)?="[^"]*"/g, ([, prefix = ''], chance) =>
    pick([`xmlns${prefix}="other"`, `xmlns${prefix}=""`, `xmlns${prefix}="http://naesb.org/espi"`, ''], chance),
  ),
  'no attribute': at(attribute, () => ''),
  'attribute twice': at(attribute, ([own]) => own + own),
  'another attribute': another(attribute),
  'attribute added': twice(attribute),
  'attribute value': at(attribute, ([, name = ''], chance) => ` ${name}="${pick(values, chance).replaceAll('"', '')}"`),
  'single quotes': at(attribute, ([own]) => own.replaceAll('"', "'")),
  'space in a tag': at(tag, ([own], chance) =>
    own.replace(/\/?>$/, (end) => pick([' ', '\n', '\r\n', '\t', '  '], chance) + end),
  ),
  'case of a name': at(/<\/?[\w:]+/g, ([own]) => own.toUpperCase()),
}
const names = Object.keys(mutations)

/** The feed of a seed: the same for ever, as long as nothing in this file and the samples changes. */
export function spoiledFeed(seed: number): SpoiledFeed {
  const chance = chanceOf(seed)
  let text = pick(baseFeeds(), chance)
  const what: string[] = []
  for (let left = chance(8) === 0 ? 0 : 1 + chance(3); left > 0; left--) {
    const name = pick(names, chance)
    what.push(name)
    text = (mutations[name] as Mutation)(text, chance)
  }
  const feed = Buffer.from(text, 'latin1')
  const sizes: readonly (() => number[])[] = [
    () => [1 << 20],
    () => [1 << 20],
    () => [1 + chance(3000), 1 + chance(2000), 1 << 16],
    () => [1 + chance(700)],
    () => (chance(4) === 0 ? [1 + chance(3)] : [1 + chance(feed.length + 1), 1 << 20]),
  ]
  return { feed, chunkSizes: pick(sizes, chance)(), what: what.join(', ') }
}
