const MOST_TEXT_BYTES = 65_536

/** Asks for a small text file, as the window's own dialog does. @returns `null` for none, or for one that is far too large */
export function pickText(document: Document): Promise<string | null> {
  const input = document.createElement('input')
  input.type = 'file'
  return new Promise((resolve) => {
    input.addEventListener('cancel', () => resolve(null))
    input.addEventListener('change', () => {
      const file = input.files?.[0]
      resolve(file === undefined || file.size > MOST_TEXT_BYTES ? null : file.text())
    })
    input.click()
  })
}

/** Hands a text to the browser as a download. */
export function saveText(document: Document, name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/octet-stream' }))
  const anchor = document.createElement('a')
  anchor.href = url
  anchor.download = name
  anchor.click()
  // The download has its own hold on the bytes once it began.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
