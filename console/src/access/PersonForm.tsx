import { Button, Group, Modal, Select, Stack, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { getListPrincipalsQueryKey, useChangePrincipal, useCreatePrincipal } from '../client/access.ts'
import type { Principal } from '../client/model/principal.ts'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { oneIn } from '../frame/search.ts'
import { type ClaimRow, claimsOf, faultOf, rowsOf } from './claims.ts'
import { ClaimsInput } from './ClaimsInput.tsx'
import { roleChoices, roles } from './words.ts'

/** Adds a person (`person` null) or changes one. What is refused, such as lowering the last admin, is said in the form. */
export function PersonForm({ person, close }: { readonly person: Principal | null; readonly close: () => void }) {
  const client = useQueryClient()
  const [name, setName] = useState(person?.name ?? '')
  const [role, setRole] = useState<string>(person?.role ?? 'viewer')
  const [claims, setClaims] = useState<readonly ClaimRow[]>(rowsOf(person?.claims ?? {}))
  const mutation = {
    meta: { quiet: true },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: [getListPrincipalsQueryKey()[0]] })
      close()
    },
  }
  const create = useCreatePrincipal({ mutation })
  const change = useChangePrincipal({ mutation })
  const error = create.error ?? change.error
  const pending = create.isPending || change.isPending
  const fault = faultOf(claims)
  return (
    <Modal
      opened
      onClose={close}
      size="lg"
      title={person === null ? 'Add a person' : `Change ${person.name}`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (fault !== null || pending) return
          const data = { name: name.trim(), role: oneIn(role, roles) ?? 'viewer', claims: claimsOf(claims) }
          if (person === null) create.mutate({ data })
          else change.mutate({ principal: person.id, data })
        }}
      >
        <Stack gap="sm">
          {error !== null && <ErrorPanel error={error} />}
          <TextInput
            label="Name"
            required
            maxLength={100}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            data-autofocus
          />
          <Select
            label="Role"
            data={roleChoices.filter(({ value }) => value !== 'none')}
            value={role}
            allowDeselect={false}
            onChange={(value) => value !== null && setRole(value)}
          />
          <ClaimsInput rows={claims} onChange={setClaims} fault={fault} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              Back
            </Button>
            <Button type="submit" loading={pending} disabled={name.trim() === '' || fault !== null}>
              {person === null ? 'Add' : 'Save'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
