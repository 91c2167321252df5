import { Code, Stack, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react'
import { asProblem } from './http.ts'

const closeButtonProps = { 'aria-label': 'Close' } as const

/** Something was done. */
export function tell(title: string, message?: string): void {
  notifications.show({
    title,
    message: message ?? '',
    icon: <IconCheck size={16} aria-hidden />,
    color: 'teal',
    closeButtonProps,
  })
}

/** Something was refused: code, why and fix, until it is closed. */
export function tellProblem(error: unknown): void {
  const problem = asProblem(error)
  notifications.show({
    title: problem.title,
    color: 'red',
    icon: <IconAlertTriangle size={16} aria-hidden />,
    autoClose: false,
    closeButtonProps,
    message: (
      <Stack gap={4}>
        <Text size="sm">{problem.why}</Text>
        <Text size="sm">{problem.fix}</Text>
        <Code>{problem.code}</Code>
      </Stack>
    ),
  })
}
