import type { ReactNode } from 'react'
import { Fragment } from 'react'
import classes from './Facts.module.css'

/** What is known of one thing: a word each, and what there is. Null is left out. */
export function Facts({ facts }: { readonly facts: readonly (readonly [name: string, value: ReactNode] | null)[] }) {
  return (
    <dl className={classes['facts']}>
      {facts.map(
        (fact) =>
          fact !== null && (
            <Fragment key={fact[0]}>
              <dt>{fact[0]}</dt>
              <dd>{fact[1]}</dd>
            </Fragment>
          ),
      )}
    </dl>
  )
}
