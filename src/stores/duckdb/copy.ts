/** A source's rows as binary COPY: DuckDB's streaming result, read as typed arrays, encoded batch by batch. */
import duckdb from '@duckdb/node-bindings'
import { DuckDBLogicalType } from '@duckdb/node-api'
import { SluiceError } from '../../lib/error.ts'
import type { CopyChunk, CopyPlan, CopySummary } from '../../transfer/source.ts'
import { Encoder, type ChunkMemory } from '../../transfer/pgcopy/encoder.ts'
import type { Batch, Fetch, Layout, Vector } from '../../transfer/pgcopy/vector.ts'
import { describe, isWritten, type Described, type Instance } from './instance.ts'
import type { From } from './protocol.ts'
import { quoted, rowNumber, selectStatement } from './statement.ts'
import { expressionOf, layoutOf } from './types.ts'

/** Sends what is encoded; resolves when the next chunk may be made. */
export type Send = (chunk: CopyChunk) => Promise<void>

export function copy(
  instance: Instance,
  from: From,
  plan: CopyPlan,
  memory: ChunkMemory,
  send: Send,
  signal: AbortSignal,
): Promise<CopySummary> {
  return instance.connected(signal, async (connection) => {
    const statement = statementOf(await describe(connection, from), from, plan, instance.store)
    const prepared = await duckdb.prepare(connection, statement)
    try {
      const layouts = plan.columns.map((_, index) => resultLayout(prepared, index))
      const encoder = new Encoder(plan, layouts, memory)
      const result = await duckdb.execute_prepared_streaming(prepared)
      // The next batch is read by DuckDB's threads while this one is encoded.
      let next = duckdb.fetch_chunk(result)
      try {
        for (;;) {
          const chunk = await next
          const rows = chunk === null ? 0 : duckdb.data_chunk_get_size(chunk)
          if (chunk === null || rows === 0) break
          next = duckdb.fetch_chunk(result)
          for (const encoded of encoder.encode(batchOf(chunk, layouts, rows))) {
            await send(encoded)
            signal.throwIfAborted()
          }
        }
      } catch (thrown) {
        // What was asked for ahead must have ended before the connection goes.
        duckdb.interrupt(connection)
        await next.catch(() => null)
        throw thrown
      }
      await send(encoder.finish())
      return encoder.summary()
    } finally {
      duckdb.destroy_prepare_sync(prepared)
    }
  })
}

function statementOf(described: readonly Described[], from: From, plan: CopyPlan, store: string): string {
  const byName = new Map(described.map((column) => [column.name, column]))
  const find = (name: string): Described => {
    const found = byName.get(name)
    if (found !== undefined) return found
    throw new SluiceError('SOURCE_COLUMN_MISSING', `the source has no column «${name}»`, {
      why: `its columns are ${described.map((column) => column.name).join(', ')}`,
      fix: 'correct the name in `columns`, `key` or `cursor`, or select the column in the query',
      where: { store, table: plan.table, column: name },
    })
  }
  const asText = described.filter(({ type }) => isWritten(from, type)).map(({ name }) => name)
  const columnOf = (name: string): string =>
    asText.includes(name) ? `cast(source.${quoted(name)} as double)` : `source.${quoted(name)}`
  const selected = plan.columns.map((column, index) => {
    const { type } = find(column.source)
    const isFloat = column.type.tag === 'float8' || column.type.tag === 'float4'
    const written = asText.includes(column.source) && !isFloat
    return {
      expression: written
        ? `source.${quoted(column.source)}`
        : expressionOf(columnOf(column.source), type, column.type),
      name: `c${index}`,
    }
  })
  const since =
    plan.since === undefined
      ? null
      : { expression: columnOf(plan.since.column), from: plan.since.from, type: String(find(plan.since.column).type) }
  const numbered = plan.columns.some((column) => column.source === rowNumber) || plan.since?.column === rowNumber
  return selectStatement(from, selected, numbered, since, asText)
}

function resultLayout(prepared: duckdb.PreparedStatement, index: number): Layout {
  const type = DuckDBLogicalType.create(duckdb.prepared_statement_column_logical_type(prepared, index)).asType()
  const layout = layoutOf(type)
  if (layout === null) throw new Error(`a column of type ${String(type)} was not turned into text`)
  return layout
}

function batchOf(chunk: duckdb.DataChunk, layouts: readonly Layout[], rows: number): Batch {
  return {
    rows,
    columns: layouts.map((layout, index) => vectorOf(duckdb.data_chunk_get_vector(chunk, index), layout, rows)),
  }
}

function vectorOf(vector: duckdb.Vector, layout: Layout, rows: number): Vector {
  // The bindings allocate plain ArrayBuffers; their types say only Uint8Array.
  const data = duckdb.vector_get_data(vector, rows * bytesOf(layout)) as Uint8Array<ArrayBuffer>
  const mask = duckdb.vector_get_validity(vector, Math.ceil(rows / 64) * 8) as Uint8Array | null
  return { layout, data, validity: mask, child: childOf(vector, layout, rows), fetch }
}

const fetch: Fetch = (address, offset, length) => duckdb.get_data_from_pointer(address, offset, length)

function childOf(vector: duckdb.Vector, layout: Layout, rows: number): Vector | null {
  if (layout.tag === 'list')
    return vectorOf(duckdb.list_vector_get_child(vector), layout.of, duckdb.list_vector_get_size(vector))
  if (layout.tag === 'array') return vectorOf(duckdb.array_vector_get_child(vector), layout.of, rows * layout.size)
  return null
}

/** Bytes a value takes in its vector. */
function bytesOf(layout: Layout): number {
  switch (layout.tag) {
    case 'null':
    case 'boolean':
      return 1
    case 'int':
    case 'float':
    case 'decimal':
    case 'enum':
      return layout.bits / 8
    case 'date':
      return 4
    case 'time':
    case 'timetz':
    case 'timestamp':
      return 8
    case 'string':
    case 'bytes':
    case 'bits':
    case 'interval':
    case 'uuid':
    case 'list':
      return 16
    case 'array':
      return 0
  }
}
