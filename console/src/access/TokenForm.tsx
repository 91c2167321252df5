import { Button, Group, Modal, Select, Stack, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { getListTokensQueryKey, useCreateToken, useListPrincipals } from '../client/access.ts'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { oneIn } from '../frame/search.ts'
import { type ClaimRow, claimsOf, faultOf } from './claims.ts'
import { ClaimsInput } from './ClaimsInput.tsx'
import { Secret } from './Secret.tsx'
import { expiry, lifetimes, roleChoices, roles } from './words.ts'

/** Makes a token; its secret is shown here, once. */
export function TokenForm({ close }: { readonly close: () => void }) {
  const client = useQueryClient()
  const people = useListPrincipals({ limit: 500 })
  const [name, setName] = useState('')
  const [role, setRole] = useState<string>('viewer')
  const [lifetime, setLifetime] = useState<string>('90')
  const [person, setPerson] = useState<string | null>(null)
  const [claims, setClaims] = useState<readonly ClaimRow[]>([])
  const { mutate, data, error, isPending } = useCreateToken({
    mutation: {
      meta: { quiet: true },
      onSuccess: () => client.invalidateQueries({ queryKey: [getListTokensQueryKey()[0]] }),
    },
  })
  const fault = faultOf(claims)
  // A secret that was not copied is lost: a click beside the window does not close it.
  const made = data !== undefined
  return (
    <Modal
      opened
      onClose={close}
      size="lg"
      title={made ? `Token ${data.token.name}` : 'New token'}
      closeOnClickOutside={!made}
      closeOnEscape={!made}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {made ? (
        <Stack>
          <Secret
            label="The secret"
            text={data.secret ?? ''}
            says="It is shown this once: Sluice keeps only its hash. Whoever has it may do what the token may."
          />
          <Group justify="flex-end">
            <Button onClick={close}>I have kept it</Button>
          </Group>
        </Stack>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            if (fault !== null || isPending) return
            mutate({
              data: {
                name: name.trim(),
                role: oneIn(role, roles) ?? null,
                expiresAt: expiry(lifetime, new Date()),
                principal: person,
                claims: claimsOf(claims),
              },
            })
          }}
        >
          <Stack gap="sm">
            {error !== null && <ErrorPanel error={error} />}
            <TextInput
              label="Name"
              description="Who or what uses it: the audit shows it."
              required
              maxLength={100}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              data-autofocus
            />
            <Select
              label="Role"
              data={[...roleChoices]}
              value={role}
              allowDeselect={false}
              onChange={(value) => value !== null && setRole(value)}
            />
            <Select
              label="Expires"
              data={lifetimes.map(({ value, label }) => ({ value, label: value === 'never' ? label : `In ${label}` }))}
              value={lifetime}
              allowDeselect={false}
              onChange={(value) => value !== null && setLifetime(value)}
            />
            <Select
              label="Acts for"
              description="Never with more than that person's role; ends when the person is removed."
              placeholder="Nobody in particular"
              data={people.data?.items.map(({ id, name: its }) => ({ value: id, label: its })) ?? []}
              value={person}
              clearable
              searchable
              onChange={setPerson}
            />
            <ClaimsInput rows={claims} onChange={setClaims} fault={fault} />
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={close}>
                Back
              </Button>
              <Button type="submit" loading={isPending} disabled={name.trim() === '' || fault !== null}>
                Make the token
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  )
}
