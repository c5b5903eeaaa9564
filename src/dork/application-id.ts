/** "DORK" in ASCII: `PRAGMA application_id` of every file. https://sqlite.org/pragma.html#pragma_application_id */
export const APPLICATION_ID = 0x444f524b;
