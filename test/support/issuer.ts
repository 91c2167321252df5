/** An issuer of JWTs as an application has one: real keys, a key set served over HTTP on loopback. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'

export interface Issuer extends AsyncDisposable {
  readonly issuer: string
  readonly audience: string
  readonly jwks: string
  /** How often the key set was asked for. */
  readonly asked: number
  /** Adds a key to the set; what it signs with from then on. */
  rotate(algorithm?: string, options?: { readonly publish?: boolean }): Promise<string>
  /** Takes a key out of the set. */
  withdraw(kid: string): void
  /** `answer`: as it should; `hang`: takes the request and never answers; `break`: 500; `nonsense`: a page that is no key set. */
  behave(how: 'answer' | 'hang' | 'break' | 'nonsense'): void
  /** A token as this issuer signs it: valid for an hour unless said otherwise. */
  sign(
    claims: JWTPayload,
    how?: { readonly kid?: string | null; readonly expires?: string | number | null },
  ): Promise<string>
  publicKey(kid: string): Promise<JWK>
}

export async function openTestIssuer(algorithm = 'RS256'): Promise<Issuer> {
  const keys = new Map<
    string,
    { readonly alg: string; readonly privateKey: CryptoKey; readonly publicKey: CryptoKey }
  >()
  const published = new Set<string>()
  let current = ''
  let behaviour: Parameters<Issuer['behave']>[0] = 'answer'
  let asked = 0
  const server: Server = createServer((_request, response) => {
    asked += 1
    void (async () => {
      if (behaviour === 'hang') return
      if (behaviour === 'break') response.writeHead(500).end('broken')
      else if (behaviour === 'nonsense') response.end('<html>Sign in</html>')
      else {
        const set = await Promise.all(
          [...published].map(async (kid) => ({ ...(await publicKey(kid)), kid, use: 'sig' })),
        )
        response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: set }))
      }
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on a port

  const keyOf = (kid: string) => {
    const key = keys.get(kid)
    if (key === undefined) throw new Error(`no key ${kid}`)
    return key
  }
  const publicKey = async (kid: string): Promise<JWK> => ({
    ...(await exportJWK(keyOf(kid).publicKey)),
    alg: keyOf(kid).alg,
  })

  const made: Issuer = {
    issuer: `http://127.0.0.1:${port}/`,
    audience: 'sluice-api',
    jwks: `http://127.0.0.1:${port}/jwks.json`,
    get asked() {
      return asked
    },
    async rotate(alg = algorithm, { publish = true } = {}) {
      const pair = await generateKeyPair(alg, { extractable: true })
      current = `key-${keys.size + 1}`
      keys.set(current, { alg, ...pair })
      if (publish) published.add(current)
      return current
    },
    withdraw: (kid) => void published.delete(kid),
    behave: (how) => void (behaviour = how),
    async sign(claims, { kid = current, expires = '1h' } = {}) {
      const { alg, privateKey } = keyOf(kid ?? current)
      const jwt = new SignJWT({ iss: made.issuer, aud: made.audience, ...claims }).setProtectedHeader(
        kid === null ? { alg } : { alg, kid },
      )
      if (expires !== null) jwt.setExpirationTime(expires)
      return await jwt.sign(privateKey)
    },
    publicKey,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  await made.rotate()
  return made
}
