/**
 * The system's Chromium, with a new profile for each use and no way out of the machine: whatever is not loopback is sent to a proxy
 * that writes it down and refuses it, the browser's own requests included.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type BrowserContext } from 'playwright-core'

/** Where it may be. Debian's wrapper script adds flags of its own and keys to call home with, so what it wraps comes first. */
export const places = [
  '/usr/lib/chromium/chromium',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]

function find(): string | null {
  const named = process.env['SLUICE_CHROMIUM']
  const found = named === undefined ? places.find((path) => existsSync(path)) : existsSync(named) ? named : undefined
  if (found === undefined && process.env['SLUICE_CHROMIUM_REQUIRED'] === '1') {
    throw new Error(
      `no Chromium at ${named ?? places.join(', ')}: install it (Debian: apt-get install chromium), or name it in SLUICE_CHROMIUM`,
    )
  }
  return found ?? null
}

/** Services of its maker that it would ask by itself, and two habits that make pictures differ. In place of playwright's own list. */
const callingHome = [
  'AutofillServerCommunication',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'MediaRouter',
  'PreconnectToSearch',
  'Translate',
  'HttpsUpgrades',
  'PaintHolding',
]

/** Where Chromium is; null: nowhere, and nobody said that it has to be (`SLUICE_CHROMIUM_REQUIRED=1`). */
export const executable = find()

export interface Chromium extends AsyncDisposable {
  readonly context: BrowserContext
  /** What wanted to leave the machine so far: `CONNECT fonts.example:443`, `GET http://…`. */
  readonly left: readonly string[]
}

export async function openChromium(
  options: { readonly viewport?: { readonly width: number; readonly height: number } } = {},
): Promise<Chromium> {
  if (executable === null) throw new Error('there is no Chromium here')
  const left: string[] = []
  const wayOut = await refuseAll(left)
  const profile = await mkdtemp(join(tmpdir(), 'sluice-chromium-'))
  const close = async (): Promise<void> => {
    wayOut.closeAllConnections()
    wayOut.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: executable,
      headless: true,
      chromiumSandbox: false,
      viewport: options.viewport ?? { width: 1440, height: 900 },
      locale: 'en-GB',
      timezoneId: 'Europe/Berlin',
      acceptDownloads: true,
      args: [
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        // What it asks its maker for in spite of that goes nowhere, so that whatever the proxy sees is a page's doing.
        '--gaia-url=http://127.0.0.1:9',
        '--component-updater=url-source=http://127.0.0.1:9/',
        `--disable-features=${callingHome.join(',')}`,
        '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
        // Loopback alone goes past a proxy, by Chromium's own rule.
        `--proxy-server=http://127.0.0.1:${portOf(wayOut)}`,
        // No name is asked of anybody, even if something found a way around the proxy.
        '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost',
      ],
    })
    return {
      context,
      left,
      [Symbol.asyncDispose]: async () => {
        await context.close()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** A proxy that lets nothing through and writes down what it was asked for. */
async function refuseAll(asked: string[]): Promise<Server> {
  const server = createServer((request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''}`)
    response.writeHead(403).end()
  })
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url ?? ''}`)
    socket.on('error', () => {})
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  return server
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy does not listen')
  return address.port
}
