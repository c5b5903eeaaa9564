/**
 * Returns the hint for a file or folder that the system does not let this user read or write.
 *
 * @param of The file or folder in words or its path, e.g. `the folder, and the disk`.
 * @param then What to do afterwards, e.g. `try again`.
 */
/* @__NO_SIDE_EFFECTS__ */
export function checkOwner(of: string, then?: string): string {
  return `Check the owner and permissions of ${of}${then === undefined ? '' : `, then ${then}`}.`;
}
