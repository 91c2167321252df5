/**
 * Rows in columns: sorted by a click on the head, chosen by boxes, only what is on the screen drawn. Filters, sort and page are the
 * caller's, who keeps them in the URL.
 */
import { IconChevronDown, IconChevronUp, IconSelector } from '@tabler/icons-react'
import {
  createColumnHelper,
  createSortedRowModel,
  rowSortingFeature,
  sortFn_alphanumeric,
  sortFn_basic,
  sortFn_text,
  tableFeatures,
  useTable,
} from '@tanstack/react-table'
import type { ColumnDef, RowData } from '@tanstack/react-table'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useLayoutEffect, useMemo, useRef, useState } from 'react'
import type { ReactNode } from 'react'
import { useFollowPlain } from './CellLink.tsx'
import classes from './DataTable.module.css'
import { parseSort, writeSort } from './sort.ts'

/** How a column is laid out; `hide` drops it below 700 or 1,000 pixels. */
interface Layout {
  /** Below 700 pixels a share of the width is no measure: such a column takes what the others leave. */
  readonly width?: string
  readonly align?: 'right'
  readonly hide?: 'phone' | 'tablet'
  /** Long text goes on the next line instead of being cut. */
  readonly wrap?: boolean
}

const features = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric, basic: sortFn_basic, text: sortFn_text },
})

type Features = typeof features

/** A column: `cell` draws it, `by` is what it sorts by (left out: it does not sort). */
export interface Column<Row> extends Layout {
  readonly id: string
  readonly head: string
  readonly cell: (row: Row) => ReactNode
  readonly by?: (row: Row) => string | number | null
}

export interface DataTableProps<Row extends RowData> {
  /** What the table is, for a screen reader. */
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly rowKey: (row: Row) => string
  /** Shown instead of rows when there are none. */
  readonly empty: ReactNode
  /** `rows`, `-rows`; with `onSort` the heads are buttons. */
  readonly sort?: string | undefined
  readonly onSort?: (sort: string | undefined) => void
  readonly chosen?: { readonly keys: ReadonlySet<string>; readonly onChange: (keys: ReadonlySet<string>) => void }
  /** How many rows there are, where not all of them are loaded. */
  readonly total?: number | null | undefined
  readonly onMore?: (() => void) | undefined
  readonly loadingMore?: boolean
}

const rowHeight = 40
/** Below this all rows are drawn: the browser's own search finds them. */
const virtualFrom = 150

function definitions<Row extends RowData>(columns: readonly Column<Row>[]): ColumnDef<Features, Row, unknown>[] {
  const helper = createColumnHelper<Features, Row>()
  return columns.map((column) =>
    helper.accessor((row): unknown => column.by?.(row) ?? undefined, {
      id: column.id,
      header: column.head,
      enableSorting: column.by !== undefined,
      sortUndefined: 'last',
      cell: ({ row }) => column.cell(row.original),
    }),
  )
}

export function DataTable<Row extends RowData>(props: DataTableProps<Row>) {
  const { label, columns, rows, rowKey, empty, sort, onSort, chosen } = props
  const sorting = useMemo(() => parseSort(sort), [sort])
  const defined = useMemo(() => definitions(columns), [columns])
  const data = useMemo(() => [...rows], [rows])
  const table = useTable({
    features,
    columns: defined,
    data,
    state: { sorting },
    enableSortingRemoval: true,
    manualSorting: onSort === undefined,
    getRowId: rowKey,
    onSortingChange: (change) => {
      const next = typeof change === 'function' ? change(sorting) : change
      onSort?.(writeSort(next))
    },
  })
  const ordered = table.getRowModel().rows
  const layouts = new Map(columns.map((column) => [column.id, column]))
  const body = useRef<HTMLTableSectionElement>(null)
  const [top, setTop] = useState(0)
  const follow = useFollowPlain()
  const some = rows.length > 0
  // Measured only where it counts: it is dear, and draws the table again.
  const measured = ordered.length >= virtualFrom
  useLayoutEffect(() => {
    if (measured) setTop((body.current?.getBoundingClientRect().top ?? 0) + window.scrollY)
  }, [measured])
  const virtual = useWindowVirtualizer({
    count: ordered.length,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin: top,
    enabled: ordered.length >= virtualFrom,
  })

  if (!some) return <>{empty}</>
  const all = ordered.length < virtualFrom
  const items = virtual.getVirtualItems()
  const shown = all ? ordered.map((_, index) => index) : items.map((item) => item.index)
  const before = all ? 0 : Math.max(0, (items[0]?.start ?? 0) - top)
  const after = all ? 0 : Math.max(0, virtual.getTotalSize() - ((items.at(-1)?.end ?? 0) - top))
  const total = props.total ?? rows.length

  return (
    // Keys reach the links themselves: a click is what they make of Enter.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions
    <div className={classes['frame']} onClick={follow}>
      <table className={classes['table']} aria-label={label} aria-rowcount={total + 1}>
        <colgroup>
          {chosen !== undefined && <col style={{ width: 40 }} />}
          {columns.map((column) => (
            <col
              key={column.id}
              style={{ width: column.width }}
              data-share={column.width?.endsWith('%') || undefined}
              data-hide={column.hide}
              className={classes['column']}
            />
          ))}
        </colgroup>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {chosen !== undefined && (
                <th scope="col" className={classes['head']}>
                  <input
                    type="checkbox"
                    className={classes['box']}
                    aria-label="Choose all rows"
                    checked={rows.length > 0 && chosen.keys.size >= rows.length}
                    ref={(box) => {
                      if (box !== null) box.indeterminate = chosen.keys.size > 0 && chosen.keys.size < rows.length
                    }}
                    onChange={(event) => chosen.onChange(new Set(event.currentTarget.checked ? rows.map(rowKey) : []))}
                  />
                </th>
              )}
              {group.headers.map((header) => {
                const layout = layouts.get(header.column.id)
                const sorts = onSort !== undefined && header.column.getCanSort()
                const order = header.column.getIsSorted()
                return (
                  <th
                    key={header.id}
                    scope="col"
                    className={classes['head']}
                    data-hide={layout?.hide}
                    data-align={layout?.align}
                    aria-sort={
                      sorts ? (order === 'asc' ? 'ascending' : order === 'desc' ? 'descending' : 'none') : undefined
                    }
                  >
                    {sorts ? (
                      <button
                        type="button"
                        className={classes['sort']}
                        onClick={header.column.getToggleSortingHandler()}
                      >
                        {layout?.head}
                        {order === 'asc' ? (
                          <IconChevronUp size={13} aria-hidden />
                        ) : order === 'desc' ? (
                          <IconChevronDown size={13} aria-hidden />
                        ) : (
                          <IconSelector size={13} aria-hidden className={classes['idle']} />
                        )}
                      </button>
                    ) : (
                      layout?.head
                    )}
                  </th>
                )
              })}
            </tr>
          ))}
        </thead>
        <tbody ref={body}>
          {before > 0 && <tr aria-hidden style={{ height: before }} />}
          {shown.map((index) => {
            const row = ordered[index]
            if (row === undefined) return null
            return (
              <tr key={row.id} className={classes['row']} aria-rowindex={index + 2} data-key={row.id}>
                {chosen !== undefined && (
                  <td className={classes['cell']}>
                    <input
                      type="checkbox"
                      className={classes['box']}
                      aria-label={`Choose ${row.id}`}
                      checked={chosen.keys.has(row.id)}
                      onChange={(event) => {
                        const keys = new Set(chosen.keys)
                        if (event.currentTarget.checked) keys.add(row.id)
                        else keys.delete(row.id)
                        chosen.onChange(keys)
                      }}
                    />
                  </td>
                )}
                {row.getAllCells().map((cell) => {
                  const layout = layouts.get(cell.column.id)
                  return (
                    <td
                      key={cell.id}
                      className={classes['cell']}
                      data-hide={layout?.hide}
                      data-align={layout?.align}
                      data-wrap={layout?.wrap}
                    >
                      <table.FlexRender cell={cell} />
                    </td>
                  )
                })}
              </tr>
            )
          })}
          {after > 0 && <tr aria-hidden style={{ height: after }} />}
        </tbody>
      </table>
      {/* Not a foot of the table: a cell over all columns makes room for those that a phone does not show. */}
      {props.onMore !== undefined && (
        <div className={classes['more']}>
          <button type="button" onClick={props.onMore} disabled={props.loadingMore}>
            {props.loadingMore === true ? 'Loading…' : `Show more (${rows.length} of ${props.total ?? 'many'})`}
          </button>
        </div>
      )}
    </div>
  )
}
