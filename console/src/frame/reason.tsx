/** Asks before something is changed, and for the reason where one is recorded. */
import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { modals } from '@mantine/modals'
import { useState } from 'react'

export interface Question {
  readonly title: string
  /** What will happen. */
  readonly says: string
  /** The word on the button: `Pause`, `Cancel the run`. */
  readonly action: string
  /** Null: no reason is asked for. */
  readonly reason?: 'optional' | 'required' | null
  readonly danger?: boolean
}

function Form({ question, done }: { readonly question: Question; readonly done: (reason: string | null) => void }) {
  const [reason, setReason] = useState('')
  const missing = question.reason === 'required' && reason.trim() === ''
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!missing) done(reason.trim() === '' ? null : reason.trim())
      }}
    >
      <Stack gap="sm">
        <Text size="sm">{question.says}</Text>
        {question.reason !== null && (
          <TextInput
            label="Reason"
            description="Kept with the record, for whoever asks later."
            value={reason}
            maxLength={500}
            required={question.reason === 'required'}
            onChange={(event) => setReason(event.currentTarget.value)}
            data-autofocus
          />
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={() => modals.closeAll()}>
            Back
          </Button>
          <Button type="submit" color={question.danger === true ? 'red' : undefined} disabled={missing}>
            {question.action}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

/** Calls `yes` with the reason (null: none given) when the person agrees; nothing happens otherwise. */
export function ask(question: Question, yes: (reason: string | null) => void): void {
  modals.open({
    title: question.title,
    children: (
      <Form
        question={{ reason: 'optional', ...question }}
        done={(reason) => {
          modals.closeAll()
          yes(reason)
        }}
      />
    ),
  })
}
