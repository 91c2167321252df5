/** The API over a real project: a database of its own, two small flows, a token for each role, and an app to ask. */
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import type { Cause } from '../../src/access/access.ts'
import type { Role } from '../../src/access/role.ts'
import { buildApp } from '../../src/api/app.ts'
import type { ApiSettings } from '../../src/api/config.ts'
import type { Api } from '../../src/api/route.ts'
import { openSluice, type Sluice } from '../../src/sluice.ts'
import { createProject, type Project } from './project.ts'

export interface TestApi extends AsyncDisposable {
  readonly app: Api
  readonly sluice: Sluice
  readonly project: Project
  /** The secret of a token for each role; `none` may only read endpoints. */
  readonly tokens: Readonly<Record<Role | 'none', string>>
  /** Everything that was logged so far, as it would be on stderr. */
  readonly log: () => string
  /** Asks as that role (default: admin); `as: null` without a token. */
  ask(request: InjectOptions & { readonly as?: Role | 'none' | null }): Promise<LightMyRequestResponse>
}

export interface TestApiOptions {
  readonly settings?: Partial<ApiSettings>
  /** More of the config: `endpoints`, other `flows`. */
  readonly config?: object
  readonly consoleFolder?: string | null
  /** Whether a worker and a scheduler live beside it. */
  readonly worker?: boolean
}

const system: Cause = { actor: { by: 'system', id: null, name: 'test' }, requestId: null }

const flows = {
  things: { kind: 'sync', from: { csv: 'things.csv' }, to: 'things', key: ['id'], every: '1h' },
  others: { kind: 'sync', from: { csv: 'things.csv' }, to: 'others', key: ['id'], after: ['things'] },
}

export async function createApi({
  settings = {},
  config = {},
  consoleFolder = null,
  worker = false,
}: TestApiOptions = {}): Promise<TestApi> {
  const project = await createProject('{}')
  await project.write('things.csv', 'id,name\n1,one\n2,two\n3,three\n')
  const sluice = await openSluice({
    directory: project.directory,
    config: { project: 'api', database: project.url, flows, ...config },
  })
  const service = worker ? await sluice.engine.start(['worker', 'scheduler']) : null
  const chunks: string[] = []
  const app = await buildApp(sluice, {
    version: '0.0.0-test',
    settings: { ...sluice.apiSettings(), log: 'debug', ...settings },
    log: { write: (line) => void chunks.push(line) },
    consoleFolder,
  })
  const make = async (role: Role | null): Promise<string> =>
    (await sluice.access.tokens.create({ name: `the ${role ?? 'reader'}`, role }, system)).secret
  const tokens = {
    viewer: await make('viewer'),
    operator: await make('operator'),
    admin: await make('admin'),
    none: await make(null),
  }
  return {
    app,
    sluice,
    project,
    tokens,
    log: () => chunks.join(''),
    ask({ as = 'admin', headers = {}, ...request }) {
      const bearer = as === null ? {} : { authorization: `Bearer ${tokens[as]}` }
      return app.inject({ ...request, headers: { ...bearer, ...headers } })
    },
    [Symbol.asyncDispose]: async () => {
      await app.close()
      await service?.stop(5_000)
      await sluice.close()
      await project[Symbol.asyncDispose]()
    },
  }
}

/** The API of a Sluice that is open, asked by a viewer. */
export async function asViewer(
  sluice: Sluice,
): Promise<{ get(url: string): Promise<LightMyRequestResponse> } & AsyncDisposable> {
  const app = await buildApp(sluice, { version: '0.0.0-test', settings: sluice.apiSettings(), consoleFolder: null })
  const { secret } = await sluice.access.tokens.create({ name: 'a page', role: 'viewer' }, system)
  return {
    get: async (url) => await app.inject({ url, headers: { authorization: `Bearer ${secret}` } }),
    [Symbol.asyncDispose]: async () => await app.close(),
  }
}
