import { Button } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Advice } from '../client/model/advice.ts'
import { Command } from '../frame/Command.tsx'
import { http } from '../frame/http.ts'
import { useMay } from '../frame/session.ts'
import { tell } from '../frame/tell.tsx'
import classes from './HomePage.module.css'

/** What mends it: a button where the person may press it, else the command. */
export function Mend({ advice }: { readonly advice: Advice }) {
  const may = useMay(advice.action?.role ?? 'operator')
  const client = useQueryClient()
  const mend = useMutation({
    mutationFn: async () => {
      const { action } = advice
      if (action === null) return
      // Said by the API; only its own paths are followed.
      if (!action.path.startsWith('/api/')) throw new Error(`${action.path} is not of the API`)
      await http(action.path, {
        method: action.method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(action.body),
      })
    },
    onSuccess: () => {
      tell(advice.flow ?? 'Sluice', advice.action?.label)
      return client.invalidateQueries()
    },
  })
  return (
    <div className={classes['mend']}>
      <Command text={advice.command} />
      {advice.action !== null && may && (
        <Button size="xs" loading={mend.isPending} onClick={() => mend.mutate()}>
          {advice.action.label}
        </Button>
      )}
    </div>
  )
}
