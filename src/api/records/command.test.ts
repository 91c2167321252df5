import { expect, test } from 'vitest'
import type { FlowName, SliceKey } from '../../flows/flow.ts'
import { commandOf } from './command.ts'

const flow = 'teacher_data' as FlowName // what the config's parser makes of it

test.each([
  [{ operation: 'apply', slices: null, options: {} }, 'sluice run teacher_data'],
  [{ operation: 'apply', slices: null, options: { force: true } }, 'sluice run teacher_data --force'],
  [{ operation: 'plan', slices: null, options: {} }, 'sluice run teacher_data --dry-run'],
  [{ operation: 'verify', slices: null, options: { strict: true } }, 'sluice verify teacher_data --strict'],
  [{ operation: 'verify', slices: null, options: { repair: true } }, 'sluice verify teacher_data --repair'],
  [
    { operation: 'apply', slices: ['all'] as readonly string[], options: { strict: true, repair: true } },
    'sluice run teacher_data --slice all',
  ],
  [{ operation: 'ddl', slices: null, options: {} }, 'sluice ddl teacher_data'],
  [{ operation: 'check', slices: null, options: {} }, 'sluice doctor'],
  [
    { operation: 'apply', slices: ["it's [1]"] as readonly string[], options: { from: '2026-01-01', to: null } },
    String.raw`sluice run teacher_data --slice 'it'\''s [1]' --from 2026-01-01`,
  ],
] as const)('%j is %s', ({ slices, ...run }, command) => {
  expect(commandOf({ ...run, flow, slices: slices as readonly SliceKey[] | null })).toBe(command)
})
