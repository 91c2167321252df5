import type { ReactNode } from 'react'
import classes from './Tiles.module.css'

export interface Tile {
  readonly name: string
  readonly value: ReactNode
  /** A line beneath. */
  readonly about?: ReactNode
}

/** A few figures side by side. */
export function Tiles({ tiles }: { readonly tiles: readonly Tile[] }) {
  return (
    <dl className={classes['tiles']}>
      {tiles.map(({ name, value, about }) => (
        <div key={name} className={classes['tile']}>
          <dt>{name}</dt>
          <dd className={classes['value']}>{value}</dd>
          {about !== undefined && <dd className={classes['about']}>{about}</dd>}
        </div>
      ))}
    </dl>
  )
}
