import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // the slowest tests kill and restart real servers, maybe on a busy machine: a hang is meant, not slowness
    testTimeout: 240_000,
    hookTimeout: 600_000,
    pool: 'forks',
    maxWorkers: 2,
    env: { TZ: 'UTC' },
    reporters: ['default', './test/support/count-reporter.ts'],
  },
})
