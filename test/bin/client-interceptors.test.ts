import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from '@temporalio/client'
import { expect, test } from 'vitest'
import { withInterceptors } from '../../bin/client-interceptors.ts'
import { freePort } from '../support/free-port.ts'

test('a call that waits to be tried again ends with its connection, and not the process', async () => {
  const connection = Connection.lazy(withInterceptors({ address: `127.0.0.1:${await freePort()}` }))
  const outcome = connection.workflowService.getSystemInfo({}).then(
    () => 'answered',
    (error: unknown) => String(error),
  )
  // refused at once, due again after a tenth of a second
  await sleep(60)
  await connection.close()
  expect(await outcome).toMatch(/1 CANCELLED: .*shut down/i)
}, 30_000)
