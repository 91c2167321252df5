/** `npm run bench -- NAME [--peers] [--rows N] [--turns N]`: one JSON object on stdout, narration on stderr. */
import { parseArgs } from 'node:util'
import { benchLoad } from './load.ts'
import { benchRollup } from './rollup.ts'
import { benchServe } from './serve.ts'

const benches = { load: benchLoad, serve: benchServe, rollup: benchRollup } as const

function usage(): never {
  process.stderr.write(
    `usage: npm run bench -- ${Object.keys(benches).join('|')} [--rows N] [--turns N] [--peers] [--url postgres://…]\n`,
  )
  process.exit(2)
}

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        rows: { type: 'string' },
        turns: { type: 'string', default: '5' },
        peers: { type: 'boolean', default: false },
        url: { type: 'string' },
      },
    })
  } catch {
    return usage()
  }
}

const { values, positionals } = parsed()
const [name = ''] = positionals
const rows = Number(values.rows ?? (name === 'rollup' ? 10_000_000 : 6_000_000))
const turns = Number(values.turns)
const counts = [rows, turns].every((one) => Number.isInteger(one) && one > 0)
if (!(name in benches) || positionals.length !== 1 || !counts) usage()
// The name was looked up just above.
const bench = benches[name as keyof typeof benches]
const result = await bench({ rows, turns, peers: values.peers, url: values.url ?? null })
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
