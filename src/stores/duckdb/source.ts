import { resolve } from 'node:path'
import type { CopyChunk, CopyPlan, CopyStream, CopySummary, Source } from '../../transfer/source.ts'
import type { DuckdbSourceSpec } from './client.ts'
import { countStatement } from './counted.ts'
import type { Thread } from './owner.ts'
import type { From } from './protocol.ts'

/** A query, a table or files, read through the thread that owns the DuckDB file. */
export function duckdbSource(
  store: string,
  directory: string,
  thread: () => Promise<Thread>,
  spec: DuckdbSourceSpec,
): Source {
  return sourceFrom(`${store}: ${describeFrom(fromOf(spec, directory))}`, thread, fromOf(spec, directory), spec.changed)
}

function sourceFrom(description: string, thread: () => Promise<Thread>, from: From, changed: string | null): Source {
  return {
    description,
    columns: async (signal) => (await thread()).ask({ tag: 'columns', from }, signal),
    mark: async (signal) => (await thread()).ask({ tag: 'mark', from, changed }, signal),
    copy: (plan, signal) => lazily(thread, from, plan, signal),
    counted: (question) =>
      sourceFrom(description, thread, { tag: 'query', query: countStatement(from, question) }, changed),
    extent: async (time, within, signal) => (await thread()).ask({ tag: 'extent', from, time, within }, signal),
  }
}

function lazily(thread: () => Promise<Thread>, from: From, plan: CopyPlan, signal?: AbortSignal): CopyStream {
  const summary = Promise.withResolvers<CopySummary>()
  summary.promise.catch(() => undefined)
  return {
    summary: summary.promise,
    async *[Symbol.asyncIterator](): AsyncGenerator<CopyChunk, void> {
      try {
        const stream = (await thread()).copy({ tag: 'copy', from, plan }, signal)
        void stream.summary.then(summary.resolve, summary.reject)
        yield* stream
      } catch (thrown) {
        summary.reject(thrown)
        throw thrown
      }
    },
  }
}

function fromOf(spec: DuckdbSourceSpec, directory: string): From {
  switch (spec.tag) {
    case 'query':
      return { tag: 'query', query: spec.query }
    case 'table':
      return { tag: 'table', table: spec.table }
    case 'parquet':
    case 'csv':
    case 'json':
      return { tag: spec.tag, path: resolve(directory, spec.path) }
  }
}

function describeFrom(from: From): string {
  switch (from.tag) {
    case 'query':
      return from.query.trim().replaceAll(/\s+/gu, ' ').slice(0, 80)
    case 'table':
      return from.table
    case 'parquet':
    case 'csv':
    case 'json':
      return from.path
  }
}
