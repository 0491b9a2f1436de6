import { expect, test } from 'vitest'
import { forecastRequests } from '../../custodian/limit-forecast.ts'
import { resolveProfile } from '../../custodian/profile.ts'
import { sentWindow } from '../../custodian/request-window.ts'
import { localDayOf, localInstant, nextLocal } from '../../custodian/zone-days.ts'

const profile = resolveProfile('pge')
const zone = profile.timeZone
const noon = new Date('2026-11-22T20:00:00Z')

test('few requests: a second apart', () => {
  expect(forecastRequests(3, profile, noon)).toEqual({
    requests: 3,
    finishAt: '2026-11-22T20:00:02.000Z',
    binds: { perSecond: '2026-11-22T20:00:01.000Z', perHour: null, perDay: null },
  })
  expect(forecastRequests(0, profile, noon)).toMatchObject({ finishAt: noon.toISOString(), binds: { perSecond: null } })
})

test('2,001 requests: the hour binds; 20,001: the day, until 17:00 Pacific', () => {
  expect(forecastRequests(2001, profile, noon)).toMatchObject({
    finishAt: '2026-11-22T21:00:00.000Z',
    binds: { perHour: '2026-11-22T20:33:20.000Z' },
  })
  const evening = new Date('2026-11-23T01:00:00Z')
  const day = forecastRequests(20_001, profile, evening)
  expect(day.binds.perDay).toMatch(/^2026-11-23T1/)
  expect(day.finishAt).toBe('2026-11-24T01:00:00.000Z')
})

const next = (at: string) => new Date(nextLocal('17:00', Date.parse(at), zone)).toISOString()

test('a day starts at 17:00 by the clock, also when it is put back or forward', () => {
  expect(next('2026-11-01T00:00:00Z')).toBe('2026-11-02T01:00:00.000Z')
  expect(next('2026-03-08T01:00:00Z')).toBe('2026-03-09T00:00:00.000Z')
  expect(next('2026-07-01T00:00:00Z')).toBe('2026-07-02T00:00:00.000Z')
})

test('local days, both changes of the clock included', () => {
  expect(localDayOf(Date.parse('2026-11-22T07:59:59Z'), zone)).toBe('2026-11-21')
  expect(new Date(localInstant('2026-11-01', '01:30', zone)).toISOString()).toBe('2026-11-01T08:30:00.000Z')
  expect(new Date(localInstant('2026-11-01', '12:00', zone)).toISOString()).toBe('2026-11-01T20:00:00.000Z')
  expect(new Date(localInstant('2026-03-08', '12:00', zone)).toISOString()).toBe('2026-03-08T19:00:00.000Z')
  for (let month = 0; month < 24; month += 1) {
    const day = new Date(Date.UTC(2026, month, 8)).toISOString().slice(0, 10)
    expect(localDayOf(localInstant(day, '00:00', zone), zone)).toBe(day)
    expect(localDayOf(localInstant(day, '00:00', zone) - 1000, zone)).not.toBe(day)
  }
})

test('a window is sent from local midnight to the last second, and never ends in the future', () => {
  const window = { from: '2026-03-08', to: '2026-11-01' }
  expect(sentWindow(window, zone, noon)).toEqual({ min: '2026-03-08T08:00:00Z', max: '2026-11-02T07:59:59Z' })
  expect(sentWindow({ from: '2026-11-22', to: '2026-11-22' }, zone, noon)).toEqual({
    min: '2026-11-22T08:00:00Z',
    max: '2026-11-22T20:00:00Z',
  })
})
