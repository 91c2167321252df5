/** Rows that policies hide from the role that publishes: no command takes what is left for the whole. */
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { createProject } from './support/project.ts'

test.each([18, 14] as const)(
  'a target whose policies apply to the role: refused by run and by verify (PostgreSQL %i)',
  async (version) => {
    const role = `owner_${randomUUID().slice(0, 8)}`
    await using project = await createProject(`{ things: sync({ from: { csv: 'rows.csv' }, to: 'app.things' }) }`, {
      version,
    })
    await project.query(`create role ${role} login password 'secret'; create schema app authorization ${role}`)
    await project.query(
      `do $$ begin execute format('grant create on database %I to ${role}', current_database()); end $$`,
    )
    const url = new URL(project.url)
    url.username = role
    url.password = 'secret'
    const env = { DATABASE_URL: url.href }
    try {
      const lines = Array.from({ length: 20 }, (_, id) => `${id}`)
      await project.write('rows.csv', `id\n${lines.join('\n')}\n`)
      expect(await project.sluice(['run', 'things'], env)).toMatchObject({ code: 0 })
      expect(await project.sluice(['verify', 'things'], env)).toMatchObject({ code: 0 })
      // The owner sees every second row from here on.
      await project.query(
        'alter table app.things enable row level security, force row level security; create policy even on app.things using (id % 2 = 0)',
      )
      const before = await project.query('select ctid, xmin::text, id from app.things order by id')
      await project.write('rows.csv', `id\n${lines.slice(0, 11).join('\n')}\n`)
      for (const args of [
        ['run', 'things'],
        ['run', 'things', '--force'],
        ['run', 'things', '--dry-run'],
        ['verify', 'things'],
      ]) {
        const ended = await project.sluice(args, env)
        expect(ended.code, args.join(' ')).not.toBe(0)
        expect(ended.stderr + ended.stdout).toMatch(/TARGET_UNSUITABLE[^]*no force row level security/)
      }
      expect(await project.query('select ctid, xmin::text, id from app.things order by id')).toEqual(before)
    } finally {
      await project.query(`drop owned by ${role} cascade; drop role ${role}`)
    }
  },
)
