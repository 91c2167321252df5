import { z } from 'zod'
import { id, json, time } from '../schemas.ts'
import { changes } from './run.ts'

export const sliceState = z.enum(['missing', 'dirty', 'running', 'done', 'failed', 'frozen']).meta({ id: 'SliceState' })

export const slice = z
  .object({
    flow: z.string(),
    key: z.string().meta({ description: 'the same slice always has the same key; the kind says what it means' }),
    ordinal: z.number().meta({ description: 'sorts the slices of a flow; newer is larger' }),
    span: json.meta({ description: 'what the slice covers, as its kind says' }),
    period: z
      .object({ from: time, to: time.describe('not in it') })
      .nullable()
      .meta({ description: 'the stretch of time it stands for; null: for none, as the whole table of a sync' }),
    state: sliceState,
    dueAt: time.nullable(),
    asOf: time.nullable().describe('how old its published content is'),
    rows: z.number().nullable(),
    changes: changes.nullable().meta({ description: 'what its last publication changed' }),
    run: id.nullable().meta({ description: 'the run that its content comes from' }),
    publishedAt: time.nullable(),
    verified: z
      .object({ verdict: z.enum(['identical', 'differs', 'failed']), at: time, run: id })
      .nullable()
      .meta({ description: 'the last comparison of source and target' }),
  })
  .meta({ id: 'Slice', description: 'the part of a flow that is redone as a whole' })

export const sliceCounts = z
  .object({
    missing: z.number(),
    dirty: z.number(),
    running: z.number(),
    done: z.number(),
    failed: z.number(),
    frozen: z.number(),
  })
  .meta({ id: 'SliceCounts', description: 'slices by state' })
