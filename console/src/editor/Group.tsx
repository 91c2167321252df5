/** Fields that belong together, under one legend. */
import { Fieldset, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import classes from './Editor.module.css'

export function Group({
  label,
  description,
  faults,
  children,
}: {
  readonly label: string
  readonly description: string | null
  readonly faults: readonly string[]
  readonly children: ReactNode
}) {
  return (
    <Fieldset legend={label} className={classes['group'] ?? ''}>
      <Stack gap="sm">
        {description !== null && (
          <Text size="xs" c="dimmed">
            {description}
          </Text>
        )}
        {faults.map((fault) => (
          <Text key={fault} size="sm" className={classes['fault'] ?? ''} role="alert">
            {fault}
          </Text>
        ))}
        {children}
      </Stack>
    </Fieldset>
  )
}
