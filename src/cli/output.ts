import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

export interface OutputOptions {
  readonly json: boolean
  /** False for `--no-color`; NO_COLOR and streams that are no terminal have none either. */
  readonly color: boolean
  readonly verbosity: 'quiet' | 'normal' | 'verbose'
}

/** What a command says: data on stdout, narration on stderr. */
export interface Output {
  readonly json: boolean
  readonly verbose: boolean
  /** stderr is a terminal that can show progress, and nobody asked for quiet. */
  readonly live: boolean
  /** Somebody can be asked: stdin and stderr are terminals. */
  readonly interactive: boolean
  /** A text for people, on stdout. */
  text(text: string): void
  /** One JSON document, on stdout. Dates become RFC 3339. */
  document(value: unknown): void
  /** One line of JSON of a stream, on stdout. */
  line(value: unknown): void
  /** Narration, on stderr; silent with `--quiet`. */
  say(text: string): void
  /** Narration that only `--verbose` asks for. */
  detail(text: string): void
  /** Always on stderr: errors, and what a signal does. */
  warn(text: string): void
  style(style: Style, text: string): string
}

export function openOutput(options: OutputOptions): Output {
  const write = (stream: NodeJS.WriteStream, text: string): void => {
    stream.write(text.endsWith('\n') ? text : `${text}\n`)
  }
  const colored = options.color && (process.env['NO_COLOR'] ?? '') === ''
  const quiet = options.verbosity === 'quiet'
  return {
    json: options.json,
    verbose: options.verbosity === 'verbose',
    live: process.stderr.isTTY === true && !quiet && process.env['TERM'] !== 'dumb',
    interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    text: (text) => write(process.stdout, text),
    document: (value) => write(process.stdout, JSON.stringify(value, null, 2)),
    line: (value) => write(process.stdout, JSON.stringify(value)),
    say(text) {
      if (!quiet) write(process.stderr, text)
    },
    detail(text) {
      if (options.verbosity === 'verbose') write(process.stderr, text)
    },
    warn: (text) => write(process.stderr, text),
    style: (style, text) =>
      colored && process.stdout.isTTY === true && process.stderr.isTTY === true
        ? styleText(style, text, { validateStream: false })
        : text,
  }
}

/** Everything written has left this process: what comes next may end it. */
export async function flush(): Promise<void> {
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) => new Promise<void>((resolve) => (stream.writable ? stream.write('', () => resolve()) : resolve())),
    ),
  )
}
