/** Something to look at: what a team has after a day with Sluice. Done through the API, as anybody would. */
import type { School } from './school.ts'

export type Ask = <T>(method: string, path: string, body?: unknown) => Promise<T>

/** Asks the API with a bearer token; rejects with what it was refused for. */
export function askAs({ url }: Pick<School, 'url'>, secret: string): Ask {
  return async <T>(method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${secret}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T // what the document of the API says of it
  }
}

interface Asked {
  readonly run: { readonly id: string; readonly outcome: string | null }
}

/** Ids of what there is to open. */
export interface Furnished {
  readonly run: string
  readonly failed: string
  readonly backfill: string
  /** Of `visits` by hour: yesterday, and a bucket of it that is dirty, and differs. */
  readonly slice: string
  readonly bucket: string
}

/** Runs the flows, breaks one and mends it, pauses another, adds people and tokens. Gives ids of what there is to open. */
export async function furnish(school: Pick<School, 'write' | 'url' | 'query'>, ask: Ask): Promise<Furnished> {
  const run = (flow: string): Promise<Asked> => ask('POST', `/api/flows/${flow}/runs`, {})
  const finish = async (id: string): Promise<string> => {
    for (;;) {
      const { outcome } = await ask<{ readonly outcome: string | null }>('GET', `/api/runs/${id}`)
      if (outcome !== null) return outcome
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
  const good = await run('schools')
  await finish(good.run.id)
  const done = await run('teachers')
  await finish(done.run.id)
  await ask('POST', '/api/flows/teachers/verifications', {})
  await school.write('data/schools.csv', 'emis;name;sector\n"1000;School')
  const broken = await run('schools')
  await finish(broken.run.id)
  await ask('POST', '/api/flows/census/pause', { reason: 'the census office moves its server until Friday' })
  await ask('POST', '/api/notifications/test', { webhook: 'notify[0]' })
  await ask('POST', '/api/principals', { name: 'Ada Byron', role: 'operator', claims: { sector: ['East', 'West'] } })
  await ask('POST', '/api/principals', { name: 'Grace Hopper', role: 'viewer', claims: {} })
  for (const [name, role] of [
    ['nightly', 'operator'],
    ['portal', null],
  ] as const)
    await ask('POST', '/api/tokens', { name, role, claims: role === null ? { sector: 'East' } : {} })
  const backfill = await ask<{ readonly id: string }>('POST', '/api/flows/teachers/backfills', {
    slices: ['all'],
    force: true,
  })
  const counted = await run('visits')
  await finish(counted.run.id)
  const verified = await ask<Asked>('POST', '/api/flows/visits/verifications', {})
  await finish(verified.run.id)
  const hours = await ask<{ readonly items: readonly { readonly key: string }[] }>(
    'GET',
    `/api/flows/visits/slices?${new URLSearchParams({ search: ']/hour' }).toString()}`,
  )
  const slice = hours.items[1]?.key ?? ''
  const { items } = await ask<{ readonly items: readonly { readonly from: string }[] }>(
    'GET',
    `/api/flows/visits/slices/${encodeURIComponent(slice)}/buckets`,
  )
  const bucket = items[10]?.from ?? ''
  await school.query(
    `insert into visit (site, device, seconds, seen_at) values ('shop', 'phone', 7, $1), ('kiosk', null, 9, $1)`,
    [bucket],
  )
  return { run: done.run.id, failed: broken.run.id, backfill: backfill.id, slice, bucket }
}
