/** Progress on stderr: a bar on a terminal, a line per finished thing in a log. */
import { SingleBar } from 'cli-progress'
import { formatBytes } from './human.ts'

export interface Progress extends Disposable {
  /** Begins a phase of `totalBytes` in `things` files (or what `noun` says); 0 things: its extent comes with `share`. */
  start(phase: string, totalBytes: number, things: number, noun?: string): void
  /** Bytes done of one named thing. */
  update(name: string, bytes: number): void
  /** A named thing is finished. */
  finish(name: string, bytes: number, how: string): void
  /** Done and total of a phase without things. */
  share(done: number, total: number): void
}

/** Progress for a stream: a bar where it is a terminal, else lines. */
export const openProgress = (out: NodeJS.WriteStream): Progress => (out.isTTY ? openBar(out) : openLines(out))

function openLines(out: NodeJS.WriteStream): Progress {
  let phase = ''
  let finished = 0
  let total = 0
  return {
    start(name, bytes, things, noun = 'file') {
      phase = name
      finished = 0
      total = things
      out.write(
        things === 0 ? `${phase}\n` : `${phase} ${things} ${noun}${things === 1 ? '' : 's'}, ${formatBytes(bytes)}\n`,
      )
    },
    update() {},
    finish(name, bytes, how) {
      finished += 1
      out.write(`  ${finished}/${total} ${name} (${formatBytes(bytes)}): ${how}\n`)
    },
    share() {},
    [Symbol.dispose]() {},
  }
}

function openBar(out: NodeJS.WriteStream): Progress {
  const bar = new SingleBar({
    stream: out,
    format: '{phase} [{bar}] {percentage}%  {note}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
  })
  const doneBytes = new Map<string, number>()
  let phase = ''
  let total = 0
  const show = () => {
    const done = [...doneBytes.values()].reduce((sum, bytes) => sum + bytes, 0)
    bar.update(done, { note: `${formatBytes(done)} of ${formatBytes(total)}` })
  }
  return {
    start(name, bytes) {
      bar.stop()
      doneBytes.clear()
      phase = name.padEnd(10)
      total = bytes
      bar.start(Math.max(1, bytes), 0, { phase, note: '' })
    },
    update(name, bytes) {
      doneBytes.set(name, bytes)
      show()
    },
    finish(name, bytes) {
      doneBytes.set(name, bytes)
      show()
    },
    share(done, all) {
      bar.setTotal(Math.max(1, all))
      bar.update(done)
    },
    [Symbol.dispose]() {
      bar.stop()
    },
  }
}
