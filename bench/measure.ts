/** Runs a command as a user would and measures it from outside: wall, CPU of all its processes, peak memory of all together. */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { processSource } from '../temporal.config.ts'

export interface Measurement {
  readonly wall_s: number
  /** user + system, of the command and every process it waited for. */
  readonly cpu_s: number
  /** Largest sum of resident memory over the process tree, sampled every 20 ms. A page that n processes share counts 1/n in each. */
  readonly peak_mb: number
  readonly stdout: string
}

/** Resident bytes of a process and all its descendants, each page once (Linux: proportional set size in /proc). */
function treeMemory(root: number): number {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = readProc(`/proc/${name}/stat`)
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const sum = (pid: number): number =>
    Number(/^Pss:\s+(\d+) kB/m.exec(readProc(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * 1024 +
    (children.get(pid) ?? []).reduce((total, child) => total + sum(child), 0)
  return sum(root)
}

/** Empty where the process ended between two looks. */
function readProc(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** Measures `command`; rejects where it exits with another code than 0. */
export async function measure(command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Measurement> {
  // bash's `time` accounts for every descendant that was waited for; Node has no wait4
  const script = `TIMEFORMAT='@@ %R %U %S'; time "$@"`
  const started = performance.now()
  const child = spawn('bash', ['-c', script, 'bash', ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...processSource().env, ...env },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()))
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
  let peak = 0
  const sampler = setInterval(() => (peak = Math.max(peak, treeMemory(child.pid ?? 0))), 20)
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  clearInterval(sampler)
  const wall_s = (performance.now() - started) / 1000
  const times = /@@ ([\d.]+) ([\d.]+) ([\d.]+)/.exec(stderr)
  if (code !== 0 || times === null) throw new Error(`${command.join(' ')} ended with ${code}:\n${stderr.slice(-2000)}`)
  return { wall_s, cpu_s: Number(times[2]) + Number(times[3]), peak_mb: peak / 1e6, stdout }
}

/** Middle value; of an even number of values the lower middle. */
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN
