/** Steps of a longer job as they happen: one line each, living on a terminal, plain in a log. */
import { formatDuration } from './human.ts'

export interface Steps {
  /**
   * Runs a step; its line ends with what `work` answers as `[result, note]`, and the time. `tell` says how far it is.
   */
  run<T>(title: string, work: (tell: (how: string) => void) => Promise<readonly [result: T, note: string]>): Promise<T>
  /** A line of its own. */
  say(line: string): void
}

/** How often a log hears of a step that goes on. */
const logEveryMs = 5_000
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

/** Steps on a stream. Steps may run one after the other, not side by side. */
export function openSteps(out: NodeJS.WriteStream): Steps {
  const say = (line: string) => out.write(`${line}\n`)
  return {
    say,
    async run(title, work) {
      const started = performance.now()
      const line = out.isTTY ? livingLine(out, title, started) : loggedLine(say, title)
      try {
        const [result, note] = await work(line.tell)
        const took = formatDuration(performance.now() - started)
        line.end(`  ✓ ${title}${note === '' ? '' : `: ${note}`} (${took})`)
        return result
      } catch (error) {
        line.end(`  ✗ ${title}`)
        throw error
      }
    },
  }
}

interface Line {
  readonly tell: (how: string) => void
  readonly end: (line: string) => void
}

function livingLine(out: NodeJS.WriteStream, title: string, started: number): Line {
  let how = ''
  let frame = 0
  const draw = () => {
    frame = (frame + 1) % frames.length
    const seconds = Math.round((performance.now() - started) / 1000)
    const text = `  ${frames[frame]} ${title}${how === '' ? '' : `: ${how}`}${seconds > 2 ? ` (${seconds} s)` : ''}`
    out.write(`\r\u001b[2K${text.slice(0, Math.max(20, (out.columns || 80) - 1))}`)
  }
  const timer = setInterval(draw, 100)
  draw()
  return {
    tell: (text) => {
      how = text
    },
    end: (line) => {
      clearInterval(timer)
      out.write(`\r\u001b[2K${line}\n`)
    },
  }
}

function loggedLine(say: (line: string) => void, title: string): Line {
  let told = performance.now()
  let last = ''
  return {
    tell: (how) => {
      if (how === last || performance.now() - told < logEveryMs) return
      told = performance.now()
      last = how
      say(`  … ${title}: ${how}`)
    },
    end: say,
  }
}
