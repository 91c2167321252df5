/** What a flow reads and writes, and what comes before and after it: left to right, drawn. */
import { useNavigate } from '@tanstack/react-router'
import { useLayoutEffect, useMemo, useRef } from 'react'
import type { LineageNode } from '../client/model/lineageNode.ts'
import { useGetLineage } from '../client/flows.ts'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { stateColour } from '../frame/State.tsx'
import { useAllFlows } from './all.ts'
import { around, place, shortened } from './lineage-layout.ts'
import classes from './Lineage.module.css'

const width = 152
const height = 46
const gapX = 28
const gapY = 16
/** Drawn smaller where there is little room, down to this; below it scrolls. */
const least = 0.9

/** As in Lineage.module.css. */
const nameFont = '600 12.5px'
const sortFont = '400 11px'

let pen: CanvasRenderingContext2D | null = null

/** Pixels that a text takes in the page's own letters; where there is no canvas, an upper bound. */
function widthOf(text: string, font: string): number {
  pen ??= document.createElement('canvas').getContext('2d')
  if (pen === null) return text.length * 8
  pen.font = `${font} ${getComputedStyle(document.body).fontFamily}`
  return pen.measureText(text).width
}

const words: Readonly<Record<LineageNode['tag'], string>> = {
  source: 'source',
  flow: 'flow',
  target: 'table',
  endpoint: 'endpoint',
}

export function Lineage({ flow }: { readonly flow: string }) {
  const lineage = useGetLineage()
  const flows = useAllFlows()
  const states = useMemo(() => new Map((flows.data ?? []).map((each) => [each.name, each.state])), [flows.data])
  const drawn = useMemo(() => {
    const part = around(lineage.data ?? { nodes: [], edges: [] }, `flow:${flow}`)
    return { ...part, placed: place(part) }
  }, [lineage.data, flow])
  const frame = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const { current } = frame
    const here = drawn.placed.find(({ node }) => node.id === `flow:${flow}`)
    // Where not all of it fits, the flow itself is seen.
    if (current !== null && here !== undefined && drawn.placed.length > 0)
      current.scrollLeft =
        (current.scrollWidth * (here.column + 0.5)) / (1 + Math.max(...drawn.placed.map(({ column }) => column))) -
        current.clientWidth / 2
  }, [drawn, flow])
  if (lineage.isPending) return <Loading rows={2} />
  if (lineage.isError) return <ErrorPanel error={lineage.error} retry={() => void lineage.refetch()} />
  const spots = new Map(
    drawn.placed.map(({ node, column, row }) => [node.id, { x: column * (width + gapX), y: row * (height + gapY) }]),
  )
  const right = Math.max(0, ...[...spots.values()].map(({ x }) => x)) + width
  const bottom = Math.max(0, ...[...spots.values()].map(({ y }) => y)) + height
  const says = drawn.edges.map(
    ({ from, to, tag }) => `${nameOf(drawn.nodes, from)} ${edgeWords[tag]} ${nameOf(drawn.nodes, to)}`,
  )
  return (
    <div ref={frame} className={classes['frame']} role="region" aria-label="Lineage" tabIndex={0}>
      <svg
        viewBox={`-2 -2 ${right + 4} ${bottom + 4}`}
        style={{ width: '100%', maxWidth: right + 4, minWidth: (right + 4) * least }}
        aria-hidden
      >
        {drawn.edges.map(({ from, to, tag }) => {
          const [a, b] = [spots.get(from), spots.get(to)]
          if (a === undefined || b === undefined) return null
          const [x1, y1, x2, y2] = [a.x + width, a.y + height / 2, b.x, b.y + height / 2]
          const bend = Math.max(24, (x2 - x1) / 2)
          return (
            <path
              key={`${from} ${to} ${tag}`}
              d={`M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`}
              className={classes['edge']}
              data-tag={tag}
            />
          )
        })}
        {drawn.placed.map(({ node }) => {
          const spot = spots.get(node.id)
          return spot === undefined ? null : (
            <Box key={node.id} node={node} {...spot} here={node.id === `flow:${flow}`} state={states.get(node.name)} />
          )
        })}
      </svg>
      <ul className={classes['said']}>
        {says.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </div>
  )
}

const edgeWords = { reads: 'is read by', writes: 'writes', after: 'comes before', serves: 'is served by' } as const

const nameOf = (nodes: readonly LineageNode[], id: string): string => nodes.find((node) => node.id === id)?.name ?? id

function Box({
  node,
  x,
  y,
  here,
  state,
}: {
  readonly node: LineageNode
  readonly x: number
  readonly y: number
  readonly here: boolean
  readonly state: string | undefined
}) {
  const navigate = useNavigate()
  const left = node.tag === 'flow' ? 20 : 12
  const room = width - left - 10
  const what = node.store ?? state
  const sort = (says: string | undefined): string =>
    [words[node.tag], ...(says === undefined ? [] : [says])].join(' · ')
  const goes = node.tag === 'flow' && !here
  return (
    <g
      transform={`translate(${x} ${y})`}
      className={classes['box']}
      data-tag={node.tag}
      data-here={here || undefined}
      data-goes={goes || undefined}
      onClick={goes ? () => void navigate({ to: '/flows/$flow', params: { flow: node.name } }) : undefined}
    >
      <title>{node.name}</title>
      <rect width={width} height={height} rx={9} />
      {node.tag === 'flow' && (
        <rect
          width={5}
          height={height - 18}
          x={7}
          y={9}
          rx={2.5}
          style={{ fill: stateColour(state ?? 'never'), stroke: 'none' }}
        />
      )}
      <text x={left} y={19} className={classes['name']}>
        {shortened(node.name, room, (text) => widthOf(text, nameFont))}
      </text>
      <text x={left} y={35} className={classes['sort']}>
        {sort(what && shortened(what, room, (text) => widthOf(sort(text), sortFont)))}
      </text>
    </g>
  )
}
