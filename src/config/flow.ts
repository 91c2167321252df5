import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { Flow, FlowName } from '../flows/flow.ts'
import { contentOf as contentOfRollup, defaultSchedule, resolveRollup } from '../flows/rollup/config.ts'
import { contentOf, resolveSync } from '../flows/sync/config.ts'
import type { Json } from '../lib/json.ts'
import type { Files } from '../lib/reference.ts'
import type { FlowDefinition } from './schema.ts'
import { timingOf } from './timing.ts'

/** A definition that fits the schema as the flow that the engine knows: files read, templates rendered, secrets unresolved. */
export function toFlow(name: FlowName, definition: FlowDefinition, files: Files): Flow {
  switch (definition.kind) {
    case 'sync': {
      const options = resolveSync(definition, files)
      return {
        name,
        kind: definition.kind,
        options,
        definitionHash: hashOf({ kind: definition.kind, content: contentOf(options) }),
        stores: [...new Set([options.store, options.to.store])],
        timing: timingOf(definition),
      }
    }
    case 'rollup': {
      const options = resolveRollup(definition, files)
      const timing = timingOf({ ...definition, zone: definition.cron === undefined ? undefined : definition.zone })
      return {
        name,
        kind: definition.kind,
        options,
        definitionHash: hashOf({ kind: definition.kind, content: contentOfRollup(options) }),
        stores: options.from.tag === 'table' ? ['database'] : [options.from.store, 'database'],
        timing: { ...timing, schedule: timing.schedule ?? defaultSchedule(options) },
      }
    }
  }
}

/** SHA-256 of the canonical JSON (RFC 8785): the same whatever the order of keys. */
export function hashOf(content: Json): string {
  return createHash('sha256')
    .update(canonicalize(content) ?? 'null')
    .digest('hex')
}
