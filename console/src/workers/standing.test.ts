import { describe, expect, it } from 'vitest'
import { faultsOf } from './standing.ts'

const both = { scheduler: true, worker: true }
const process = { alive: true, host: 'a', pid: 7, roles: ['worker'], outdated: [] }

describe('what is wrong with the processes', () => {
  it('is nothing while both roles live', () => expect(faultsOf(both, 3, [process])).toEqual([]))

  it('is that nobody works, with what waits for it', () => {
    const [fault, ...rest] = faultsOf({ ...both, worker: false }, 2, [])
    expect(rest).toEqual([])
    expect(fault).toMatchObject({ says: '2 runs wait for one.', command: 'sluice up --only worker' })
    expect(faultsOf({ ...both, worker: false }, 1, [])[0]?.says).toBe('One run waits for one.')
  })

  it('is that nobody looks at the schedules', () => {
    expect(faultsOf({ ...both, scheduler: false }, 0, []).map(({ command }) => command)).toEqual([
      'sluice up --only scheduler',
    ])
  })

  it('is a process of before, as long as it lives', () => {
    const old = { ...process, outdated: ['teachers'] }
    expect(faultsOf(both, 0, [old])[0]?.title).toBe('a (pid 7) was started with another definition')
    expect(faultsOf(both, 0, [{ ...old, alive: false }])).toEqual([])
  })
})
