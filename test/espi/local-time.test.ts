import { describe, expect, test } from 'vitest'
import { LocalTime } from '../../espi/local-time.ts'

const at = (zone: string, iso: string) => {
  const local = new LocalTime(zone)
  local.locate(Date.parse(iso) / 1000)
  return [new Date(local.day * 86_400_000).toISOString().slice(0, 10), local.heSeq, local.heClock]
}
const pacific = 'America/Los_Angeles'

describe('local day and hour', () => {
  test.each<[string, string, string, number, number]>([
    ['midnight', '2025-07-01T07:00:00Z', '2025-07-01', 1, 1],
    ['the last second', '2025-07-02T06:59:59Z', '2025-07-01', 24, 24],
    ['gas: midnight and one second', '2020-05-09T07:00:01Z', '2020-05-09', 1, 1],
    ['spring: before the jump', '2025-03-09T09:00:00Z', '2025-03-09', 2, 2],
    ['spring: 02:00 is 03:00', '2025-03-09T10:00:00Z', '2025-03-09', 3, 4],
    ['spring: the 23rd hour', '2025-03-10T06:00:00Z', '2025-03-09', 23, 24],
    ['autumn: the first 01:00', '2025-11-02T08:00:00Z', '2025-11-02', 2, 2],
    ['autumn: the second 01:00', '2025-11-02T09:00:00Z', '2025-11-02', 3, 2],
    ['autumn: the 25th hour', '2025-11-03T07:00:00Z', '2025-11-02', 25, 24],
    ['the day after autumn', '2025-11-03T08:00:00Z', '2025-11-03', 1, 1],
  ])('Los Angeles, %s', (_name, iso, day, heSeq, heClock) => {
    expect(at(pacific, iso)).toEqual([day, heSeq, heClock])
  })

  test('zones of half hours, and a clock that moves by half an hour', () => {
    expect(at('Asia/Kolkata', '2025-06-01T18:30:00Z')).toEqual(['2025-06-02', 1, 1])
    expect(at('Asia/Kolkata', '2025-06-01T18:29:59Z')).toEqual(['2025-06-01', 24, 24])
    // Lord Howe, 2025-04-06: 02:00 becomes 01:30; the day has 24½ hours
    expect(at('Australia/Lord_Howe', '2025-04-05T15:00:00Z')).toEqual(['2025-04-06', 3, 2])
    expect(at('Australia/Lord_Howe', '2025-04-06T13:29:59Z')).toEqual(['2025-04-06', 25, 24])
    expect(at('Australia/Lord_Howe', '2025-04-06T13:30:00Z')).toEqual(['2025-04-07', 1, 1])
  })

  test('a day that begins at 01:00 (São Paulo, 2018-11-04)', () => {
    expect(at('America/Sao_Paulo', '2018-11-04T03:00:00Z')).toEqual(['2018-11-04', 1, 2])
    expect(at('America/Sao_Paulo', '2018-11-04T02:59:59Z')).toEqual(['2018-11-03', 24, 24])
  })

  test('every quarter of two years equals what Intl says of it, in any order', () => {
    const local = new LocalTime(pacific)
    const format = new Intl.DateTimeFormat('en-CA', {
      timeZone: pacific,
      dateStyle: 'short',
      timeStyle: 'medium',
      hourCycle: 'h23',
    })
    const first = Date.parse('2024-01-01T00:00:00Z') / 1000
    for (let step = 0; step < 730 * 96; step += 7) {
      const at_s = first + ((step * 900 * 31) % (730 * 86_400))
      local.locate(at_s)
      const [day = '', clock = ''] = format.format(at_s * 1000).split(', ')
      const found = [new Date(local.day * 86_400_000).toISOString().slice(0, 10), local.heClock]
      expect(found).toEqual([day, Number(clock.slice(0, 2)) + 1])
    }
  })

  test('an unknown zone is refused', () => {
    expect(() => new LocalTime('Mars/Olympus')).toThrow(RangeError)
  })
})
